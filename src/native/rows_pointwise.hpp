// Pointwise rows: reading any element type, writing bytes, activations, and the last steps of normalizations.
//
// Each is one loop over a row: whole vectors, then the rest of the row with a mask.
#pragma once

#include "rows.hpp"
#include "rows_combine.hpp"
#include "rows_exponential.hpp"
#include "simd.hpp"

namespace spel::SPEL_ISA {

template <class T>
T swapped_bytes(T value) {
  unsigned char bytes[sizeof(T)];
  __builtin_memcpy(bytes, &value, sizeof(T));
  for (unsigned i = 0; i < sizeof(T) / 2; ++i) {
    const unsigned char b = bytes[i];
    bytes[i] = bytes[sizeof(T) - 1 - i];
    bytes[sizeof(T) - 1 - i] = b;
  }
  __builtin_memcpy(&value, bytes, sizeof(T));
  return value;
}

// One channel of interleaved ones; a constant step lets the compiler load vectors and pick from them.
template <int64_t kStep, class T>
void every(const T* src, float* dst, int64_t width) {
  for (int64_t x = 0; x < width; ++x) dst[x] = float(src[kStep * x]);
}

template <class T>
void convert_as(const void* src, bool swapped, int64_t stride, float* dst, int64_t width) {
  const char* p = static_cast<const char*>(src);
  if (!swapped && stride == int64_t(sizeof(T))) {
    for (int64_t x = 0; x < width; ++x) {
      T value;
      __builtin_memcpy(&value, p + x * int64_t(sizeof(T)), sizeof(T));
      dst[x] = float(value);
    }
    return;
  }
  if (!swapped && uintptr_t(src) % sizeof(T) == 0) {
    if (stride == 3 * int64_t(sizeof(T))) return every<3>(static_cast<const T*>(src), dst, width);
    if (stride == 4 * int64_t(sizeof(T))) return every<4>(static_cast<const T*>(src), dst, width);
  }
  for (int64_t x = 0; x < width; ++x) {
    T value;
    __builtin_memcpy(&value, p + x * stride, sizeof(T));
    dst[x] = float(swapped ? swapped_bytes(value) : value);
  }
}

// Every second float: the first halves of pairs.
inline void every_second(const float* src, float* dst, int64_t width) {
  int64_t x = 0;
  for (; x + kLanes <= width - 1; x += kLanes) store(dst + x, evens(load(src + 2 * x), load(src + 2 * x + kLanes)));
  for (; x < width; ++x) dst[x] = src[2 * x];
}

inline void convert(const void* src, Type type, bool swapped, int64_t stride, float* dst, int64_t width) {
  switch (type) {
    case Type::u8: return convert_as<uint8_t>(src, swapped, stride, dst, width);
    case Type::i8: return convert_as<int8_t>(src, swapped, stride, dst, width);
    case Type::u16: return convert_as<uint16_t>(src, swapped, stride, dst, width);
    case Type::i16: return convert_as<int16_t>(src, swapped, stride, dst, width);
    case Type::u32: return convert_as<uint32_t>(src, swapped, stride, dst, width);
    case Type::i32: return convert_as<int32_t>(src, swapped, stride, dst, width);
    case Type::f32:
      if (stride == 8 && !swapped && uintptr_t(src) % 4 == 0)
        return every_second(static_cast<const float*>(src), dst, width);
      return convert_as<float>(src, swapped, stride, dst, width);
    case Type::f64: return convert_as<double>(src, swapped, stride, dst, width);
  }
}

inline void write_through(const float* src, float* dst, int64_t width) {
#if defined(__AVX512F__)
  if (uintptr_t(dst) % kBytes == 0) {
    for (; width >= kLanes; width -= kLanes, src += kLanes, dst += kLanes) _mm512_stream_ps(dst, (__m512)load(src));
  }
#elif defined(__AVX2__)
  if (uintptr_t(dst) % kBytes == 0) {
    for (; width >= kLanes; width -= kLanes, src += kLanes, dst += kLanes) _mm256_stream_ps(dst, (__m256)load(src));
  }
#endif
  __builtin_memcpy(dst, src, size_t(width) * 4);
}

// Rounded to whole numbers 0..255, half to even: smaller ones become 0, larger ones 255, and NaN 0.
// A float of 2^23 or more has no digits after the point: adding 2^23 rounds, and the lowest byte is the number.
inline void to_bytes(const float* src, uint8_t* dst, int64_t stride, int64_t width) {
  typedef uint8_t Bytes __attribute__((vector_size(kLanes)));
  by_vectors(width, [=](int64_t i, auto get, auto) {
    const Vec bounded = smaller(larger(get(src + i), Vec{}), splat(255));  // `larger` gives the 0 for NaN
    const Bytes bytes = __builtin_convertvector((Ints)(bounded + 8388608.0f) & 0xff, Bytes);
    const int64_t n = width - i < kLanes ? width - i : kLanes;
    if (stride == 1 && n == kLanes) __builtin_memcpy(dst + i, &bytes, kLanes);
    else
      for (int64_t x = 0; x < n; ++x) dst[(i + x) * stride] = bytes[x];
  });
}

template <class F>
SPEL_INLINE void map_vectors(const float* src, float* dst, int64_t width, F f) {
  by_vectors(width, [=](int64_t i, auto get, auto put) { put(dst + i, f(get(src + i))); });
}

inline void activate(Phi phi, float a, const float* src, float* dst, int64_t width) {
  switch (phi) {
    case Phi::identity: return map_vectors(src, dst, width, [](Vec x) { return x; });
    case Phi::relu: return map_vectors(src, dst, width, [](Vec x) { return larger(Vec{}, x); });
    case Phi::leaky_relu: return map_vectors(src, dst, width, [a](Vec x) { return x > 0 ? x : a * x; });
    case Phi::abs: return map_vectors(src, dst, width, [](Vec x) { return magnitude(x); });
    case Phi::square: return map_vectors(src, dst, width, [](Vec x) { return x * x; });
    case Phi::hard_sigmoid:
      return map_vectors(src, dst, width, [](Vec x) {
        return smaller(splat(1), larger(Vec{}, x / 6 + 0.5f));  // larger and smaller return x if NaN
      });
    case Phi::elu: return map_vectors(src, dst, width, [a](Vec x) { return elu(x, a); });
    case Phi::sigmoid: return map_vectors(src, dst, width, [](Vec x) { return sigmoid(x); });
    case Phi::tanh: return map_vectors(src, dst, width, [](Vec x) { return tangent(x); });
    case Phi::gelu: return map_vectors(src, dst, width, [](Vec x) { return gelu(x); });
    case Phi::softplus: return map_vectors(src, dst, width, [](Vec x) { return softplus(x); });
    case Phi::silu: return map_vectors(src, dst, width, [](Vec x) { return silu(x); });
    case Phi::hard_swish:
      return map_vectors(src, dst, width, [](Vec x) { return x * smaller(splat(1), larger(Vec{}, x / 6 + 0.5f)); });
  }
}

inline void divide_by_root(const float* src, const float* squares, float* dst, int64_t width) {
  by_vectors(width, [=](int64_t i, auto get, auto put) { put(dst + i, over_root(get(src + i), get(squares + i))); });
}

inline void affine(const float* src, float subtract, float multiply, float add, float* dst, int64_t width) {
  map_vectors(src, dst, width, [=](Vec x) { return rounded((x - subtract) * multiply) + add; });
}

inline void add_weighted(const float* src, float weight, float* dst, int64_t width, bool first) {
  if (first) map_vectors(src, dst, width, [=](Vec x) { return rounded(x * weight); });
  else
    by_vectors(width,
               [=](int64_t i, auto get, auto put) { put(dst + i, get(dst + i) + rounded(get(src + i) * weight)); });
}

inline void residue(const float* a, const float* b, float* dst, int64_t width) {
  by_vectors(width, [=](int64_t i, auto get, auto put) { put(dst + i, larger(Vec{}, get(a + i) - get(b + i))); });
}

inline void multiply(const float* a, const float* b, float* dst, int64_t width) {
  by_vectors(width, [=](int64_t i, auto get, auto put) { put(dst + i, rounded(get(a + i) * get(b + i))); });
}

inline void clip(const float* src, float low, float high, float* dst, int64_t width) {
  map_vectors(src, dst, width, [=](Vec x) { return clamp(x, low, high); });
}

}  // namespace spel::SPEL_ISA
