#pragma once

#include <array>

#include "interrupt.hpp"
#include "rows.hpp"

namespace spel {

// Draws a box (x0, y0, x1, y1) of a one-channel image as `out` (contiguous, rows x columns), see resize.cpp.
// Throws Interrupted once `poll` is true.
void resize(const Rows& rows, const float* image, std::array<long, 2> size, long row_stride, std::array<double, 4> box,
            float* out, std::array<long, 2> out_size, const Poll& poll);

}  // namespace spel
