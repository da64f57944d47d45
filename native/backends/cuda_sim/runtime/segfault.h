// Says what happened when something touches device memory that it must not touch, before the process ends.
#pragma once

namespace senet::sim {

// Sets a handler of SIGSEGV that explains addresses of the device, and hands every signal on to the handler
// before it.
void explain_segfaults();

}  // namespace senet::sim
