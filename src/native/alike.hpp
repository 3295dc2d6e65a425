// Groups of like patches, shrunk together: what their waves have in common passes, noise does not.
#pragma once

#include <array>
#include <cstdint>

#include "interrupt.hpp"
#include "rows.hpp"

namespace spel {

// All planes are contiguous, of one size, and at least kGroupSide spels along each axis.
struct Groups {
  const float* source;
  const float* guide;
  const float* marks;  // the guide in whole numbers from 0 to 511, by which patches are compared
  std::array<int64_t, 2> size;
  int64_t reach, step, count;  // count: patches of a group, a power of 2
  float power;                 // of the noise
};

// Adds what the groups of some rows of the grid say of each spel, times its weight, to `sums`, and the weights to
// `weights`. Rows are those of the grid of patches: every `step` spels, and the last possible one. They begin with a
// multiple of those of a band, so that the result does not depend on the parts that are asked for.
constexpr int64_t kGroupBand = 64;  // spels, at least twice the reach and two patches

void add_groups(const Rows& rows, const Groups& of, int64_t first, int64_t last, float* sums, float* weights,
                int threads, const Poll& poll);

}  // namespace spel
