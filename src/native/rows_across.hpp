// Windows of up to five columns along a row, in one pass that also looks for NaN: the first half of box pooling
// where levels are not made in registers (rows_levels.hpp).
//
//   columns whose window lies outside the row       the neutral value
//   columns whose window lies inside in part        one by one
//   all others, for each vector                     a load per column of the window, reduced in registers; store
//
// The row is read where it stands: the loads of a window overlap, so all but the first come from the first-level
// cache. Longer windows are combined from these (Across in stages.hpp).
#pragma once

#include "rows.hpp"
#include "rows_levels.hpp"
#include "simd.hpp"

namespace spel::SPEL_ISA {

// One window, of the columns [from, to), as the vectors compute it; `nan` is set if one of them is NaN.
template <Reduce R, bool Careful, bool Square>
float one_window(const float* src, int64_t from, int64_t to, bool& nan) {
  float a = Square ? src[from] * src[from] : src[from];
  nan |= a != a;
  for (int64_t x = from + 1; x < to; ++x) {
    const float b = src[x];
    nan |= b != b;
    if constexpr (Square) a = fused(b, b, a);
    else if constexpr (R == Reduce::sum) a += b;
    else if (!Careful || a == a) a = (R == Reduce::maximum ? a > b : a < b) ? a : b;
  }
  return a;
}

// The windows of V vectors at src.
template <Reduce R, bool Careful, bool Square, int L, int V>
SPEL_INLINE void windows(const float* src, float* dst, Ints& nan) {
  Vec a[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    a[v] = load(src + v * kLanes);
    if constexpr (R != Reduce::sum) nan |= a[v] != a[v];
    if constexpr (Square) a[v] = a[v] * a[v];
  }
#pragma GCC unroll 8
  for (int i = 1; i < L; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const Vec b = load(src + v * kLanes + i);
      if constexpr (Square) a[v] = fused(b, b, a[v]);
      else a[v] = reduce<R, Careful>(a[v], b);
    }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) store(dst + v * kLanes, a[v]);
}

template <Reduce R, bool Careful, bool Square, int L>
bool across_row(const AcrossRow& r) {
  const auto clamped = [](int64_t x, int64_t low, int64_t high) { return x < low ? low : x > high ? high : x; };
  // Columns [first, last) have a window that is not empty, and those in [begin, end) a whole one.
  const int64_t first = clamped(1 - r.shift - L, 0, r.count), last = clamped(r.cols - r.shift, first, r.count);
  const int64_t begin = clamped(-r.shift, first, last), end = clamped(r.cols - r.shift - L + 1, begin, last);
  bool some = false;
  const auto singly = [&](int64_t from, int64_t to) {
    for (int64_t x = from; x < to; ++x) {
      const int64_t left = clamped(x + r.shift, 0, r.cols), right = clamped(x + r.shift + L, 0, r.cols);
      r.dst[x] = one_window<R, Careful, Square>(r.src, left, right, some);
    }
  };
  const auto nothing = [&](int64_t from, int64_t to) {
    for (int64_t x = from; x < to; ++x) r.dst[x] = neutral_value(R);
  };
  nothing(0, first);
  singly(first, begin);
  Ints nan = {};
  const float* src = r.src + r.shift;
  int64_t x = begin;
  for (; x + 4 * kLanes <= end; x += 4 * kLanes) windows<R, Careful, Square, L, 4>(src + x, r.dst + x, nan);
  for (; x + kLanes <= end; x += kLanes) windows<R, Careful, Square, L, 1>(src + x, r.dst + x, nan);
  if (x < end && end - begin >= kLanes) {  // the last vector overlaps the one before
    windows<R, Careful, Square, L, 1>(src + end - kLanes, r.dst + end - kLanes, nan);
    x = end;
  }
  singly(x, last);
  nothing(last, r.count);
  for (int64_t rest = end; end > begin && rest < end + L - 1; ++rest) some |= src[rest] != src[rest];
  return some || !all(~nan);
}

template <Reduce R, bool Careful, bool Square>
bool across_of(const AcrossRow& r) {
  switch (r.length) {
    case 1: return across_row<R, Careful, Square, 1>(r);
    case 2: return across_row<R, Careful, Square, 2>(r);
    case 3: return across_row<R, Careful, Square, 3>(r);
    case 4: return across_row<R, Careful, Square, 4>(r);
    default: return across_row<R, Careful, Square, 5>(r);
  }
}

// Whether the row holds NaN, unless the windows are sums; if it does, extrema are right only if `careful`.
inline bool across(const AcrossRow& r) {
  if (r.op == Reduce::sum) {
    r.square ? across_of<Reduce::sum, false, true>(r) : across_of<Reduce::sum, false, false>(r);
    return false;
  }
  if (r.op == Reduce::maximum)
    return r.careful ? across_of<Reduce::maximum, true, false>(r) : across_of<Reduce::maximum, false, false>(r);
  return r.careful ? across_of<Reduce::minimum, true, false>(r) : across_of<Reduce::minimum, false, false>(r);
}

}  // namespace spel::SPEL_ISA
