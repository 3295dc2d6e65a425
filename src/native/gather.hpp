#pragma once

#include <array>
#include <vector>

#include "interrupt.hpp"

namespace spel {

struct Span {  // floats [offset, offset + length) from where a window stands
  long offset, length;
};

// For each place of a grid (planes, rows, columns; steps in floats), copies the spans of its window side by side to
// `out`. Reads up to three floats behind a span. Throws Interrupted once `poll` is true.
void gather(const float* values, const std::vector<Span>& spans, std::array<long, 3> grid, std::array<long, 3> steps,
            float* out, const Poll& poll);

}  // namespace spel
