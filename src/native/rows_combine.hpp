// The maximum, minimum or sum of several shifted rows: the only loop behind pooling and window sums.
//
//   for each tile of vectors along the row
//     for each term (a row and a shift, given as one address)
//       tile = op(tile, term)
//     finish the tile in registers (a mean, a division by a norm, its residue), store it
//
// An adjacency of any size becomes a short cascade of such passes (pool.cpp): 25 columns are 5 + 5 terms.
// The hardware's maximum ignores a NaN in one operand, so rows that hold one take the careful operation, which keeps
// it; has_nan finds these rows when they are made.
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

template <Reduce R>
SPEL_INLINE Vec neutral() {
  return splat(R == Reduce::sum ? 0 : R == Reduce::maximum ? -__builtin_inff() : __builtin_inff());
}

inline float neutral_value(Reduce r) {
  return r == Reduce::sum ? 0 : r == Reduce::maximum ? -__builtin_inff() : __builtin_inff();
}

// a / b from r = 1 / b; correctly rounded, except in very rare cases.
SPEL_INLINE Vec quotient(Vec a, Vec b, Vec r) {
  const Vec q = rounded(a * r), error = fused(-q, b, a);
  return magnitude(error) < __builtin_inff() ? fused(error, r, q) : q;
}

// x / sqrt(s), or 0 where s is 0. An estimate of 1 / sqrt(s) is refined by steps of Newton's method; then root and
// quotient are corrected by their remainders. Where these could underflow or overflow, and on machines without fused
// multiply-add, the root and the division are computed as such. No lane depends on another.
SPEL_INLINE Vec over_root(Vec x, Vec s) {
#if defined(__AVX2__)
  Vec r = root_estimate(s);
  r = r + r * fused(s * r * -0.5f, r, splat(0.5f));
#if !defined(__AVX512F__)
  r = r + r * fused(s * r * -0.5f, r, splat(0.5f));
#endif
  const Vec q = rounded(s * r), q2 = fused(fused(-q, q, s), r * 0.5f, q);
  const Vec n = rounded(x * r);
  Vec y = fused(fused(-n, q2, x), r, n);
#if defined(__AVX512F__)
  const __mmask16 zero = _mm512_cmpeq_ps_mask((__m512)s, __m512{});
  const __m512i above = (__m512i)s - (__m512i)splat(1e-30f), span = (__m512i)splat(1e30f) - (__m512i)splat(1e-30f);
  const __mmask16 plain = _mm512_cmple_epu32_mask(above, span) & _mm512_cmpord_ps_mask((__m512)y, (__m512)y);
  y = (Vec)_mm512_maskz_mov_ps(~zero, (__m512)y);
  if (__mmask16(plain | zero) != 0xffff) {
    const Vec exact = x / root(s);
    y = (Vec)_mm512_mask_mov_ps((__m512)y, ~(plain | zero), (__m512)exact);
  }
#else
  const auto plain = ((s > 1e-30f) & (s < 1e30f) & (y == y)) | (s == 0);
  y = s == 0 ? Vec{} : y;
  if (!all(plain)) {
    const Vec exact = x / root(s);
    y = plain ? y : exact;
  }
#endif
  return y;
#else
  return s == 0 ? Vec{} : x / root(s);
#endif
}

struct Unchanged {
  bool plain = true;
  template <class Get>
  SPEL_INLINE Vec operator()(Vec a, int64_t, Get) const {
    return a;
  }
};
struct OverCounts {  // 0 where the count is 0
  const float *count, *inverse;
  template <class Get>
  SPEL_INLINE Vec operator()(Vec a, int64_t x, Get get) const {
    const Vec c = get(count + x);
    return c == 0 ? Vec{} : quotient(a, c, get(inverse + x));
  }
};
struct OverAll {
  Vec count, inverse;
  template <class Get>
  SPEL_INLINE Vec operator()(Vec a, int64_t, Get) const {
    return quotient(a, count, inverse);
  }
};
struct Norm {
  const float* of;
  template <class Get>
  SPEL_INLINE Vec operator()(Vec a, int64_t x, Get get) const {
    return over_root(get(of + x), a);
  }
};
struct NormResidue {
  const float* of;
  template <class Get>
  SPEL_INLINE Vec operator()(Vec a, int64_t x, Get get) const {
    const Vec v = get(of + x);
    return larger(Vec{}, v - rounded(over_root(v, a)));
  }
};

