// For each spel of a plane, the mean of the spels that a guide shows to be like it.
#pragma once

#include <array>
#include <cstdint>

#include "interrupt.hpp"
#include "rows.hpp"

namespace spel {

// `guide` has side / 2 more spels than `source` on every side; both are contiguous.
struct Alike {
  const float* source;
  const float* guide;
  std::array<int64_t, 2> size;  // of the source
  int64_t reach, side;
  float scale;  // a weight is (1 - scale times the sum of square differences of two patches)^4, at least 0
};

// Writes the means of rows [first, last) to `out`, which is contiguous.
void like_means(const Rows& rows, const Alike& of, int64_t first, int64_t last, float* out, int threads,
                const Poll& poll);

}  // namespace spel
