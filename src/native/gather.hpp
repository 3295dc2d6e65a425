#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "interrupt.hpp"

namespace spel {

struct Span {  // floats [offset, offset + length) from where a window stands
  int64_t offset, length;
};

// For each place of a grid (planes, rows, columns; steps in floats), copies the spans of its window side by side to
// `out`. Reads up to three floats behind a span. `threads` is the largest number of them. Throws Interrupted once `poll` is true.
void gather(const float* values, const std::vector<Span>& spans, std::array<int64_t, 3> grid,
            std::array<int64_t, 3> steps, float* out, int threads, const Poll& poll);

}  // namespace spel
