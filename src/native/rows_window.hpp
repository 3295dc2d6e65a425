// Windows of up to five columns over a few rows, in one pass that also looks for NaN: pooling over small boxes.
//
//   for each vector of the output
//     the next vector of the rows, reduced down            outside the image: the neutral value
//     the vector before it, and its shifts by 1 .. 4 lanes into the next: reduced, finished, stored
//
// Each row is read once per output row, at addresses that do not overlap; shifts are done in registers.
#pragma once

#include "rows.hpp"
#include "rows_combine.hpp"
#include "simd.hpp"

namespace spel::SPEL_ISA {

// Some rows, reduced down, of which it hands out vectors. N rows have their addresses in registers; if N is 0, there
// is any number.
template <Reduce R, bool Square, int N>
class Down {
 public:
  explicit Down(const LevelsRow& r) : terms(r.terms), count(N ? N : r.count), width(r.width) {
#pragma GCC unroll 8
    for (int t = 0; t < N; ++t) p[t] = r.terms[t];
  }
  SPEL_INLINE Vec inside(int64_t x) {
    return reduced([x](const float* row) { return load(row + x); });
  }
  SPEL_INLINE Vec anywhere(int64_t x) {
    if (x >= 0 && x + kLanes <= width) return inside(x);
    const int64_t from = x < 0 ? -x : 0, to = width - x < kLanes ? width - x : kLanes;
    if (from >= kLanes || to <= from) return neutral<R>();
    return reduced([=](const float* row) { return load(row + x, from, to, neutral<R>()); });
  }
  Nans nans;

 private:
  template <class Get>
  SPEL_INLINE Vec reduced(Get get) {
    Vec a = get(N ? p[0] : terms[0]);
    if constexpr (R != Reduce::sum) nans.look_at(a);
    if constexpr (Square) a = a * a;
#pragma GCC unroll 8
    for (int64_t t = 1; t < count; ++t) {
      const Vec v = get(N ? p[t] : terms[t]);
      if constexpr (R != Reduce::sum) nans.look_at(v);
      if constexpr (Square) a = fused(v, v, a);
      else a = reduce<R, false>(a, v);
    }
    return a;
  }
  const float* const* terms;
  const float* p[N ? N : 1];
  int64_t count, width;
};

template <Reduce R, int L>
SPEL_INLINE Vec window_of(Vec low, Vec high) {
  Vec a = low;
  if constexpr (L > 1) a = reduce<R, false>(a, shifted<1>(low, high));
  if constexpr (L > 2) a = reduce<R, false>(a, shifted<2>(low, high));
  if constexpr (L > 3) a = reduce<R, false>(a, shifted<3>(low, high));
  if constexpr (L > 4) a = reduce<R, false>(a, kLanes == 4 ? high : shifted<4 % kLanes>(low, high));
  return a;
}

// With a Step of 2 or 4, every second or fourth window.
template <Reduce R, bool Square, int N, int L, int Step, class F>
bool windows_of_rows(const LevelsRow& r, int64_t shift, float* dst, int64_t width, F finish) {
  Down<R, Square, N> down(r);
  const auto plain = [](const float* from) { return load(from); };
  const auto inside = [&](int64_t x) SPEL_ALWAYS { return down.inside(x); };
  const auto anywhere = [&](int64_t x) SPEL_ALWAYS { return down.anywhere(x); };
  Vec low = down.anywhere(shift);
  int64_t x = 0, at = shift + kLanes;  // the next output, and the next vector of the rows
  const auto window = [&](auto read) SPEL_ALWAYS {
    const Vec high = read(at), a = window_of<R, L>(low, high);
    low = high;
    at += kLanes;
    return a;
  };
  const auto pairs = [&](auto read) SPEL_ALWAYS {
    const Vec a = window(read);
    if constexpr (Step > 1) return evens(a, window(read));
    else return a;
  };
  const auto windows = [&](auto read) SPEL_ALWAYS {
    const Vec a = pairs(read);
    if constexpr (Step > 2) return evens(a, pairs(read));
    else return a;
  };
  const auto step = [&](auto read) {
    store(dst + x, finish(windows(read), x, plain));
    x += kLanes;
  };
  while (x + kLanes <= width && at < 0) step(anywhere);
  while (x + kLanes <= width && at + Step * kLanes <= r.width) step(inside);
  while (x + kLanes <= width) step(anywhere);
  if (const int64_t rest = width - x; rest > 0)
    store(dst + x, finish(windows(anywhere), x, [rest](const float* from) { return load(from, rest); }), rest);
  return !down.nans.any();
}

template <Reduce R, bool Square, int Step, class F>
bool windows_of_length(const LevelsRow& r, int64_t shift, int64_t length, float* dst, int64_t width, F finish) {
  constexpr int kRows = Step == 4 ? 4 : 3;  // the usual number
  const auto with = [&](auto few, auto any) {
    return r.count == kRows ? few(r, shift, dst, width, finish) : any(r, shift, dst, width, finish);
  };
  switch (length) {
    case 1: return with(windows_of_rows<R, Square, kRows, 1, Step, F>, windows_of_rows<R, Square, 0, 1, Step, F>);
    case 2: return with(windows_of_rows<R, Square, kRows, 2, Step, F>, windows_of_rows<R, Square, 0, 2, Step, F>);
    case 3: return with(windows_of_rows<R, Square, kRows, 3, Step, F>, windows_of_rows<R, Square, 0, 3, Step, F>);
    case 4: return with(windows_of_rows<R, Square, kRows, 4, Step, F>, windows_of_rows<R, Square, 0, 4, Step, F>);
    default: return with(windows_of_rows<R, Square, kRows, 5, Step, F>, windows_of_rows<R, Square, 0, 5, Step, F>);
  }
}

template <int Step, class F>
bool windows_finished(const LevelsRow& r, int64_t shift, int64_t length, float* dst, int64_t width, F finish) {
  if (r.square) return windows_of_length<Reduce::sum, true, Step>(r, shift, length, dst, width, finish);
  if (r.op == Reduce::sum) return windows_of_length<Reduce::sum, false, Step>(r, shift, length, dst, width, finish);
  if constexpr (requires { finish.plain; }) {
    if (r.op == Reduce::maximum)
      return windows_of_length<Reduce::maximum, false, Step>(r, shift, length, dst, width, finish);
    return windows_of_length<Reduce::minimum, false, Step>(r, shift, length, dst, width, finish);
  }
  return false;
}

// Whether dst is right: extrema are not if a row holds NaN.
inline bool window(const LevelsRow& r, int64_t shift, int64_t length, const Ending& end, float* dst, int64_t width) {
  const auto with = [&](auto finish) { return windows_finished<1>(r, shift, length, dst, width, finish); };
  switch (end.kind) {
    case End::mean: return with(OverCounts{end.counts, end.inverse});
    case End::full_mean: return with(OverAll{splat(end.count), splat(1 / end.count)});
    case End::norm: return with(Norm{end.of});
    case End::norm_residue: return with(NormResidue{end.of});
    default: return with(Unchanged{});
  }
}

// Windows 0, step, 2 step .., not finished; whether dst is right.
inline bool window_with_step(const LevelsRow& r, int64_t shift, int64_t length, int64_t step, float* dst,
                             int64_t width) {
  if (step == 2) return windows_finished<2>(r, shift, length, dst, width, Unchanged{});
  return step == 4 && windows_finished<4>(r, shift, length, dst, width, Unchanged{});
}

}  // namespace spel::SPEL_ISA
