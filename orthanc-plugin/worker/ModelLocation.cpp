#include "orthanc-plugin/worker/ModelLocation.h"

namespace fedpet::plugin {

std::filesystem::path defaultModelDirectory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "models" / kShippedModel;
}

}  // namespace fedpet::plugin
