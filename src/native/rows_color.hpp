// Rows of colours: red, green and blue to CIE Lab, or to LABNorm2 as libift has it.
//
//   for each vector of spels
//     red, green, blue over white               in float64, three vectors
//     the whole numbers that libift stores      for LABNorm2 from a file
//     linear light, X, Y and Z, their cube roots, Lab
//
// Everything is computed in float64 and rounded once, at the end. Roots are exact to 11 digits: a first x^(-1/P)
// comes from the bits of x as a float, whose exponent is divided by -P (error 3.5 %); then the series of
// (1 - h)^(-1/P), where h = 1 - x z^P says how far z is from the root, is added once in float32 and once in float64.
// Steps before a `truncated` or `nearest` are rounded one by one, as NumPy does it, since there the last digit decides.
#pragma once

#include "rows.hpp"
#include "simd.hpp"

namespace spel::SPEL_ISA {

// A vector of kLanes float64 values, in two registers: while one waits for its result, the other works.
typedef double One __attribute__((vector_size(kBytes)));
typedef float Half __attribute__((vector_size(kBytes / 2)));
typedef int32_t HalfInts __attribute__((vector_size(kBytes / 2)));

struct Doubles {
  One low, high;
  Doubles() = default;
  SPEL_INLINE Doubles(One low, One high) : low(low), high(high) {}
  SPEL_INLINE Doubles(double value) : low(value - One{}), high(value - One{}) {}
  SPEL_INLINE friend Doubles operator+(Doubles a, Doubles b) { return {a.low + b.low, a.high + b.high}; }
  SPEL_INLINE friend Doubles operator-(Doubles a, Doubles b) { return {a.low - b.low, a.high - b.high}; }
  SPEL_INLINE friend Doubles operator*(Doubles a, Doubles b) { return {a.low * b.low, a.high * b.high}; }
};

struct Colors {
  Doubles a, b, c;
};

SPEL_INLINE Doubles widened(Vec v) {
#if defined(__AVX512F__)
  return {(One)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)v)),
          (One)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)v, 1))};
#elif defined(__AVX2__)
  return {(One)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v)),
          (One)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1))};
#else
  Half halves[2];
  __builtin_memcpy(halves, &v, sizeof v);
  return {__builtin_convertvector(halves[0], One), __builtin_convertvector(halves[1], One)};
#endif
}

SPEL_INLINE Vec narrowed(Doubles v) {
#if defined(__AVX512F__)
  const __m512 low = _mm512_castps256_ps512(_mm512_cvtpd_ps((__m512d)v.low));
  return (Vec)_mm512_insertf32x8(low, _mm512_cvtpd_ps((__m512d)v.high), 1);
#elif defined(__AVX2__)
  return (Vec)_mm256_set_m128(_mm256_cvtpd_ps((__m256d)v.high), _mm256_cvtpd_ps((__m256d)v.low));
#else
  const Half halves[2] = {__builtin_convertvector(v.low, Half), __builtin_convertvector(v.high, Half)};
  Vec all;
  __builtin_memcpy(&all, halves, sizeof all);
  return all;
#endif
}

#if defined(__AVX2__)
SPEL_INLINE One fused(One a, One b, One c) {
#if defined(__AVX512F__)
  return (One)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#else
  return (One)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#endif
}
#endif

SPEL_INLINE One rounded(One v) { return (One)rounded((Vec)v); }

SPEL_INLINE Doubles product(Doubles a, double b) {
  const Doubles exact = a * b;
  return {rounded(exact.low), rounded(exact.high)};
}

// a / b, correctly rounded; `inverse` is 1 / b.
SPEL_INLINE Doubles over(Doubles a, double b, double inverse) {
#if defined(__AVX2__)
  const Doubles q = product(a, inverse);
  const auto corrected = [=](One x, One quotient) {
    return fused(fused(-quotient, b - One{}, x), inverse - One{}, quotient);
  };
  return {corrected(a.low, q.low), corrected(a.high, q.high)};
#else
  (void)inverse;
  return {a.low / b, a.high / b};
#endif
}

// Each value of `above` where v > limit, else that of `other`.
SPEL_INLINE Doubles chosen(Doubles v, double limit, Doubles above, Doubles other) {
  return {v.low > limit ? above.low : other.low, v.high > limit ? above.high : other.high};
}

