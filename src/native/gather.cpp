// Patches: the values under a window at every place of a grid, side by side.
//
// The idea: with channels innermost, a run of displacements along a row is one span of memory, so a patch is a few
// short spans. They are copied four floats at a time. What is copied too much lies where the next span goes, and is
// overwritten by it; only at the very end of `out` there is no room for it.
//
//   for each place, in raster order
//     for each span                 copy it behind the last one
#include "gather.hpp"

#include <algorithm>
#include <cstring>

namespace spel {
namespace {

typedef float Four __attribute__((vector_size(16)));

float* copied(const float* from, const std::vector<Span>& spans, float* out) {
  for (const Span& span : spans) {
    for (int64_t i = 0; i < span.length; i += 4) {
      Four four;
      std::memcpy(&four, from + span.offset + i, 16);
      std::memcpy(out + i, &four, 16);
    }
    out += span.length;
  }
  return out;
}

float* copied_exactly(const float* from, const std::vector<Span>& spans, float* out) {
  for (const Span& span : spans) out = std::copy_n(from + span.offset, span.length, out);
  return out;
}

}  // namespace

void gather(const float* values, const std::vector<Span>& spans, std::array<int64_t, 3> grid,
            std::array<int64_t, 3> steps, float* out, const Poll& poll) {
  int64_t patch = 0;
  for (const Span& span : spans) patch += span.length;
  const float* const end = out + grid[0] * grid[1] * grid[2] * patch;
  Pulse pulse(poll);
  for (int64_t plane = 0; plane < grid[0]; ++plane)
    for (int64_t row = 0; row < grid[1]; ++row) {
      const float* from = values + plane * steps[0] + row * steps[1];
      for (int64_t col = 0; col < grid[2]; ++col, from += steps[2])
        out = end - out >= patch + 3 ? copied(from, spans, out) : copied_exactly(from, spans, out);
      pulse(grid[2] * patch);
    }
}

}  // namespace spel
