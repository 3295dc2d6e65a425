// Exponentials of whole vectors, of which the smooth activations are made.
//
// exp(x) = 2^n exp(r) with n = round(x / ln 2) and |r| <= ln 2 / 2: a polynomial gives exp(r),
// and n is added to the bits of the exponent. The other functions follow without cancellation: the relative error of
// each is a few rounding errors, which tests compare with float64. NaN stays NaN.
#pragma once

#include "simd.hpp"

namespace spel::SPEL_ISA {

// larger and smaller return their second argument where one is NaN.
SPEL_INLINE Vec clamp(Vec x, float low, float high) { return smaller(splat(high), larger(splat(low), x)); }

SPEL_INLINE Vec polynomial(Vec, float c) { return splat(c); }

// c + x (next + x (...)): coefficients from the constant up.
template <class... More>
SPEL_INLINE Vec polynomial(Vec x, float c, More... more) {
  return polynomial(x, more...) * x + c;
}

// exp(r) - 1 for |r| <= 0.35, to one rounding error: r + r^2 / 2 + ... + r^7 / 7!.
SPEL_INLINE Vec small_expm1(Vec r) {
  return r + r * r * polynomial(r, 0.5f, 1.f / 6, 1.f / 24, 1.f / 120, 1.f / 720, 1.f / 5040);
}

SPEL_INLINE Vec nearest_whole(Vec x) {  // adding 1.5 * 2^23 rounds to a whole number
  return (x + 12582912.f) - 12582912.f;
}

SPEL_INLINE Vec power_of_two(Vec n) { return (Vec)((__builtin_convertvector(n, Ints) + 127) << 23); }

// exp(x - n ln 2), where n is the whole number nearest to x / ln 2.
SPEL_INLINE Vec exponential_rest(Vec x, Vec n) {
  const Vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  return small_expm1(r) + 1.f;
}

SPEL_INLINE Vec exponential(Vec x) {
  x = clamp(x, -87.3f, 88.7f);
  const Vec n = nearest_whole(x * 1.44269504f);
  const Vec half = nearest_whole(n * 0.5f);  // in two factors, because 2^128 is no float
  const Vec y = exponential_rest(x, n) * power_of_two(half) * power_of_two(n - half);
  return x == x ? y : x;
}

// exp(x) for x <= 0, where one factor is enough; NaN stays NaN.
SPEL_INLINE Vec exponential_of_negative(Vec x) {
  x = larger(splat(-87.3f), x);
  const Vec n = nearest_whole(x * 1.44269504f);
  return exponential_rest(x, n) * power_of_two(n);
}

SPEL_INLINE Vec expm1_negative(Vec x) { return x > -0.35f ? small_expm1(x) : exponential(x) - 1.f; }

// log(1 + y) for 0 <= y <= 1: 2 artanh(s) with s = y / (2 + y) <= 1 / 3.
SPEL_INLINE Vec log1p_unit(Vec y) {
  const Vec s = y / (y + 2.f), z = s * s;
  return 2.f * s * polynomial(z, 1.f, 1.f / 3, 1.f / 5, 1.f / 7, 1.f / 9, 1.f / 11, 1.f / 13, 1.f / 15);
}

// erfc(z) for z >= 0 by Chebyshev fitting, relative error 1.2e-7 (Numerical Recipes, 6.2).
SPEL_INLINE Vec erfc_positive(Vec z) {
  const Vec t = 1.f / (1.f + 0.5f * z);
  const Vec p = polynomial(t, -1.26551223f, 1.00002368f, 0.37409196f, 0.09678418f, -0.18628806f, 0.27886807f,
                           -1.13520398f, 1.48851587f, -0.82215223f, 0.17087277f);
  return t * exponential(p - z * z);
}

SPEL_INLINE Vec sigmoid(Vec x) {
  const Vec e = exponential_of_negative(-magnitude(x));
  return (x < 0 ? e : splat(1.f)) / (1.f + e);
}

SPEL_INLINE Vec silu(Vec x) {  // NaN for -infinity, as -infinity times 0
  return x < -104.f ? 0.f * x : x * sigmoid(x);
}

SPEL_INLINE Vec tangent(Vec x) {  // tanh: an odd polynomial near 0 (Cephes), else 1 - 2 / (e^2|x| + 1)
  const Vec z = x * x, m = magnitude(x);
  const Vec near =
      x + x * z * polynomial(z, -3.33332819e-1f, 1.33314422e-1f, -5.37397155e-2f, 2.06390887e-2f, -5.70498872e-3f);
  const Vec far = 1.f - 2.f / (exponential(2.f * m) + 1.f);
  return m < 0.625f ? near : x < 0 ? -far : x == x ? far : x;
}

SPEL_INLINE Vec softplus(Vec x) { return larger(Vec{}, x) + log1p_unit(exponential(-magnitude(x))); }

SPEL_INLINE Vec gelu(Vec x) {  // x Phi(x); the tail of Phi is kept where x is negative
  const Vec tail = 0.5f * erfc_positive(magnitude(x) * 0.70710678f);
  return x < -14.f ? 0.f * x : x * (x < 0 ? tail : 1.f - tail);
}

SPEL_INLINE Vec elu(Vec x, float alpha) { return x > 0 ? x : alpha * expm1_negative(x); }

}  // namespace spel::SPEL_ISA
