// From a value known at run time to a template argument.
#pragma once

#include <type_traits>

namespace senet::cpu {

// Calls body(std::integral_constant) for the one of kChoices that equals value.
template <auto... kChoices, typename Value, typename Body>
void choose(Value value, const Body& body) {
  (void)((value == kChoices && (body(std::integral_constant<decltype(kChoices), kChoices>()), true)) || ...);
}

}  // namespace senet::cpu
