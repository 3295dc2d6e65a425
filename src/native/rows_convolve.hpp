// Convolution of one row, direct, over a list of taps (one per displacement and channel).
//
// The idea: keep a tile of K kernels x V vectors of the output row in registers, and walk the taps once. For
// each tap, load V vectors of its input row (unaligned) and K weights (broadcast):
//
//   for each block of kernels            the weights of a block stay in the first-level cache
//     for each tile of V vectors         along the row
//       for each tap                     displacement-major, channel-minor
//         K x V multiply-adds
//
// Very many taps are walked in parts, and a part over a panel of columns for all kernels, so that what it reads of the
// input stays in the first-level cache. Between parts, the sums wait in the output row.
//
// A tap is only an address, so any adjacency, dilation or stride costs the same. The taps of an output are added in
// the same order whatever the tile and the part, so the bits depend neither on the width nor on the threads.
#pragma once

#include "rows.hpp"
#include "simd.hpp"

namespace spel::SPEL_ISA {

constexpr int kMaxBlock = kRegisters == 32 ? 12 : 6;
constexpr int64_t kManyTaps = 512, kPartTaps = 192, kPanel = 6 * kLanes;

// As many as leave room for the sums, a vector of the input each, and a weight; one kernel reads its input in place.
constexpr int tile_vectors(int kernels) {
  const int room = (kRegisters - 1) / (kernels + 1);
  return kernels == 1 || room > 8 ? 8 : room;
}

// Some kernels and the taps [from, to), of which `weights` begins with the first.
struct Block {
  int64_t from, to;
  const float *weights, *bias;
  float* dst;
};

template <int K, int V, bool Tail>
void tile(const ConvolveRow& r, const Block& block, int64_t x, int64_t rest) {
  float* const dst = block.dst + x;
  Vec sum[K][V];
  if (block.from == 0) {
#pragma GCC unroll 16
    for (int k = 0; k < K; ++k)
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) sum[k][v] = splat(block.bias[k]);
  } else {
#pragma GCC unroll 16
    for (int k = 0; k < K; ++k)
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) {
        const float* before = dst + k * r.pitch + v * kLanes;
        sum[k][v] = Tail && v == V - 1 ? load(before, rest) : load(before);
      }
  }
  const float* weights = block.weights;
  for (int64_t t = block.from; t < block.to; ++t, weights += K) {
    const float* src = r.taps[t] + x;
    Vec in[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) in[v] = Tail && v == V - 1 ? load(src + v * kLanes, rest) : load(src + v * kLanes);
#pragma GCC unroll 16
    for (int k = 0; k < K; ++k) {
      const Vec w = splat(weights[k]);
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) sum[k][v] += w * in[v];
    }
  }
  const bool relu = r.relu && block.to == r.tap_count;
#pragma GCC unroll 16
  for (int k = 0; k < K; ++k)
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      float* to = dst + k * r.pitch + v * kLanes;
      const Vec y = relu ? larger(Vec{}, sum[k][v]) : sum[k][v];
      if (Tail && v == V - 1) store(to, y, rest);
      else store(to, y);
    }
}

template <int K, int V>
void end_of_columns(const ConvolveRow& r, const Block& block, int64_t x, int64_t vectors, int64_t rest) {
  if (vectors == V) {
    if (rest) tile<K, V, true>(r, block, x, rest);
    else tile<K, V, false>(r, block, x, 0);
  } else if constexpr (V > 1) {
    end_of_columns<K, V - 1>(r, block, x, vectors, rest);
  }
}

template <int K>
void columns(int64_t kernels, const ConvolveRow& r, const Block& block, int64_t x, int64_t end) {
  if (kernels == K) {
    constexpr int V = tile_vectors(K);
    for (; x + V * kLanes <= end; x += V * kLanes) tile<K, V, false>(r, block, x, 0);
    if (const int64_t left = end - x; left > 0)
      end_of_columns<K, V>(r, block, x, (left + kLanes - 1) / kLanes, left % kLanes);
  } else if constexpr (K > 1) {
    columns<K - 1>(kernels, r, block, x, end);
  }
}

// The peak that convolution is held against: independent multiply-adds on registers.
inline double multiply_adds(int64_t count) {
  Vec sum[12];
  for (int i = 0; i < 12; ++i) sum[i] = splat(float(i));
  const Vec a = splat(0.5f), b = splat(1e-3f);
  for (int64_t n = 0; n < count; n += 12) {
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i) sum[i] = sum[i] * a + b;
  }
  Vec all = {};
  for (int i = 0; i < 12; ++i) all += sum[i];
  return all[0] < 0 ? 0 : double((count + 11) / 12 * 12) * kLanes;
}

// Equal blocks of at most kMaxBlock kernels.
inline int64_t kernel_block(int64_t kernels, int64_t) {
  const int64_t blocks = (kernels + kMaxBlock - 1) / kMaxBlock;
  return blocks ? (kernels + blocks - 1) / blocks : 1;
}

inline void convolve(const ConvolveRow& r) {
  const bool many = r.tap_count > kManyTaps;
  const int64_t parts = many ? (r.tap_count + kPartTaps - 1) / kPartTaps : 1;
  const int64_t panel = many ? kPanel : r.width;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t from = part * r.tap_count / parts, to = (part + 1) * r.tap_count / parts;
    for (int64_t x = 0; x < r.width; x += panel)
      for (int64_t k = 0; k < r.kernels; k += r.block) {
        const int64_t size = r.kernels - k < r.block ? r.kernels - k : r.block;
        const Block block{from, to, r.packed + k * r.tap_count + from * size, r.bias + k, r.dst + k * r.pitch};
        columns<kMaxBlock>(size, r, block, x, r.width - x < panel ? r.width : x + panel);
      }
  }
}

}  // namespace spel::SPEL_ISA
