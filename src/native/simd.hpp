// Vectors of floats as wide as the instruction set allows: 16 (AVX-512), 8 (AVX2) or 4 (SSE, NEON).
//
// The types are vector extensions of GCC and clang, so arithmetic is written with + - * / and one source serves
// every machine. This header is compiled once for each instruction set, so everything in it lives in a namespace
// named after the set (SPEL_ISA). No function of the standard library may be instantiated here, because the linker
// would keep one copy for all sets.
#pragma once

#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define SPEL_ALWAYS __attribute__((always_inline))
#define SPEL_INLINE inline SPEL_ALWAYS

namespace spel::SPEL_ISA {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
constexpr int kRegisters = 32;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
constexpr int kRegisters = 16;
#elif defined(__aarch64__)
constexpr int kBytes = 16;
constexpr int kRegisters = 32;
#else
constexpr int kBytes = 16;
constexpr int kRegisters = 16;
#endif
constexpr int kLanes = kBytes / 4;

typedef float Vec __attribute__((vector_size(kBytes)));
typedef int32_t Ints __attribute__((vector_size(kBytes)));

SPEL_INLINE Vec splat(float value) { return value - Vec{}; }

SPEL_INLINE Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, kBytes);
  return v;
}

SPEL_INLINE Ints load(const int32_t* p) {
  Ints v;
  __builtin_memcpy(&v, p, kBytes);
  return v;
}

SPEL_INLINE void store(float* p, Vec v) { __builtin_memcpy(p, &v, kBytes); }

#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr int32_t kFirst[2 * kLanes] = {-1, -1, -1, -1, -1, -1, -1, -1};  // from kLanes - n on: n lanes are set

SPEL_INLINE __m256i first_lanes(int64_t n) { return _mm256_loadu_si256((const __m256i*)(kFirst + kLanes - n)); }
#endif

// The first n lanes (0 < n < kLanes), at the end of a row; the others are 0.
SPEL_INLINE Vec load(const float* p, int64_t n) {
#if defined(__AVX512F__)
  return (Vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif defined(__AVX2__)
  return (Vec)_mm256_maskload_ps(p, first_lanes(n));
#else
  float lanes[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) lanes[i] = p[i];
  return load(lanes);
#endif
}

// The lanes [from, to) of p, 0 <= from < to <= kLanes; the others are those of `outside`.
SPEL_INLINE Vec load(const float* p, int64_t from, int64_t to, Vec outside) {
#if defined(__AVX512F__)
  return (Vec)_mm512_mask_loadu_ps((__m512)outside, (__mmask16)((1u << to) - (1u << from)), p);
#elif defined(__AVX2__)
  const __m256i inside = _mm256_andnot_si256(first_lanes(from), first_lanes(to));
  return (Vec)_mm256_blendv_ps((__m256)outside, _mm256_maskload_ps(p, inside), (__m256)inside);
#else
  float lanes[kLanes];
  __builtin_memcpy(lanes, &outside, kBytes);
  for (int64_t i = from; i < to; ++i) lanes[i] = p[i];
  return load(lanes);
#endif
}

SPEL_INLINE void store(float* p, Vec v, int64_t n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
  float lanes[kLanes];
  store(lanes, v);
  for (int64_t i = 0; i < n; ++i) p[i] = lanes[i];
#endif
}

// The larger of both; b where they are equal or one is NaN, as the hardware does.
SPEL_INLINE Vec larger(Vec a, Vec b) {
#if defined(__AVX512F__)
  return (Vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (Vec)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__)
  return (Vec)_mm_max_ps((__m128)a, (__m128)b);
#else
  return a > b ? a : b;
#endif
}

SPEL_INLINE Vec smaller(Vec a, Vec b) {
#if defined(__AVX512F__)
  return (Vec)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (Vec)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__)
  return (Vec)_mm_min_ps((__m128)a, (__m128)b);
#else
  return a < b ? a : b;
#endif
}

SPEL_INLINE Vec root(Vec a) {
#if defined(__AVX512F__)
  return (Vec)_mm512_sqrt_ps((__m512)a);
#elif defined(__AVX2__)
  return (Vec)_mm256_sqrt_ps((__m256)a);
#elif defined(__x86_64__)
  return (Vec)_mm_sqrt_ps((__m128)a);
#else
  Vec r;
  for (int i = 0; i < kLanes; ++i) r[i] = __builtin_sqrtf(a[i]);
  return r;
#endif
}

