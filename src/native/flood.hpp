#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "interrupt.hpp"

namespace spel {

// How a path's cost grows by one step from p to q; kernels/reference.py gives the meaning.
enum class Flood : int { watershed = 0, trees_of_labels = 1, trees_of_roots = 2, growcut = 3 };

// The best path to a spel; spel/ops/flood.py has the same fields in the same order.
struct Path {
  double cost, before;          // before: the cost before it last grew; of seeds lower than any
  int64_t root;                 // the seed: any numbers, in the order of seeds
  int32_t label;                // counted from 1; 0 where no path arrives
  int32_t steps, steps_before;  // steps of this cost, and of the one before
};

// Floods (planes, rows, cols) spels from those that paths arrive at. The image holds `channels` contiguous floats per
// spel. Throws Interrupted once `poll` is true.
void flood(const float* image, int64_t channels, std::array<int64_t, 3> size, Flood rule, double reach,
           const std::vector<std::array<int64_t, 3>>& displacements, Path* paths, const Poll& poll);

}  // namespace spel
