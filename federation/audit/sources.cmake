set(part_sources AuditLog.cpp)