SPEL_INLINE Vec magnitude(Vec a) { return (Vec)((Ints)a & 0x7fffffff); }

SPEL_INLINE bool all(Ints mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask((__m512i)mask) == 0xffff;
#elif defined(__AVX2__)
  return _mm256_movemask_ps((__m256)mask) == 0xff;
#else
  int32_t every = -1;
  for (int i = 0; i < kLanes; ++i) every &= mask[i];
  return every != 0;
#endif
}

// Lanes 0, 2, 4 ... of a, then those of b.
SPEL_INLINE Vec evens(Vec a, Vec b) {
#if defined(__clang__)
  Vec r;  // clang makes shuffles of the loop
  for (int i = 0; i < kLanes / 2; ++i) r[i] = a[2 * i], r[i + kLanes / 2] = b[2 * i];
  return r;
#else
  Ints pick;
  for (int i = 0; i < kLanes; ++i) pick[i] = 2 * i;
  return __builtin_shuffle(a, b, pick);
#endif
}

// The lanes of low and then high that an index from 0 to 2 kLanes - 1 names.
SPEL_INLINE Vec picked(Vec low, Vec high, Ints index) {
#if defined(__clang__)
  Vec r;
  for (int i = 0; i < kLanes; ++i) r[i] = index[i] < kLanes ? low[index[i]] : high[index[i] - kLanes];
  return r;
#else
  return __builtin_shuffle(low, high, index);
#endif
}

// Lanes By, By + 1 ... of low, then the first ones of high.
template <int By>
SPEL_INLINE Vec shifted(Vec low, Vec high) {
#if defined(__AVX512F__)
  return (Vec)_mm512_alignr_epi32((__m512i)high, (__m512i)low, By);
#elif defined(__AVX2__)
  const __m256i middle = _mm256_permute2x128_si256((__m256i)low, (__m256i)high, 0x21);
  if constexpr (By < 4) return (Vec)_mm256_alignr_epi8(middle, (__m256i)low, 4 * By);
  else return (Vec)_mm256_alignr_epi8((__m256i)high, middle, 4 * By - 16);
#elif defined(__x86_64__)
  return (Vec)_mm_alignr_epi8((__m128i)high, (__m128i)low, 4 * By);
#else
  float lanes[2 * kLanes];
  store(lanes, low), store(lanes + kLanes, high);
  return load(lanes + By);
#endif
}

// Remembers whether one of many values is NaN.
class Nans {
 public:
#if defined(__AVX512F__)
  SPEL_INLINE void look_at(Vec v) { found |= _mm512_cmpunord_ps_mask((__m512)v, (__m512)v); }
  SPEL_INLINE bool any() const { return found != 0; }

 private:
  __mmask16 found = 0;
#else
  SPEL_INLINE void look_at(Vec v) { found |= v != v; }
  SPEL_INLINE bool any() const { return !all(~found); }

 private:
  Ints found = {};
#endif
};

// a * b + c, rounded once where the machine can.
SPEL_INLINE Vec fused(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
  return (Vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
  return (Vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

SPEL_INLINE float fused(float a, float b, float c) {
#if defined(__AVX2__)
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}

#if defined(__AVX2__)
// 1 / sqrt(a), accurate to 14 bits (AVX-512) or 11 bits.
SPEL_INLINE Vec root_estimate(Vec a) {
#if defined(__AVX512F__)
  return (Vec)_mm512_rsqrt14_ps((__m512)a);
#else
  return (Vec)_mm256_rsqrt_ps((__m256)a);
#endif
}
#endif

// Prevents the compiler from fusing this product into a multiply-add.
SPEL_INLINE Vec rounded(Vec v) {
#if defined(__x86_64__)
  asm("" : "+v"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
  return v;
}

// Calls body(i, n) over [0, count) in whole vectors, n = kLanes, then once for the rest.
template <class Body>
SPEL_INLINE void by_vectors(int64_t count, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    body(i, [](const float* p) { return load(p); }, [](float* p, Vec v) { store(p, v); });
  if (const int64_t n = count - i; n > 0)
    body(i, [n](const float* p) { return load(p, n); }, [n](float* p, Vec v) { store(p, v, n); });
}

}  // namespace spel::SPEL_ISA
