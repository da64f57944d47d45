// The one exception type of the native side. The addon turns it into the JavaScript error class of its code.
#pragma once

#include <stdexcept>
#include <string>

namespace senet {

enum class ErrorCode {
  kArgument,     // a wrong call: the TypeScript side lets none of these through
  kUnsupported,  // the backend cannot do this
  kOutOfMemory,
  kNonFinite,  // a NaN or infinity; `layer` and `tensor` say where
  kDisposed,
  kStopped,   // the environment is going away
  kInternal,  // a library call failed or an invariant broke
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// A NaN or infinity: `layer` is the layer or parameter, `tensor` one of input, activation, loss, gradient.
class NonFiniteError : public Error {
 public:
  NonFiniteError(std::string layer, std::string tensor)
      : Error(ErrorCode::kNonFinite, "non-finite " + tensor + " in '" + layer + "'"),
        layer_(std::move(layer)),
        tensor_(std::move(tensor)) {}

  const std::string& layer() const { return layer_; }
  const std::string& tensor() const { return tensor_; }

 private:
  std::string layer_;
  std::string tensor_;
};

}  // namespace senet
