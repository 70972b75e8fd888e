// One job from lease to report: fetch, read, assess, write, store.
#pragma once

#include "orthanc-plugin/worker/OrthancClient.h"

#include <memory>
#include <string>

namespace fedpet::response {
class ResponseModel;
}

namespace fedpet::plugin {

class JobRunner {
 public:
  explicit JobRunner(const WorkerSettings&);

  // Does the job and reports how it ended; a failure of the job is reported, not thrown. Throws
  // net::NetError and LeaseLost when the report itself was in vain.
  void run(const LeasedJob&);

 private:
  // The model of that folder (empty: the shipped one), loaded once; null (and a line on standard
  // error) when it cannot be.
  const response::ResponseModel* model(const std::string& path);

  WorkerSettings settings_;
  OrthancClient client_;
  std::string modelPath_;
  std::shared_ptr<const response::ResponseModel> model_;
};

}  // namespace fedpet::plugin
