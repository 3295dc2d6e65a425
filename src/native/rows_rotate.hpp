// A row of a rotated image: each spel lies between four others, which are weighed by their closeness.
//
// A vector of the output crosses few rows of the image, even if the angle is large. Each of them adds, to every lane,
// its value at the lane's column, between two spels, times its closeness to the lane; most lanes are close to two rows.
#pragma once

#include "rows.hpp"
#include "simd.hpp"

namespace spel::SPEL_ISA {

// Places of a vector of lanes along one axis of n spels: the first spel that a lane reads, the lanes' distances to it,
// and how many spels they reach. Beyond the axis, its first or last spel is read.
struct Places {
  int64_t first;
  Vec after;
  int64_t count;

  SPEL_INLINE Places(double at, double step, int64_t n) {
    const double end = at + (kLanes - 1) * step, last = double(n - 1);
    const auto within = [=](double place) { return place < 0 ? 0 : place > last ? last : place; };
    first = int64_t(within(at < end ? at : end));
    count = int64_t(within(at < end ? end : at)) + 2 - first;
    if (count > n - first) count = n - first;
    Vec lane;
    for (int i = 0; i < kLanes; ++i) lane[i] = float(i);
    after = fused(lane, splat(float(step)), splat(float(at - double(first))));
    after = smaller(larger(after, Vec{}), splat(float(n - 1 - first)));
  }
};

// out[i] = the image at row y + i down and column x + i along; each row has 32 more floats, which may be read
inline void rotate_row(const float* image, int64_t row_stride, int64_t height, int64_t width, double y, double x,
                       double down, double along, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const Places rows(y + double(i) * down, down, height), cols(x + double(i) * along, along, width);
    const Ints left = __builtin_convertvector(cols.after, Ints);
    const Ints last = (Ints{} + int32_t(cols.count - 1)), next = left < last ? left + 1 : last;
    const Vec share = cols.after - __builtin_convertvector(left, Vec);
    Vec sum = {};
    for (int64_t k = 0; k < rows.count; ++k) {
      const float* row = image + (rows.first + k) * row_stride + cols.first;
      const Vec low = load(row), high = load(row + kLanes);
      const Vec a = picked(low, high, left), b = picked(low, high, next);
      const Vec closeness = 1 - magnitude(rows.after - float(k));
      sum = closeness > 0 ? fused(closeness, fused(share, b - a, a), sum) : sum;
    }
    if (n - i < kLanes) store(out + i, sum, n - i);
    else store(out + i, sum);
  }
}

}  // namespace spel::SPEL_ISA
