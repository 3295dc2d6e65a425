#pragma once

#include <array>
#include <cstdint>

#include "interrupt.hpp"
#include "rows.hpp"

namespace spel {

using Pair = std::array<int64_t, 2>;  // of rows and columns

// An image, or the window of one that is at hand: `size` spels from `origin` on of `whole`.
struct Plane {
  const float* data;
  int64_t row_stride;
  Pair size, origin, whole;
};

// The spels of the result that are drawn: `size` of them from `origin` on of `whole`; contiguous.
struct Drawing {
  float* data;
  Pair size, origin, whole;
};

// Draws a box (x0, y0, x1, y1) of a one-channel image, see resize.cpp. A part is drawn with the bits of the whole.
// The window must hold what the part reads. `threads` is the largest number of them. Throws Interrupted once `poll` is true.
void resize(const Rows& rows, const Plane& image, std::array<double, 4> box, const Drawing& out, int threads,
            const Poll& poll);

// Draws the middle of a one-channel image of `size`, turned by an angle about its middle; `out` is contiguous.
void rotate(const Rows& rows, const float* image, int64_t row_stride, Pair size, double degrees, float* out,
            Pair out_size);

}  // namespace spel
