// How many threads the libraries may compute with. They decide for themselves otherwise, each as
// if it were alone on the machine.
#pragma once

namespace fedpet::plugin {

// To be called before the first computation. 0: leave it to them.
void limitThreads(int threads);

}  // namespace fedpet::plugin
