// Windows of 1, 2, 4, 8 and 16 columns of a row, all at once: the horizontal half of box pooling.
//
// The row itself is the reduction (or the sum of squares) of a few rows, so a box of 25 x 5 costs
// one pass down and across, and one over its levels:
//
//   for each vector of the row
//     level 0 = op over the rows of the box          (outside the image: the neutral value)
//     level k = level k-1 op level k-1 shifted by 2^(k-1)
//
// With AVX-512, shifts are done in registers: level k of a vector needs the next vector of level k-1, so it is made
// one step later. On other machines each level is a pass over the level before, at an unaligned address.
#pragma once

#include "rows.hpp"
#include "rows_combine.hpp"
#include "simd.hpp"

namespace spel::SPEL_ISA {

template <Reduce R>
SPEL_INLINE Vec neutral() {
  return splat(R == Reduce::sum ? 0 : R == Reduce::maximum ? -__builtin_inff() : __builtin_inff());
}

inline float neutral_value(Reduce r) {
  return r == Reduce::sum ? 0 : r == Reduce::maximum ? -__builtin_inff() : __builtin_inff();
}

#if defined(__AVX512F__)
template <int By>
SPEL_INLINE Vec shifted(Vec low, Vec high) {
  return (Vec)_mm512_alignr_epi32((__m512i)high, (__m512i)low, By);
}

template <Reduce R, int K>
struct Ladder {
  Vec before[K > 0 ? K : 1];
  float* outs[K + 1];  // null where a level is not wanted

