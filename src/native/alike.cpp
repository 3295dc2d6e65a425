// Means of like spels.
//
// Two spels at an offset weigh each other alike, so half of the offsets are enough. The order of loops is chunk of
// rows, offset, row: a chunk and its sums stay in the cache while all offsets pass over it. Of an offset, square
// differences are kept for as many rows as a patch has; their sum down, then along, gives the weights of a row.
//
// The terms of each sum come in an order that does not depend on the chunks, so the result does not either.
#include "alike.hpp"

#include <algorithm>
#include <vector>

#include "team.hpp"

namespace spel {
namespace {

constexpr int64_t kSpels = 1 << 15;  // of a chunk
constexpr int64_t kLeastRows = 16;   // pairs across the edge of a chunk are weighed twice

class Chunk {
 public:
  Chunk(const Rows& rows, const Alike& of, int64_t top, int64_t bottom, float* sums)
      : rows(rows), of(of), top(top), bottom(bottom), sums(sums), counts((bottom - top) * of.size[1], 1.0f) {}

  void average(Pulse& pulse) {
    const int64_t width = of.size[1];
    std::copy(of.source + top * width, of.source + bottom * width, sums);
    for (int64_t down = 0; down <= of.reach; down++)
      for (int64_t right = down ? -of.reach : 1; right <= of.reach; right++) {
        add_pairs(down, right);
        pulse((bottom - top) * width / 4);
      }
    for (size_t i = 0; i < counts.size(); i++) sums[i] /= counts[i];
  }

 private:
  // All pairs at an offset of which one spel or both are in the chunk.
  void add_pairs(int64_t down, int64_t right) {
    const auto [height, width] = of.size;
    const int64_t left = std::max<int64_t>(0, -right), count = width - left - std::max<int64_t>(0, right);
    const int64_t from = std::max<int64_t>(0, top - down), to = std::min(bottom, height - down);
    if (count <= 0 || from >= to) return;
    const int64_t pitch = width + of.side - 1, wide = count + of.side - 1;
    squares.resize(of.side * wide);
    sum.resize(wide);
    terms.resize(of.side);
    for (int64_t y = from; y < to + of.side - 1; y++) {
      const float* own = of.guide + y * pitch + left;
      rows.square_difference(own, own + down * pitch + right, &squares[y % of.side * wide], wide);
      const int64_t row = y - of.side + 1;
      if (row < from) continue;
      for (int64_t k = 0; k < of.side; k++) terms[k] = &squares[(row + k) % of.side * wide];
      rows.combine(Reduce::sum, false, terms.data(), of.side, sum.data(), wide);
      rows.likeness(sum.data(), of.side, of.scale, sum.data(), count);
      add(row + down, left + right, of.source + row * width + left, count);
      add(row, left, of.source + (row + down) * width + left + right, count);
    }
  }

  // Adds the others by the weights in `sum` to the spels of a row from a column on, if it is a row of the chunk.
  void add(int64_t row, int64_t col, const float* others, int64_t count) {
    if (row < top || row >= bottom) return;
    const int64_t at = (row - top) * of.size[1] + col;
    rows.add_by_weights(sum.data(), others, sums + at, &counts[at], count);
  }

  const Rows& rows;
  const Alike& of;
  const int64_t top, bottom;
  float* sums;
  std::vector<float> counts, squares, sum;
  std::vector<const float*> terms;
};

}  // namespace

void like_means(const Rows& rows, const Alike& of, int64_t first, int64_t last, float* out, int threads,
                const Poll& poll) {
  const int64_t width = of.size[1], height = std::max(kLeastRows, kSpels / width);
  const int64_t chunks = (last - first + height - 1) / height, bands = std::min(chunks, int64_t(threads));
  in_bands(bands, poll, [&](int64_t band, Pulse& pulse) {
    for (int64_t n = band * chunks / bands; n < (band + 1) * chunks / bands; n++) {
      const int64_t top = first + n * height, bottom = std::min(last, top + height);
      Chunk(rows, of, top, bottom, out + (top - first) * width).average(pulse);
    }
  });
}

}  // namespace spel
