// The two halves of resizing: a weighted sum of rows, and weighted sums of spels of a row.
//
// Both loops run along the output row; the few terms of each sum are unrolled. The spels of one term
// for a vector of the output lie close together, so its lanes are picked from two vectors of the row.
#pragma once

#include "rows.hpp"
#include "simd.hpp"

namespace spel::SPEL_ISA {

template <int N, bool More>
void add_rows(const float* __restrict rows, int64_t stride, const float* w, float* __restrict out, int64_t n) {
  for (int64_t x = 0; x < n; x++) {
    float sum = More ? out[x] : 0;
    for (int k = 0; k < N; k++) sum += w[k] * rows[k * stride + x];
    out[x] = sum;
  }
}

// out[x] = sum over k < count of w[k] rows[k stride + x]
inline void weigh_rows(const float* rows, int64_t stride, const float* w, int64_t count, float* out, int64_t n) {
  const int64_t first = (count - 1) % 4 + 1;
  first == 1   ? add_rows<1, false>(rows, stride, w, out, n)
  : first == 2 ? add_rows<2, false>(rows, stride, w, out, n)
  : first == 3 ? add_rows<3, false>(rows, stride, w, out, n)
               : add_rows<4, false>(rows, stride, w, out, n);
  for (int64_t k = first; k < count; k += 4) add_rows<4, true>(rows + k * stride, stride, w + k, out, n);
}

template <int N>
void add_spels(const float* __restrict row, const int32_t* __restrict first, const float* __restrict w, int64_t places,
               float* __restrict out, int64_t n) {
  int64_t x = 0;
  for (; x + kLanes <= n && first[x + kLanes - 1] - first[x] < 2 * kLanes; x += kLanes) {
    const float* from = row + first[x];
    const Ints lanes = load(first + x) - first[x];
    Vec sum = {};
#pragma GCC unroll 4
    for (int k = 0; k < N; k++) {
      const Vec term = picked(load(from + k), load(from + k + kLanes), lanes);
      sum = fused(load(w + k * places + x), term, sum);
    }
    store(out + x, sum);
  }
  for (; x < n; x++) {
    float sum = 0;
    for (int k = 0; k < N; k++) sum = fused(w[k * places + x], row[first[x] + k], sum);
    out[x] = sum;
  }
}

// out[x] = sum over k < count of w[k][x] row[first[x] + k]; the row has room for two vectors after its end
inline void weigh_spels(const float* row, const int32_t* first, const float* w, int64_t count, float* out, int64_t n) {
  if (count <= 4) {
    count == 1   ? add_spels<1>(row, first, w, n, out, n)
    : count == 2 ? add_spels<2>(row, first, w, n, out, n)
    : count == 3 ? add_spels<3>(row, first, w, n, out, n)
                 : add_spels<4>(row, first, w, n, out, n);
    return;
  }
  for (int64_t x = 0; x < n; x++) {
    float sum = 0;
    for (int64_t k = 0; k < count; k++) sum += w[k * n + x] * row[first[x] + k];
    out[x] = sum;
  }
}

}  // namespace spel::SPEL_ISA
