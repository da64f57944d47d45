#include "addon/resizing_of.h"

#include <string>

#include "core/error.h"

namespace senet::addon {

images::Resizing resizing_of(const Napi::Value& value) {
  if (!value.IsObject()) throw Error(ErrorCode::kArgument, "resizeImage: expected sizes");
  const Napi::Object object = value.As<Napi::Object>();
  const auto number = [&](const char* key) {
    const double found = object.Get(key).ToNumber().DoubleValue();
    if (!(found >= 0 && found <= 2147483647.0))
      throw Error(ErrorCode::kArgument, std::string("resizeImage: ") + key + ": out of range");
    return static_cast<int64_t>(found);
  };
  images::Resizing result;
  result.width = number("width");
  result.height = number("height");
  result.to_width = number("toWidth");
  result.to_height = number("toHeight");
  result.top = number("top");
  result.left = number("left");
  result.part_width = number("partWidth");
  result.part_height = number("partHeight");
  const std::string interpolation = object.Get("interpolation").ToString();
  result.interpolation =
      interpolation == "bicubic" ? images::Interpolation::kBicubic : images::Interpolation::kBilinear;
  return result;
}

}  // namespace senet::addon
