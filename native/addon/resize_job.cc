#include "addon/resize_job.h"

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon/fault.h"
#include "addon/jobs.h"
#include "core/error.h"
#include "images/resize.h"

namespace senet::addon {

namespace {

int64_t number_of(const Napi::Object& sizes, const char* key) {
  const double found = sizes.Get(key).ToNumber().DoubleValue();
  if (!(found >= 0 && found <= 2147483647.0)) {
    throw Error(ErrorCode::kArgument, std::string("resizeImage: ") + key + ": out of range");
  }
  return static_cast<int64_t>(found);
}

images::Resizing resizing_of(const Napi::Object& sizes) {
  images::Resizing result;
  result.width = number_of(sizes, "width");
  result.height = number_of(sizes, "height");
  result.to_width = number_of(sizes, "toWidth");
  result.to_height = number_of(sizes, "toHeight");
  result.top = number_of(sizes, "top");
  result.left = number_of(sizes, "left");
  result.part_width = number_of(sizes, "partWidth");
  result.part_height = number_of(sizes, "partHeight");
  const std::string interpolation = sizes.Get("interpolation").ToString();
  result.interpolation =
      interpolation == "bicubic" ? images::Interpolation::kBicubic : images::Interpolation::kBilinear;
  return result;
}

}  // namespace

Napi::Value resize_on_pool(const Napi::Object& image, std::span<const std::byte> bytes,
                           const Napi::Object& sizes) {
  const images::Resizing resizing = resizing_of(sizes);
  images::check_resizing(resizing, bytes.size());
  const auto held = std::make_shared<Napi::ObjectReference>(Napi::Persistent(image));
  auto part = std::make_shared<std::vector<uint8_t>>(
      static_cast<size_t>(resizing.part_width * resizing.part_height * 3));
  return submit_to_pool(
      image.Env(),
      [resizing, part, from = reinterpret_cast<const uint8_t*>(bytes.data())] {
        SENET_FAULT_POINT("resizeImage:job");
        images::resize(resizing, from, part->data());
      },
      [held, part](Napi::Env env) {
        Napi::ArrayBuffer result = Napi::ArrayBuffer::New(env, part->size());
        std::memcpy(result.Data(), part->data(), part->size());
        return result;
      });
}

}  // namespace senet::addon
