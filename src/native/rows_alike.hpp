// The likeness of the spels of a row to those at an offset from them, and sums by these weights.
#pragma once

#include "rows.hpp"
#include "simd.hpp"

namespace spel::SPEL_ISA {

// out[x] = (a[x] - b[x])^2
inline void square_difference(const float* a, const float* b, float* out, int64_t n) {
  by_vectors(n, [=](int64_t x, auto load, auto store) {
    const Vec difference = load(a + x) - load(b + x);
    store(out + x, difference * difference);
  });
}

// out[x] = (1 - scale times the sum over k < side of squares[x + k])^4; 0 where the base is negative or NaN. `out` may
// be `squares`, since what is written is not read again.
inline void likeness(const float* squares, int64_t side, float scale, float* out, int64_t n) {
  by_vectors(n, [=](int64_t x, auto load, auto store) {
    Vec sum = load(squares + x);
    for (int64_t k = 1; k < side; ++k) sum += load(squares + x + k);
    const Vec base = larger(1 - sum * scale, Vec{}), square = base * base;
    store(out + x, square * square);
  });
}

// sums[x] += weights[x] others[x], counts[x] += weights[x]
inline void add_by_weights(const float* weights, const float* others, float* sums, float* counts, int64_t n) {
  by_vectors(n, [=](int64_t x, auto load, auto store) {
    const Vec weight = load(weights + x);
    store(sums + x, fused(weight, load(others + x), load(sums + x)));
    store(counts + x, load(counts + x) + weight);
  });
}

}  // namespace spel::SPEL_ISA
