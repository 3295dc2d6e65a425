// Patches: the values under a window at every place of a grid, side by side.
//
// The idea: with channels innermost, a run of displacements along a row is one span of memory, so a patch is a few
// short spans. They are copied four floats at a time. What is copied too much lies where the next span goes, and is
// overwritten by it; only at the end of a band there is no room for it.
//
//   for each band of rows, in a thread of its own
//     for each place, in raster order
//       for each span                 copy it behind the last one
#include "gather.hpp"

#include <algorithm>
#include <cstring>

#include "team.hpp"

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
            std::array<int64_t, 3> steps, float* out, int threads, const Poll& poll) {
  constexpr int64_t kWorthAThread = 1 << 16;  // numbers
  int64_t patch = 0;
  for (const Span& span : spans) patch += span.length;
  const int64_t lines = grid[0] * grid[1], line = grid[2] * patch;
  const int64_t most = std::min(lines, lines * line / kWorthAThread),
                bands = std::clamp(most, int64_t(1), int64_t(threads));
  in_bands(bands, poll, [&](int64_t band, Pulse& pulse) {
    const int64_t first = band * lines / bands, last = (band + 1) * lines / bands;
    float *next = out + first * line, *const end = out + last * line;
    for (int64_t here = first; here < last; ++here) {
      const float* from = values + here / grid[1] * steps[0] + here % grid[1] * steps[1];
      for (int64_t col = 0; col < grid[2]; ++col, from += steps[2])
        next = end - next >= patch + 3 ? copied(from, spans, next) : copied_exactly(from, spans, next);
      pulse(line);
    }
  });
}

}  // namespace spel
