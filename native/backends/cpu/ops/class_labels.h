// Class labels, checked before they index memory.
#pragma once

#include <string>

#include "core/error.h"

namespace senet::cpu {

// Throws unless all labels are in [0, classes).
inline void check_labels(const std::string& layer, const int32_t* labels, int64_t count, int64_t classes) {
  for (int64_t n = 0; n < count; ++n) {
    if (labels[n] >= 0 && labels[n] < classes) continue;
    throw Error(ErrorCode::kArgument, layer + ": label " + std::to_string(labels[n]) + " of sample " +
                                          std::to_string(n) + " is outside 0.." +
                                          std::to_string(classes - 1));
  }
}

}  // namespace senet::cpu
