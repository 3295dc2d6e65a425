// Max, min or sum of several shifted rows into one: the only loop behind pooling and window sums.
//
//   for each tile of 4 vectors along the row
//     for each term (a row and a shift, given as one address)
//       tile = op(tile, term)
//
// An adjacency of any size becomes a short cascade of such passes (pool.cpp): 25 columns are
// 4 + 4 + 2 terms. The hardware's max ignores a NaN in one operand, so rows that hold one take the
// careful operation, which keeps it; has_nan finds them as they enter.
#pragma once

#include "rows.hpp"
#include "simd.hpp"

namespace spel::SPEL_ISA {

template <Reduce R, bool Careful>
SPEL_INLINE Vec reduce(Vec a, Vec b) {
  if constexpr (R == Reduce::sum) return a + b;
  const Vec m = R == Reduce::maximum ? larger(a, b) : smaller(a, b);  // b if either is NaN
  return Careful ? (a != a ? a : m) : m;
}

// N terms, their addresses in registers; more terms go in several rounds over a tile.
template <Reduce R, bool Careful, int N>
void combine_few(const float* const* terms, float* dst, long width) {
  constexpr int V = N > 6 ? 2 : 4;
  const float* p[N];
#pragma GCC unroll 16
  for (int t = 0; t < N; ++t) p[t] = terms[t];
  long x = 0;
  for (; x + V * kLanes <= width; x += V * kLanes) {
    Vec a[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) a[v] = load(p[0] + x + v * kLanes);
#pragma GCC unroll 16
    for (int t = 1; t < N; ++t)
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) a[v] = reduce<R, Careful>(a[v], load(p[t] + x + v * kLanes));
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) store(dst + x + v * kLanes, a[v]);
  }
  by_vectors(width - x, [&](long i, auto get, auto put) {
    Vec a = get(p[0] + x + i);
#pragma GCC unroll 16
    for (int t = 1; t < N; ++t) a = reduce<R, Careful>(a, get(p[t] + x + i));
    put(dst + x + i, a);
  });
}

template <Reduce R, bool Careful>
void combine_many(const float* const* terms, long count, float* dst, long width) {
  constexpr int V = 8;
  long x = 0;
  for (; x + V * kLanes <= width; x += V * kLanes) {
    Vec a[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) a[v] = load(terms[0] + x + v * kLanes);
    for (long t = 1; t < count; ++t) {
      const float* src = terms[t] + x;
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) a[v] = reduce<R, Careful>(a[v], load(src + v * kLanes));
    }
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) store(dst + x + v * kLanes, a[v]);
  }
  by_vectors(width - x, [=](long i, auto get, auto put) {
    Vec a = get(terms[0] + x + i);
    for (long t = 1; t < count; ++t) a = reduce<R, Careful>(a, get(terms[t] + x + i));
    put(dst + x + i, a);
  });
}

template <Reduce R, bool Careful>
void combine_rows(const float* const* terms, long count, float* dst, long width) {
  switch (count) {
    case 1: return combine_few<R, Careful, 1>(terms, dst, width);
    case 2: return combine_few<R, Careful, 2>(terms, dst, width);
    case 3: return combine_few<R, Careful, 3>(terms, dst, width);
    case 4: return combine_few<R, Careful, 4>(terms, dst, width);
    case 5: return combine_few<R, Careful, 5>(terms, dst, width);
    case 6: return combine_few<R, Careful, 6>(terms, dst, width);
    default: return combine_many<R, Careful>(terms, count, dst, width);
  }
}

inline void combine(Reduce r, bool careful, const float* const* terms, long count, float* dst,
                    long width) {
  if (r == Reduce::sum) combine_rows<Reduce::sum, false>(terms, count, dst, width);
  else if (r == Reduce::maximum && careful)
    combine_many<Reduce::maximum, true>(terms, count, dst, width);
  else if (r == Reduce::maximum) combine_rows<Reduce::maximum, false>(terms, count, dst, width);
  else if (careful) combine_many<Reduce::minimum, true>(terms, count, dst, width);
  else combine_rows<Reduce::minimum, false>(terms, count, dst, width);
}

inline bool has_nan(const float* src, long width) {
  Ints some = {};
  long x = 0;
  for (; x + 2 * kLanes <= width; x += 2 * kLanes) {  // unordered with one another if either is NaN
    const Vec a = load(src + x), b = load(src + x + kLanes);
    some |= ~((a < b) | (a >= b));
  }
  by_vectors(width - x, [&](long i, auto get, auto) {
    const Vec v = get(src + x + i);
    some |= v != v;
  });
  int32_t any = 0;
  for (int i = 0; i < kLanes; ++i) any |= some[i];
  return any != 0;
}

}  // namespace spel::SPEL_ISA
