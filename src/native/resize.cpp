// An image at another size, by triangle filters that are as wide as the reduction, so that nothing aliases.
//
// For each output spel, the filter of an axis reads a few adjacent input spels (Taps). The filter of the rows comes
// first: a weighted sum of a few input rows, which stays in the cache. Then each output spel is a weighted sum of a
// few spels of that row. The order of loops is output row, columns, taps (rows_resize.hpp).
#include "resize.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace spel {
namespace {

struct Taps {
  long most = 0;               // largest number of taps of an output spel
  std::vector<int32_t> first;  // first input spel that an output spel reads
  std::vector<float> weights;  // [tap][output spel], 0 after its last tap
};

// Taps for `out` spels that cover [low, high) of an axis of n spels; spels outside the axis have no weight.
Taps taps(long n, double low, double high, long out) {
  const double scale = (high - low) / double(out), wide = std::max(scale, 1.0);
  const long room = long(std::ceil(wide)) * 2 + 1;
  std::vector<double> all(out * room, 0.0);
  Taps t;
  for (long i = 0; i < out; i++) {
    const double centre = low + (double(i) + 0.5) * scale;
    long from = std::clamp(long(std::floor(centre - wide + 0.5)), 0L, n - 1);
    const long to = std::clamp(long(std::floor(centre + wide + 0.5)), from + 1, std::min(n, from + room));
    const auto weight = [&](long k) { return std::max(0.0, 1.0 - std::abs((double(k) + 0.5 - centre) / wide)); };
    while (from + 1 < to && weight(from) <= 0) from++;
    double* w = all.data() + i * room;
    double sum = 0;
    for (long k = from; k < to; k++) sum += w[k - from] = weight(k);
    if (!(sum > 0)) w[0] = sum = 1;
    for (long k = 0; k < room; k++) {
      w[k] /= sum;
      if (w[k] > 0) t.most = std::max(t.most, k + 1);
    }
    t.first.push_back(int32_t(from));
  }
  for (long k = 0; k < t.most; k++)
    for (long i = 0; i < out; i++) t.weights.push_back(float(all[i * room + k]));
  return t;
}

}  // namespace

void resize(const Rows& rows, const float* image, std::array<long, 2> size, long row_stride, std::array<double, 4> box,
            float* out, std::array<long, 2> out_size, const Poll& poll) {
  const Taps down = taps(size[0], box[1], box[3], out_size[0]);
  Taps along = taps(size[1], box[0], box[2], out_size[1]);
  // Only the columns that are read are summed; the zeros after them have weights of zero too.
  const auto [least, last] = std::minmax_element(along.first.begin(), along.first.end());
  const long left = *least, wide = std::min(*last + along.most, size[1]) - left;
  for (int32_t& first : along.first) first -= int32_t(left);
  std::vector<float> sum(wide + along.most, 0.0f), weights(down.most);
  Pulse pulse(poll);
  for (long y = 0; y < out_size[0]; y++) {
    const long count = std::min(down.most, size[0] - down.first[y]);
    for (long k = 0; k < count; k++) weights[k] = down.weights[k * out_size[0] + y];
    rows.weigh_rows(image + down.first[y] * row_stride + left, row_stride, weights.data(), count, sum.data(), wide);
    rows.weigh_spels(sum.data(), along.first.data(), along.weights.data(), along.most, out + y * out_size[1],
                     out_size[1]);
    pulse(count * wide + along.most * out_size[1]);
  }
}

}  // namespace spel
