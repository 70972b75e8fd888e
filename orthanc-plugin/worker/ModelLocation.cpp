#include "orthanc-plugin/worker/ModelLocation.h"

namespace fedpet::plugin {

std::filesystem::path defaultModelDirectory() {
  namespace fs = std::filesystem;
  const fs::path programs = fs::read_symlink("/proc/self/exe").parent_path();
  const fs::path beside = programs / "models" / kShippedModel;
  if (fs::is_directory(beside)) return beside;
  return programs.parent_path() / "share/fedpet/models" / kShippedModel;
}

}  // namespace fedpet::plugin
