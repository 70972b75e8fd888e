set(part_sources AdminApi.cpp BlobStore.cpp Coordinator.cpp Keys.cpp Members.cpp OverHttp.cpp
                 PlanDesk.cpp RoundChecks.cpp RoundEngine.cpp RoundPruning.cpp RoundSums.cpp Router.cpp Schema.cpp
                 SiteApi.cpp Store.cpp)
