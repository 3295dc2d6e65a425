// Rows that join images, look over their channels, or stand on another grid.
#include "stages.hpp"

#include <algorithm>

namespace spel {

void Join::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  const Rows& kernels = *lane.plan.kernels;
  std::vector<const float*>& terms = lane.states[id].terms;
  for (int64_t c = 0; c < channels; ++c, dst += pitch) {
    terms.clear();
    for (size_t i = 0; i < reads.size(); ++i)
      terms.push_back(in[i].p + (reads[i].node->channels == 1 ? 0 : c * in[i].pitch));
    if (!product || terms.size() == 1) {
      kernels.combine(Reduce::sum, false, terms.data(), int64_t(terms.size()), dst, grid.cols);
      continue;
    }
    kernels.multiply(terms[0], terms[1], dst, grid.cols);
    for (size_t i = 2; i < terms.size(); ++i) kernels.multiply(dst, terms[i], dst, grid.cols);
  }
}

void Clip::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  for (int64_t c = 0; c < channels; ++c)
    lane.plan.kernels->clip(in[0].p + c * in[0].pitch, low, high, dst + c * pitch, grid.cols);
}

void ChannelSlopes::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  for (int64_t c = 0; c < channels; ++c)
    lane.plan.kernels->activate(Phi::leaky_relu, slopes[c], in[0].p + c * in[0].pitch, dst + c * pitch, grid.cols);
}

void Softmax::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  lane.plan.kernels->softmax(in[0].p, in[0].pitch, channels, dst, pitch, grid.cols);
}

void ArgMax::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t) const {
  lane.plan.kernels->argmax(in[0].p, in[0].pitch, reads[0].node->channels, dst, grid.cols);
}

void Recolor::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  lane.plan.kernels->recolor(space, white, in[0].p, in[0].pitch, dst, pitch, grid.cols);
}

void Pad::make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  const int64_t size = reads[0].node->grid.cols;
  const int64_t first = std::clamp(-start.col, int64_t(0), grid.cols);  // columns [first, last) lie inside
  const int64_t last = std::clamp(size - start.col, first, grid.cols);
  for (int64_t c = 0; c < channels; ++c, dst += pitch) {
    const float value = fill.empty() ? 0 : fill[fill.size() == 1 ? 0 : c];
    if (!in[0].p) {
      std::fill_n(dst, grid.cols, value);
      continue;
    }
    const float* from = in[0].p + c * in[0].pitch;
    std::copy(from + start.col + first, from + start.col + last, dst + first);
    auto outside = [&](int64_t x) {
      return border == Border::constant ? value : from[bounced(start.col + x, size, border)];
    };
    for (int64_t x = 0; x < first; ++x) dst[x] = outside(x);
    for (int64_t x = last; x < grid.cols; ++x) dst[x] = outside(x);
  }
}

void Interleave::make(Lane&, int64_t plane, int64_t row, const Row* in, float* dst, int64_t pitch) const {
  const int* part = part_of.data() + (plane % shrink.plane * shrink.row + row % shrink.row) * shrink.col;
  const int64_t step = shrink.col;
  for (int64_t c = 0; c < channels; ++c, dst += pitch)
    for (int64_t f = 0; f < std::min(step, grid.cols); ++f) {
      const float* from = in[part[f]].p + c * in[part[f]].pitch;
      for (int64_t x = f, i = 0; x < grid.cols; x += step, ++i) dst[x] = from[i];
    }
}

}  // namespace spel
