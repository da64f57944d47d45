// What JavaScript says of a resizing.
#pragma once

#include <napi.h>

#include "images/resize.h"

namespace senet::addon {

// Throws Error(kArgument) naming the number that is none or out of range; whether they fit is not looked at.
images::Resizing resizing_of(const Napi::Value& value);

}  // namespace senet::addon
