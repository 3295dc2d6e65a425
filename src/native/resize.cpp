// An image at another size, by triangle filters that are as wide as the reduction, so that nothing aliases.
//
// For each output spel, the filter of an axis reads a few adjacent input spels (Taps). The filter of the rows comes
// first: a weighted sum of a few input rows, which stays in the cache. Then each output spel is a weighted sum of a
// few spels of that row. The order of loops is band (a thread each), output row, columns, taps (rows_resize.hpp).
//
// A rotated image is drawn row by row from a copy whose rows have room after them (rows_rotate.hpp).
#include "resize.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "team.hpp"

namespace spel {
namespace {

constexpr int64_t kRoom = 32;  // two vectors after a row, which may be read

struct Taps {
  int64_t most = 0;            // largest number of taps of an output spel
  std::vector<int32_t> first;  // first input spel that an output spel reads
  std::vector<float> weights;  // [tap][output spel], 0 after its last tap
};

// Taps for spels [begin, begin + count) of `out` spels that cover [low, high) of an axis of n spels; spels outside the
// axis have no weight. `most` is that of all `out` spels, since the sums of a part have as many terms as of the whole.
Taps taps(int64_t n, double low, double high, int64_t out, int64_t begin, int64_t count) {
  const double scale = (high - low) / double(out), wide = std::max(scale, 1.0);
  const int64_t room = int64_t(std::ceil(wide)) * 2 + 1;
  std::vector<double> all(count * room, 0.0), other(room);
  Taps t;
  for (int64_t i = 0; i < out; i++) {
    const double centre = low + (double(i) + 0.5) * scale;
    int64_t from = std::clamp(int64_t(std::floor(centre - wide + 0.5)), int64_t(0), n - 1);
    const int64_t to = std::clamp(int64_t(std::floor(centre + wide + 0.5)), from + 1, std::min(n, from + room));
    const auto weight = [&](int64_t k) { return std::max(0.0, 1.0 - std::abs((double(k) + 0.5 - centre) / wide)); };
    while (from + 1 < to && weight(from) <= 0) from++;
    const bool wanted = begin <= i && i < begin + count;
    double* w = wanted ? all.data() + (i - begin) * room : other.data();
    std::fill(w, w + room, 0.0);
    double sum = 0;
    for (int64_t k = from; k < to; k++) sum += w[k - from] = weight(k);
    if (!(sum > 0)) w[0] = sum = 1;
    for (int64_t k = 0; k < room; k++) {
      w[k] /= sum;
      if (w[k] > 0) t.most = std::max(t.most, k + 1);
    }
    if (wanted) t.first.push_back(int32_t(from));
  }
  for (int64_t k = 0; k < t.most; k++)
    for (int64_t i = 0; i < count; i++) t.weights.push_back(float(all[i * room + k]));
  return t;
}

}  // namespace

void resize(const Rows& rows, const Plane& image, std::array<double, 4> box, const Drawing& out, int threads,
            const Poll& poll) {
  const auto [height, width] = out.size;
  Taps down = taps(image.whole[0], box[1], box[3], out.whole[0], out.origin[0], height);
  Taps along = taps(image.whole[1], box[0], box[2], out.whole[1], out.origin[1], width);
  for (int32_t& first : down.first) first -= int32_t(image.origin[0]);
  // Only the columns that are read are summed; the zeros after them have weights of zero too.
  const auto [least, last] = std::minmax_element(along.first.begin(), along.first.end());
  const int64_t left = *least - image.origin[1];
  const int64_t wide = std::min(*last - *least + along.most, image.size[1] - left);
  for (int32_t& first : along.first) first -= int32_t(image.origin[1] + left);
  constexpr int64_t kWorthAThread = 1 << 18;  // multiply-adds
  const int64_t line = down.most * wide + along.most * width;
  const int64_t bands = std::clamp(height * line / kWorthAThread, int64_t(1), std::min(height, int64_t(threads)));
  in_bands(bands, poll, [&](int64_t band, Pulse& pulse) {
    std::vector<float> sum(wide + along.most + kRoom, 0.0f), weights(down.most);
    for (int64_t y = band * height / bands; y < (band + 1) * height / bands; y++) {
      const int64_t count = std::min(down.most, image.size[0] - down.first[y]);
      for (int64_t k = 0; k < count; k++) weights[k] = down.weights[k * height + y];
      rows.weigh_rows(image.data + down.first[y] * image.row_stride + left, image.row_stride, weights.data(), count,
                      sum.data(), wide);
      rows.weigh_spels(sum.data(), along.first.data(), along.weights.data(), along.most, out.data + y * width, width);
      pulse(line);
    }
  });
}

void rotate(const Rows& rows, const float* image, int64_t row_stride, Pair size, double degrees, float* out,
            Pair out_size) {
  const auto [height, width] = size;
  const int64_t pitch = width + kRoom;
  std::vector<float> copy(height * pitch);
  for (int64_t y = 0; y < height; y++) std::copy_n(image + y * row_stride, width, copy.data() + y * pitch);
  const double angle = degrees * M_PI / 180, cosine = std::cos(angle), sine = std::sin(angle);
  // Output spel (0, 0) is seen from the middle of the output, and lies as far from that of the image.
  const double across = (1 - double(out_size[1])) / 2;
  for (int64_t row = 0; row < out_size[0]; row++) {
    const double below = double(row) + (1 - double(out_size[0])) / 2;
    const double y = double(height - 1) / 2 + sine * across + cosine * below;
    const double x = double(width - 1) / 2 + cosine * across - sine * below;
    rows.rotate_row(copy.data(), pitch, height, width, y, x, sine, cosine, out + row * out_size[1], out_size[1]);
  }
}

}  // namespace spel
