#include "orthanc-plugin/worker/Threads.h"

#include <cstdlib>
#include <string>

namespace fedpet::plugin {

// By environment, which ITK, OpenMP, OpenBLAS and through them LibTorch read at their first use:
// so that neither ITK nor LibTorch has to be met here.
void limitThreads(int threads) {
  if (threads <= 0) return;
  const std::string n = std::to_string(threads);
  for (const char* name : {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "OMP_NUM_THREADS",
                           "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"})
    setenv(name, n.c_str(), 0);
}

}  // namespace fedpet::plugin
