// Rows over their channels: what compares or shares out the values of one spel.
//
// One pass along the row; the channels of a vector of spels are walked inside of it, so that their
// values stay in the first cache.
#pragma once

#include "rows_exponential.hpp"
#include "simd.hpp"

namespace spel::SPEL_ISA {

// exp(x_c - max) / sum of them; all NaN where one is.
inline void softmax(const float* src, int64_t pitch, int64_t channels, float* dst, int64_t dst_pitch, int64_t width) {
  by_vectors(width, [=](int64_t i, auto get, auto put) {
    Vec top = get(src + i);
    for (int64_t c = 1; c < channels; ++c) top = larger(top, get(src + c * pitch + i));
    Vec sum = {};
    for (int64_t c = 0; c < channels; ++c) {
      const Vec x = get(src + c * pitch + i) - top, e = x < -87.f ? Vec{} : exponential(x);
      put(dst + c * dst_pitch + i, e);
      sum += e;
    }
    for (int64_t c = 0; c < channels; ++c) put(dst + c * dst_pitch + i, get(dst + c * dst_pitch + i) / sum);
  });
}

// The first channel with the largest value, a NaN being larger than all.
inline void argmax(const float* src, int64_t pitch, int64_t channels, float* dst, int64_t width) {
  by_vectors(width, [=](int64_t i, auto get, auto put) {
    Vec best = get(src + i), index = {};
    for (int64_t c = 1; c < channels; ++c) {
      const Vec x = get(src + c * pitch + i);
      const auto more = (x > best) | ((x != x) & (best == best));
      best = more ? x : best;
      index = more ? splat(float(c)) : index;
    }
    put(dst + i, index);
  });
}

}  // namespace spel::SPEL_ISA
