#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace spel {

// Numbers the components of a mask (strides in bytes) into labels (contiguous); returns how many.
long label(const uint8_t* mask, long planes, long rows, long cols, const long* stride,
           const std::vector<std::array<long, 3>>& displacements, int32_t* labels);

}  // namespace spel
