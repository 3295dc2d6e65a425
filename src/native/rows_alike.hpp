// Patches of 8 x 8 spels: compared with others, and shrunk together with those they are like.
#pragma once

#include "rows.hpp"
#include "simd.hpp"

namespace spel::SPEL_ISA {

constexpr int kSide = kGroupSide;
typedef float Eight __attribute__((vector_size(4 * kSide)));

SPEL_INLINE Eight load_eight(const float* p) {
  Eight v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

SPEL_INLINE void store_eight(float* p, Eight v) { __builtin_memcpy(p, &v, sizeof v); }

// The cosine waves of 8 values, of unit norms: of each wave its values.
struct Cosines {
  float of[kSide][kSide];
  constexpr Cosines() : of() {
    constexpr float kHalves[] = {0.5f,         0.490392640f, 0.461939766f,  0.415734806f, 0.353553391f,
                                 0.277785117f, 0.191341716f, 0.0975451610f, 0.0f};  // cos(n pi / 16) / 2
    for (int wave = 0; wave < kSide; ++wave)
      for (int at = 0; at < kSide; ++at) {
        const int turn = (2 * at + 1) * wave % 32, n = turn > 16 ? 32 - turn : turn;
        of[wave][at] = !wave ? kHalves[4] : n > 8 ? -kHalves[16 - n] : kHalves[n];
      }
  }
};
constexpr Cosines kCosines;

// dst[8 x + w] = wave w of src[x] .. src[x + 7], for all x < width - 7.
inline void to_waves(const float* src, float* dst, int64_t width) {
  Eight at[kSide];
  for (int k = 0; k < kSide; ++k)
    for (int w = 0; w < kSide; ++w) at[k][w] = kCosines.of[w][k];
  for (int64_t x = 0; x + kSide <= width; ++x) {
    Eight waves = at[0] * src[x];
    for (int k = 1; k < kSide; ++k) waves += at[k] * src[x + k];
    store_eight(dst + kSide * x, waves);
  }
}

// The adjoint: what all waves of src mean for each spel, added to dst.
inline void from_waves(const float* src, float* dst, int64_t width) {
  Eight wave[kSide];
  for (int w = 0; w < kSide; ++w)
    for (int k = 0; k < kSide; ++k) wave[w][k] = kCosines.of[w][k];
  for (int64_t x = 0; x + kSide <= width; ++x) {
    Eight sum = load_eight(dst + x);
    for (int w = 0; w < kSide; ++w) sum += wave[w] * src[kSide * x + w];
    store_eight(dst + x, sum);
  }
}

// sums[x] = the sum of (a - b)^2 over the patches that begin at column x, for all x < width - 7; the rest of sums is
// used as well.
inline void compare_patches(const float* a, const float* b, int64_t pitch, float* sums, int64_t width) {
  by_vectors(width, [=](int64_t x, auto load, auto store) {
    Vec sum = {};
    for (int r = 0; r < kSide; ++r) {
      const Vec difference = load(a + r * pitch + x) - load(b + r * pitch + x);
      sum += difference * difference;
    }
    store(sums + x, sum);
  });
  by_vectors(width - kSide + 1, [=](int64_t x, auto load, auto store) {
    Vec sum = load(sums + x);
    for (int k = 1; k < kSide; ++k) sum += load(sums + x + k);
    store(sums + x, sum);
  });
}

// For each of n patches, in blocks of 16, the `count` least keys in order: least[(block count + k) 16 + patch]. The key
// of a sum is an eighth of it, at most 2^21 - 1, and then the number of its offset.
inline void keep_least(const float* sums, int32_t number, int32_t* least, int64_t count, int64_t n) {
  const Vec most = splat(float((1 << 24) - 8));
  for (int64_t i = 0; i < n; i += kLanes) {
    int32_t* own = least + i / kGroupBlock * kGroupBlock * count + i % kGroupBlock;
    const Ints whole = __builtin_convertvector(smaller(load(sums + i), most), Ints);
    Ints key = (whole >> 3) << kGroupBits | number;
    if (all(key >= load(own + (count - 1) * kGroupBlock))) continue;
    for (int64_t k = 0; k < count; ++k) {
      const Ints kept = load(own + k * kGroupBlock), less = key < kept ? key : kept;
      key = key < kept ? kept : key;
      __builtin_memcpy(own + k * kGroupBlock, &less, kBytes);
    }
  }
}

// A group in memory: [row of a patch][patch][wave]. Patches are in the order of reversed bits, so that the pairs of
// Haar's wavelet are the two halves of a row.
class Stack {
 public:
  Stack(const ShrinkGroup& of, const float* plane) : length(of.count * kSide) {
    for (int64_t k = 0, slot = 0; k < of.count; ++k, slot = after(slot, of.count))
      for (int64_t r = 0; r < kSide; ++r)
        store_eight(row(r) + slot * kSide, load_eight(plane + of.places[k] + r * of.pitch));
    for (int64_t r = 0; r < kSide; ++r)
      for (int64_t half = length / 2; half >= kSide; half /= 2) butterfly(row(r), half);
  }

  void add_to(const ShrinkGroup& of, float weight) {
    for (int64_t r = 0; r < kSide; ++r)
      for (int64_t half = kSide; half < length; half *= 2) butterfly(row(r), half);
    for (int64_t k = 0, slot = 0; k < of.count; ++k, slot = after(slot, of.count))
      for (int64_t r = 0; r < kSide; ++r) {
        float* sums = of.sums + of.places[k] + r * of.pitch;
        store_eight(sums, load_eight(sums) + load_eight(row(r) + slot * kSide) * weight);
      }
  }

  SPEL_INLINE float* row(int64_t r) { return values + r * length; }

 private:
  // The next number if its bits are read from the last one on.
  static int64_t after(int64_t slot, int64_t count) {
    int64_t bit = count / 2;
    while (slot & bit) slot ^= bit, bit /= 2;
    return slot | bit;
  }

  SPEL_INLINE static void butterfly(float* own, int64_t half) {
    const Vec root = splat(0.707106781f);
    by_vectors(half, [=](int64_t x, auto load, auto store) {
      const Vec a = load(own + x), b = load(own + half + x);
      store(own + x, (a + b) * root);
      store(own + half + x, (a - b) * root);
    });
  }

  const int64_t length;
  alignas(64) float values[kGroupMost * kSide * kSide];
};

// The waves of 8 values down, and back; by the sums and the differences of opposite ones.
SPEL_INLINE void waves_down(Vec* x) {
  Vec out[kSide];
  for (int w = 0; w < kSide; ++w) {
    out[w] = Vec{};
    for (int k = 0; k < 4; ++k) out[w] += (w % 2 ? x[k] - x[7 - k] : x[k] + x[7 - k]) * kCosines.of[w][k];
  }
  for (int w = 0; w < kSide; ++w) x[w] = out[w];
}

SPEL_INLINE void waves_back(Vec* x) {
  Vec out[kSide];
  for (int k = 0; k < 4; ++k) {
    Vec even = {}, odd = {};
    for (int w = 0; w < kSide; w += 2) even += x[w] * kCosines.of[w][k], odd += x[w + 1] * kCosines.of[w + 1][k];
    out[k] = even + odd, out[7 - k] = even - odd;
  }
  for (int k = 0; k < kSide; ++k) x[k] = out[k];
}

// Adds a group of patches to the sums: what passes of its waves, by their power in the guide beside that of the noise,
// times the weight that is returned. The mean of a group passes.
inline float shrink_group(const ShrinkGroup& of) {
  Stack own(of, of.source), guide(of, of.guide);
  Vec power = splat(of.power), passed = {};
  by_vectors(of.count * kSide, [&](int64_t x, auto load, auto store) {
    Vec a[kSide], b[kSide];
    for (int r = 0; r < kSide; ++r) a[r] = load(own.row(r) + x), b[r] = load(guide.row(r) + x);
    waves_down(a), waves_down(b);
    for (int w = 0; w < kSide; ++w) {
      Vec share = 1 - power / (b[w] * b[w] + power);
      if (x == 0 && w == 0) share[0] = 1;
      passed += share * share;
      a[w] *= share;
    }
    waves_back(a);
    for (int r = 0; r < kSide; ++r) store(own.row(r) + x, a[r]);
  });
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += passed[i];
  own.add_to(of, 1 / sum);
  return 1 / sum;
}

}  // namespace spel::SPEL_ISA
