#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "interrupt.hpp"

namespace spel {

// Numbers the components of a mask (strides in bytes) in `labels` (contiguous), and returns how many there are.
// `threads` is the largest number of them; the labels do not depend on it. Throws Interrupted once `poll` is true.
int64_t label(const uint8_t* mask, int64_t planes, int64_t rows, int64_t cols, const int64_t* stride,
              const std::vector<std::array<int64_t, 3>>& displacements, int32_t* labels, int threads, const Poll& poll);

}  // namespace spel
