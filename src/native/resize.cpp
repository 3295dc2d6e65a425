// An image at another size, drawn by triangle filters as wide as the reduction, so that nothing aliases.
//
// A filter of an axis reads, for each output spel, a few input spels one beside the other (Taps). Rows come first: one
// output row is a weighted sum of a few input rows, which vectorizes along the row and stays in the cache; then each
// output spel is a weighted sum of a few spels of that row. The loop order is: output row, its input rows, columns.
#include "resize.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace spel {
namespace {

struct Taps {
  long most = 0;                // weights kept per output spel
  std::vector<long> first;      // first input spel that each output spel reads
  std::vector<long> count;      // how many
  std::vector<float> weights;   // [output spel][most], 0 beyond count
};

// Input spels of [low, high) of an axis of n, at `out` places; what lies outside the axis has no say.
Taps taps(long n, double low, double high, long out) {
  const double scale = (high - low) / double(out), wide = std::max(scale, 1.0);
  Taps t;
  t.most = long(std::ceil(wide)) * 2 + 1;
  t.first.resize(out);
  t.count.resize(out);
  t.weights.assign(out * t.most, 0.0f);
  std::vector<double> w(t.most);
  for (long i = 0; i < out; i++) {
    const double centre = low + (double(i) + 0.5) * scale;
    const long from = std::clamp(long(std::floor(centre - wide + 0.5)), 0L, n - 1);
    const long to = std::clamp(long(std::floor(centre + wide + 0.5)), from + 1, std::min(n, from + t.most));
    double sum = 0;
    for (long k = from; k < to; k++) {
      w[k - from] = std::max(0.0, 1.0 - std::abs((double(k) + 0.5 - centre) / wide));
      sum += w[k - from];
    }
    if (!(sum > 0)) w[0] = sum = 1;
    t.first[i] = from;
    t.count[i] = to - from;
    for (long k = 0; k < to - from; k++) t.weights[i * t.most + k] = float(w[k] / sum);
  }
  return t;
}

void add_row(float* __restrict sum, const float* __restrict row, float weight, long n) {
  for (long x = 0; x < n; x++) sum[x] += weight * row[x];
}

template <int N>
void across(const float* __restrict row, const Taps& t, float* __restrict out) {
  const long n = long(t.first.size());
  for (long x = 0; x < n; x++) {
    const float* from = row + t.first[x];
    const float* w = t.weights.data() + x * t.most;
    float sum = 0;
    for (int k = 0; k < N; k++) sum += w[k] * from[k];
    out[x] = sum;
  }
}

void across_any(const float* row, const Taps& t, float* out) {
  for (size_t x = 0; x < t.first.size(); x++) {
    float sum = 0;
    for (long k = 0; k < t.most; k++) sum += t.weights[x * t.most + k] * row[t.first[x] + k];
    out[x] = sum;
  }
}

}  // namespace

void resize(const float* image, std::array<long, 2> size, long row_stride, std::array<double, 4> box, float* out,
            std::array<long, 2> out_size) {
  const Taps down = taps(size[0], box[1], box[3], out_size[0]), along = taps(size[1], box[0], box[2], out_size[1]);
  // Only the columns that are read; zeros after them stand under weights that are zero too.
  const long left = *std::min_element(along.first.begin(), along.first.end());
  long right = left;
  for (size_t x = 0; x < along.first.size(); x++) right = std::max(right, along.first[x] + along.count[x]);
  Taps shifted = along;
  for (long& first : shifted.first) first -= left;
  std::vector<float> sum(right - left + along.most, 0.0f);
  for (long y = 0; y < out_size[0]; y++) {
    std::fill(sum.begin(), sum.begin() + (right - left), 0.0f);
    for (long k = 0; k < down.count[y]; k++)
      add_row(sum.data(), image + (down.first[y] + k) * row_stride + left, down.weights[y * down.most + k], right - left);
    float* to = out + y * out_size[1];
    if (along.most == 3)
      across<3>(sum.data(), shifted, to);
    else if (along.most == 5)
      across<5>(sum.data(), shifted, to);
    else
      across_any(sum.data(), shifted, to);
  }
}

}  // namespace spel