  template <int Level>
  SPEL_INLINE void climb(Vec now, int64_t x) {
    if (outs[Level]) store(outs[Level] + x - Level * kLanes, now);
    if constexpr (Level < K) {
      const Vec last = before[Level];
      before[Level] = now;
      climb<Level + 1>(reduce<R, false>(last, shifted<(1 << Level)>(last, now)), x);
    }
  }
  SPEL_INLINE void push(Vec v, int64_t x) { climb<0>(v, x); }
};

template <Reduce R, bool Square, int N, int K>
void levels_in_registers(const LevelsRow& r) {
  const int64_t n = N ? N : r.count;
  const float* p[N ? N : 1];
#pragma GCC unroll 8
  for (int t = 0; t < N; ++t) p[t] = r.terms[t];
  auto down = [&](int64_t x, auto get) {
    Vec a = get((N ? p[0] : r.terms[0]) + x);
    if constexpr (Square) a = a * a;
#pragma GCC unroll 8
    for (int64_t t = 1; t < n; ++t) {
      const Vec v = get((N ? p[t] : r.terms[t]) + x);
      if constexpr (Square) a = fused(v, v, a);
      else a = reduce<R, false>(a, v);
    }
    return a;
  };
  Ladder<R, K> ladder;
  for (int k = 0; k <= K; ++k) ladder.outs[k] = r.wanted >> k & 1 ? r.outs[k] : nullptr;
  for (Vec& v : ladder.before) v = neutral<R>();
  int64_t x = -(r.left + kLanes - 1) / kLanes * kLanes;
  for (; x < 0; x += kLanes) ladder.push(neutral<R>(), x);
  const auto plain = [](const float* from) { return load(from); };
  for (; x + kLanes <= r.width; x += kLanes) ladder.push(down(x, plain), x);
  if (const int64_t rest = r.width - x; rest > 0) {
    const Vec v = down(x, [rest](const float* from) { return load(from, rest); });
    const __mmask16 inside = __mmask16((1u << rest) - 1);
    ladder.push((Vec)_mm512_mask_mov_ps((__m512)neutral<R>(), inside, (__m512)v), x);
    x += kLanes;
  }
  for (const int64_t end = r.width + r.right + K * kLanes; x < end; x += kLanes) ladder.push(neutral<R>(), x);
}

template <Reduce R, bool Square, int N>
void levels_to_top(const LevelsRow& r) {
  switch (r.top) {
    case 0: return levels_in_registers<R, Square, N, 0>(r);
    case 1: return levels_in_registers<R, Square, N, 1>(r);
    case 2: return levels_in_registers<R, Square, N, 2>(r);
    case 3: return levels_in_registers<R, Square, N, 3>(r);
    default: return levels_in_registers<R, Square, N, 4>(r);
  }
}

template <Reduce R, bool Square>
void levels_of_terms(const LevelsRow& r) {
  switch (r.count) {
    case 1: return levels_to_top<R, Square, 1>(r);
    case 2: return levels_to_top<R, Square, 2>(r);
    case 3: return levels_to_top<R, Square, 3>(r);
    case 5: return levels_to_top<R, Square, 5>(r);
    default: return levels_to_top<R, Square, 0>(r);
  }
}
#endif

#if defined(__AVX512F__)
// A window of L <= 5 columns needs no levels: a vector of the reduced rows starts at the first column of the window,
// and the window is the reduction of that vector and its shifts.
//
//   for each vector of the output    the next vector of the reduced rows; L - 1 shifts; finish; store
template <Reduce R, bool Square, int N, int L, class F>
void short_window(const LevelsRow& r, int64_t shift, float* dst, int64_t out_width, F finish) {
  const int64_t n = N ? N : r.count;
  const float* p[N ? N : 1];
#pragma GCC unroll 8
  for (int t = 0; t < N; ++t) p[t] = r.terms[t];
  auto down = [&](auto get) {
    Vec a = get(N ? p[0] : r.terms[0]);
    if constexpr (Square) a = a * a;
#pragma GCC unroll 8
    for (int64_t t = 1; t < n; ++t) {
      const Vec v = get(N ? p[t] : r.terms[t]);
      if constexpr (Square) a = fused(v, v, a);
      else a = reduce<R, false>(a, v);
    }
    return a;
  };
  auto at = [&](int64_t x) {  // columns x .. x + 15, neutral outside
    if (x >= 0 && x + kLanes <= r.width) return down([x](const float* from) { return load(from + x); });
    const int64_t low = x < 0 ? -x : 0, high = r.width - x < kLanes ? r.width - x : kLanes;
    if (low >= kLanes || high <= low) return neutral<R>();
    const __mmask16 inside = __mmask16(((1u << high) - 1) & ~((1u << low) - 1));
    const Vec v = down([x, inside](const float* from) { return (Vec)_mm512_maskz_loadu_ps(inside, from + x); });
    return (Vec)_mm512_mask_mov_ps((__m512)neutral<R>(), inside, (__m512)v);
  };
  auto window = [](Vec low, Vec high) {
    Vec a = low;
    if constexpr (L > 1) a = reduce<R, false>(a, shifted<1>(low, high));
    if constexpr (L > 2) a = reduce<R, false>(a, shifted<2>(low, high));
    if constexpr (L > 3) a = reduce<R, false>(a, shifted<3>(low, high));
    if constexpr (L > 4) a = reduce<R, false>(a, shifted<4>(low, high));
    return a;
  };
  const auto plain = [](const float* from) { return load(from); };
  Vec low = at(shift);
  int64_t x = 0;
  auto one = [&] {
    const Vec high = at(x + shift + kLanes);
    store(dst + x, finish(window(low, high), x, plain));
    low = high;
    x += kLanes;
  };
  if (x + kLanes <= out_width) one();
  for (; x + kLanes <= out_width && x + shift + 2 * kLanes <= r.width;) {
    const int64_t next = x + shift + kLanes;
    const Vec high = down([next](const float* from) { return load(from + next); });
    store(dst + x, finish(window(low, high), x, plain));
    low = high;
    x += kLanes;
  }
  while (x + kLanes <= out_width) one();
  if (const int64_t rest = out_width - x; rest > 0) {
    const Vec a = window(low, at(x + shift + kLanes));
    store(dst + x, finish(a, x, [rest](const float* from) { return load(from, rest); }), rest);
  }
}

template <Reduce R, bool Square, class F>
void short_window_of(const LevelsRow& r, int64_t shift, int64_t length, float* dst, int64_t width, F finish) {
  const bool three = r.count == 3;
  switch (length) {
    case 1:
      return three ? short_window<R, Square, 3, 1>(r, shift, dst, width, finish)
                   : short_window<R, Square, 0, 1>(r, shift, dst, width, finish);
    case 2:
      return three ? short_window<R, Square, 3, 2>(r, shift, dst, width, finish)
                   : short_window<R, Square, 0, 2>(r, shift, dst, width, finish);
    case 3:
      return three ? short_window<R, Square, 3, 3>(r, shift, dst, width, finish)
                   : short_window<R, Square, 0, 3>(r, shift, dst, width, finish);
    case 4:
      return three ? short_window<R, Square, 3, 4>(r, shift, dst, width, finish)
                   : short_window<R, Square, 0, 4>(r, shift, dst, width, finish);
    default:
      return three ? short_window<R, Square, 3, 5>(r, shift, dst, width, finish)
                   : short_window<R, Square, 0, 5>(r, shift, dst, width, finish);
  }
}
#endif

// A short window in one pass; false if this machine has no such pass.
inline bool window(const LevelsRow& r, int64_t shift, int64_t length, const Ending& end, float* dst, int64_t width) {
#if defined(__AVX512F__)
  if (length > 5 || r.careful) return false;
  auto with = [&](auto finish) {
    if (r.square) return short_window_of<Reduce::sum, true>(r, shift, length, dst, width, finish);
    if (r.op == Reduce::sum) return short_window_of<Reduce::sum, false>(r, shift, length, dst, width, finish);
    if constexpr (requires { finish.plain; }) {
      if (r.op == Reduce::maximum) short_window_of<Reduce::maximum, false>(r, shift, length, dst, width, finish);
      else short_window_of<Reduce::minimum, false>(r, shift, length, dst, width, finish);
    }
  };
  switch (end.kind) {
    case End::mean: with(OverCounts{end.counts, end.inverse}); break;
    case End::full_mean: with(OverAll{splat(end.count), splat(1 / end.count)}); break;
    case End::norm: with(Norm{end.of}); break;
    case End::norm_residue: with(NormResidue{end.of}); break;
    default: with(Unchanged{});
  }
  return true;
#else
  (void)r, (void)shift, (void)length, (void)end, (void)dst, (void)width;
  return false;
#endif
}

inline void levels_by_passes(const LevelsRow& r, float* const* outs) {
  const float outside = neutral_value(r.op);
  for (int64_t x = -r.left; x < 0; ++x) outs[0][x] = outside;
  for (int64_t x = r.width; x < r.width + r.right + kLanes; ++x) outs[0][x] = outside;
  if (r.square)
    for (int64_t t = 0; t < r.count; ++t) add_square(r.terms[t], outs[0], r.width, t == 0);
  else combine(r.op, r.careful, r.terms, r.count, outs[0], r.width);
  for (int level = 1; level <= r.top; ++level) {
    const float* from = outs[level - 1] - r.left;
    const float* pair[2] = {from, from + (int64_t(1) << (level - 1))};
    const int64_t width = r.left + r.width + r.right;
    combine(r.op, r.careful, pair, 2, outs[level] - r.left, width);
    for (int64_t x = 0; x < kLanes; ++x) outs[level][r.width + r.right + x] = outside;
  }
}

inline void levels(const LevelsRow& r) {
#if defined(__AVX512F__)
  if (!r.careful) {
    if (r.op == Reduce::maximum) return levels_of_terms<Reduce::maximum, false>(r);
    if (r.op == Reduce::minimum) return levels_of_terms<Reduce::minimum, false>(r);
    if (r.square) return levels_of_terms<Reduce::sum, true>(r);
    return levels_of_terms<Reduce::sum, false>(r);
  }
#endif
  levels_by_passes(r, r.outs);
}

}  // namespace spel::SPEL_ISA