SPEL_INLINE Doubles clamped(Doubles v, double low, double high) {  // NaN stays NaN
  const auto one = [=](One x) { return x < low ? low - One{} : x > high ? high - One{} : x; };
  return {one(v.low), one(v.high)};
}

SPEL_INLINE Doubles truncated(Doubles v) {
  const auto one = [](One x) {
    const One whole = __builtin_convertvector(__builtin_convertvector(x, HalfInts), One);
    return ((x > -2e9) & (x < 2e9)) ? whole : x;
  };
  return {one(v.low), one(v.high)};
}

SPEL_INLINE Doubles nearest(Doubles v) {
  const double magic = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to a whole number
  return {rounded(v.low + magic) - magic, rounded(v.high + magic) - magic};
}

// Coefficients of the series of (1 - h)^(-1/P).
template <int P>
struct Series {
  static constexpr double c1 = 1.0 / P, c2 = c1 * (c1 + 1) / 2, c3 = c2 * (c1 + 2) / 3;
};

// x^(-1/P) to four digits.
template <int P>
SPEL_INLINE Vec rough_inverse_root(Vec x) {
  constexpr float first = P == 3 ? 1419913816.f : 1277938202.f;
  const Vec z = (Vec) __builtin_convertvector(first - __builtin_convertvector((Ints)x, Vec) * (1.f / P), Ints);
  const Vec square = z * z, h = 1 - (P == 3 ? square : square * square) * (z * x);
  return z + z * h * (float(Series<P>::c1) + h * float(Series<P>::c2));
}

// x^(-1/P) for normal x > 0.
template <int P>
SPEL_INLINE Doubles inverse_root(Doubles x) {
  using S = Series<P>;
  const Doubles z = widened(rough_inverse_root<P>(narrowed(x))), square = z * z;
  const Doubles h = 1 - (P == 3 ? square : square * square) * (z * x);
  return z + z * h * (S::c1 + h * (S::c2 + h * S::c3));
}

// Linear light of an sRGB value in 0..1.
SPEL_INLINE Doubles linear_light(Doubles v) {
  const Doubles s = (v + 0.055) * (1 / 1.055), u = s * inverse_root<5>(s);  // s^(4/5)
  return chosen(v, 0.04045, u * u * u, v * (1 / 12.92));
}

struct Bend {  // the cube root, but a line near 0
  double least, slope, offset;
  SPEL_INLINE Doubles operator()(Doubles t) const {
    const Doubles z = inverse_root<3>(t);
    return chosen(t, least, t * z * z, t * slope + offset);
  }
};

struct Matrix {
  double of[3][3];
  SPEL_INLINE Colors operator()(Colors v) const {
    const auto row = [&](const double* m) { return m[0] * v.a + m[1] * v.b + m[2] * v.c; };
    return {row(of[0]), row(of[1]), row(of[2])};
  }
};

