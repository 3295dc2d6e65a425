#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "interrupt.hpp"

namespace spel {

// How a path's cost grows by one step from p to q; kernels/reference.py gives the meaning.
enum class Flood : int { watershed = 0, trees_of_labels = 1, trees_of_roots = 2, growcut = 3 };

// Floods (planes, rows, cols) spels from the seeds (labels >= 0; -1 elsewhere). The image holds
// `channels` contiguous floats per spel; labels and costs are contiguous; costs hold the seeds' own.
// Throws Interrupted once `poll` is true.
void flood(const float* image, int64_t channels, std::array<int64_t, 3> size, Flood rule, double reach,
           const std::vector<std::array<int64_t, 3>>& displacements, int32_t* labels, double* costs, const Poll& poll);

}  // namespace spel
