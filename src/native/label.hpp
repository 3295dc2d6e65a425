#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "interrupt.hpp"

namespace spel {

// Numbers the components of a mask (strides in bytes) in `labels` (contiguous), and returns how many there are.
// Throws Interrupted once `poll` is true.
long label(const uint8_t* mask, long planes, long rows, long cols, const long* stride,
           const std::vector<std::array<long, 3>>& displacements, int32_t* labels, const Poll& poll);

}  // namespace spel