SPEL_INLINE Colors lab_of(Colors xyz, Bend bend) {
  const Doubles x = bend(xyz.a), y = bend(xyz.b), z = bend(xyz.c);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

SPEL_INLINE Colors lab(Colors rgb) {
  constexpr double X = 0.95047, Z = 1.08883;
  constexpr Matrix tristimulus = {{{0.412453 / X, 0.35758 / X, 0.180423 / X},
                                   {0.212671, 0.71516, 0.072169},
                                   {0.019334 / Z, 0.119193 / Z, 0.950227 / Z}}};
  return lab_of(tristimulus({linear_light(rgb.a), linear_light(rgb.b), linear_light(rgb.c)}),
                {0.008856, 7.787, 16.0 / 116});
}

SPEL_INLINE Colors labnorm2(Colors rgb) {
  constexpr double X = 0.950456, Z = 1.088754;
  constexpr Matrix tristimulus = {{{0.4123955889674142 / X, 0.3575834307637148 / X, 0.1804926473817016 / X},
                                   {0.2125862307855956, 0.7151703037034108, 0.0722004986433362},
                                   {0.0192972154917469 / Z, 0.1191838645808485 / Z, 0.9504971251315798 / Z}}};
  const Colors v = lab_of(tristimulus(rgb), {0.008856451679, 841.0 / 108, 4.0 / 29});
  return {v.a * (1 / 99.998337), (v.b + 86.182236) * (1 / 184.44085), (v.c + 107.867744) * (1 / 202.349424)};
}

// Y, Cb and Cr as libift's reader stores them, whole numbers.
SPEL_INLINE Colors stored(Space space, Colors rgb) {
  const Doubles r = rgb.a, g = rgb.b, b = rgb.c;
  const auto sum = [&](double x, double y, double z) { return product(r, x) + product(g, y) + product(b, z); };
  if (space == Space::labnorm2_png) {
    const Doubles y = sum(0.2627, 0.6780, 0.0593);
    const auto chroma = [&](Doubles v, double range) {
      return truncated(clamped(over(v - y, range, 1 / range), -0.5, 0.5) * 224) + 128;
    };
    return {truncated(y * 219) + 16, chroma(b, 1.8814), chroma(r, 1.4746)};
  }
  if (space == Space::labnorm2_rgba) {
    const auto part = [&](double x, double y, double z, double w) { return truncated(sum(x, y, z) + w); };
    return {part(65.481207, 128.552871, 24.966094, 16), part(-37.796777, -74.203008, 111.999785, 128),
            part(111.999785, -93.786211, -18.213574, 128)};
  }
  const Doubles y = sum(0.299, 0.587, 0.114);
  const auto chroma = [&](Doubles v, double range) {
    return nearest(over(product(v - y, 255), range, 1 / range)) + 128;
  };
  return {nearest(product(y, 255)), chroma(b, 1.772), chroma(r, 1.402)};
}

SPEL_INLINE Colors back_to_rgb(Colors ycc) {
  const Doubles luma = product(ycc.a - 16, 1.164383562), blue = ycc.b - 128, red = ycc.c - 128;
  const auto whole = [](Doubles v) { return over(clamped(truncated(v), 0, 255), 255, 1.0 / 255); };
  return {whole(luma + product(red, 1.596026786)), whole(luma - product(blue, 0.39176229) - product(red, 0.812967647)),
          whole(luma + product(blue, 2.017232143))};
}

SPEL_INLINE Colors recolored(Space space, Colors rgb) {
  if (space == Space::lab) return lab(rgb);
  return labnorm2(space == Space::labnorm2_direct ? rgb : back_to_rgb(stored(space, rgb)));
}

template <Space space>
void recolor_row(double white, const float* src, int64_t src_pitch, float* dst, int64_t dst_pitch, int64_t width) {
  const auto block = [white](const float* from, int64_t from_pitch, float* to, int64_t to_pitch) {
    const auto unit = [&](int64_t c) {
      const Doubles value = widened(load(from + c * from_pitch));
      return white == 1 ? value : over(value, white, 1 / white);
    };
    const Colors made = recolored(space, {unit(0), unit(1), unit(2)});
    const auto put = [&](int64_t c, Doubles v) { store(to + c * to_pitch, narrowed(v)); };
    put(0, made.a), put(1, made.b), put(2, made.c);
  };
  int64_t x = 0;
  for (; x + kLanes <= width; x += kLanes) block(src + x, src_pitch, dst + x, dst_pitch);
  if (x == width) return;
  float last[3 * kLanes] = {}, out[3 * kLanes];
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; x + i < width; ++i) last[c * kLanes + i] = src[c * src_pitch + x + i];
  block(last, kLanes, out, kLanes);
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; x + i < width; ++i) dst[c * dst_pitch + x + i] = out[c * kLanes + i];
}

inline void recolor(Space space, double white, const float* src, int64_t src_pitch, float* dst, int64_t dst_pitch,
                    int64_t width) {
  const auto row = [=](auto to) { to(white, src, src_pitch, dst, dst_pitch, width); };
  switch (space) {
    case Space::lab: return row(recolor_row<Space::lab>);
    case Space::labnorm2_png: return row(recolor_row<Space::labnorm2_png>);
    case Space::labnorm2_rgba: return row(recolor_row<Space::labnorm2_rgba>);
    case Space::labnorm2_jpeg: return row(recolor_row<Space::labnorm2_jpeg>);
    case Space::labnorm2_direct: return row(recolor_row<Space::labnorm2_direct>);
  }
}

}  // namespace spel::SPEL_ISA