// V vectors at a time. N terms have their addresses in registers; if N is 0, there is any number of terms.
template <Reduce R, bool Careful, int N, class F>
void combine_rows(const float* const* terms, int64_t count, float* dst, int64_t width, F finish) {
  constexpr int V = N == 0 ? 8 : N > 6 ? 2 : 4;
  const float* p[N ? N : 1];
#pragma GCC unroll 16
  for (int t = 0; t < (N ? N : 1); ++t) p[t] = terms[t];
  const auto plain = [](const float* from) { return load(from); };
  int64_t x = 0;
  for (; x + V * kLanes <= width; x += V * kLanes) {
    Vec a[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) a[v] = load(p[0] + x + v * kLanes);
    if constexpr (N) {
#pragma GCC unroll 16
      for (int t = 1; t < N; ++t)
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) a[v] = reduce<R, Careful>(a[v], load(p[t] + x + v * kLanes));
    } else {
      for (int64_t t = 1; t < count; ++t) {
        const float* src = terms[t] + x;
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) a[v] = reduce<R, Careful>(a[v], load(src + v * kLanes));
      }
    }
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) store(dst + x + v * kLanes, finish(a[v], x + v * kLanes, plain));
  }
  by_vectors(width - x, [&](int64_t i, auto get, auto put) {
    Vec a = get(p[0] + x + i);
    for (int64_t t = 1; t < (N ? N : count); ++t) a = reduce<R, Careful>(a, get(terms[t] + x + i));
    put(dst + x + i, finish(a, x + i, get));
  });
}

template <Reduce R, bool Careful, class F>
void combine_terms(const float* const* terms, int64_t count, float* dst, int64_t width, F finish) {
  switch (Careful ? 0 : count) {
    case 1: return combine_rows<R, Careful, 1>(terms, count, dst, width, finish);
    case 2: return combine_rows<R, Careful, 2>(terms, count, dst, width, finish);
    case 3: return combine_rows<R, Careful, 3>(terms, count, dst, width, finish);
    case 4: return combine_rows<R, Careful, 4>(terms, count, dst, width, finish);
    case 5: return combine_rows<R, Careful, 5>(terms, count, dst, width, finish);
    case 6: return combine_rows<R, Careful, 6>(terms, count, dst, width, finish);
    default: return combine_rows<R, Careful, 0>(terms, count, dst, width, finish);
  }
}

inline void combine(Reduce r, bool careful, const float* const* terms, int64_t count, float* dst, int64_t width) {
  if (r == Reduce::sum) combine_terms<Reduce::sum, false>(terms, count, dst, width, Unchanged{});
  else if (r == Reduce::maximum && careful) combine_terms<Reduce::maximum, true>(terms, count, dst, width, Unchanged{});
  else if (r == Reduce::maximum) combine_terms<Reduce::maximum, false>(terms, count, dst, width, Unchanged{});
  else if (careful) combine_terms<Reduce::minimum, true>(terms, count, dst, width, Unchanged{});
  else combine_terms<Reduce::minimum, false>(terms, count, dst, width, Unchanged{});
}

// The same, with an end.
inline void combine_to_end(Reduce r, bool careful, const float* const* terms, int64_t n, const Ending& end, float* dst,
                           int64_t width) {
  switch (end.kind) {
    case End::mean: return combine_terms<Reduce::sum, false>(terms, n, dst, width, OverCounts{end.counts, end.inverse});
    case End::full_mean:
      return combine_terms<Reduce::sum, false>(terms, n, dst, width, OverAll{splat(end.count), splat(1 / end.count)});
    case End::norm: return combine_terms<Reduce::sum, false>(terms, n, dst, width, Norm{end.of});
    case End::norm_residue: return combine_terms<Reduce::sum, false>(terms, n, dst, width, NormResidue{end.of});
    default: combine(r, careful, terms, n, dst, width);
  }
}

inline void add_square(const float* src, float* dst, int64_t width, bool first) {
  by_vectors(width, [=](int64_t i, auto get, auto put) {
    const Vec x = get(src + i);
    put(dst + i, first ? x * x : fused(x, x, get(dst + i)));
  });
}

inline bool has_nan(const float* src, int64_t width) {
  int64_t x = 0;
#if defined(__AVX512F__)
  __mmask16 some = 0;
  for (; x + 2 * kLanes <= width; x += 2 * kLanes)  // unordered with one another if either is NaN
    some |= _mm512_cmpunord_ps_mask((__m512)load(src + x), (__m512)load(src + x + kLanes));
  if (some) return true;
#endif
  Ints any = {};
  by_vectors(width - x, [&](int64_t i, auto get, auto) {
    const Vec v = get(src + x + i);
    any |= v != v;
  });
  return !all(~any);
}

}  // namespace spel::SPEL_ISA
