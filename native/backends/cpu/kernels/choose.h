// From a value known at run time to a template argument.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace senet::cpu {

// Calls body(std::integral_constant) for the one of kChoices that equals value.
template <auto... kChoices, typename Value, typename Body>
void choose(Value value, const Body& body) {
  (void)((value == kChoices && (body(std::integral_constant<decltype(kChoices), kChoices>()), true)) || ...);
}

// The same for a number from 1 to kMost.
template <int64_t kMost, typename Body>
void choose_up_to(int64_t value, const Body& body) {
  [&]<int64_t... kLess>(std::integer_sequence<int64_t, kLess...>) {
    choose<(kLess + 1)...>(value, body);
  }
  (std::make_integer_sequence<int64_t, kMost>());
}

}  // namespace senet::cpu
