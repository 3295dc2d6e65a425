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

#if defined(__AVX512F__)
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

constexpr int64_t kInRegisters = 5;  // so many addresses of rows

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
    LevelsRow rows = r;
    const float* down = r.outs[0];
    if (r.count > kInRegisters && !r.square) {  // quicker tile by tile than vector by vector
      combine(r.op, false, r.terms, r.count, r.outs[0], r.width);
      rows.terms = &down;
      rows.count = 1;
    }
    if (r.op == Reduce::maximum) return levels_of_terms<Reduce::maximum, false>(rows);
    if (r.op == Reduce::minimum) return levels_of_terms<Reduce::minimum, false>(rows);
    if (r.square) return levels_of_terms<Reduce::sum, true>(rows);
    return levels_of_terms<Reduce::sum, false>(rows);
  }
#endif
  levels_by_passes(r, r.outs);
}

}  // namespace spel::SPEL_ISA
