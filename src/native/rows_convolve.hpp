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
// A tap is only an address, so any adjacency, dilation or stride costs the same. Where the row ends with a few columns,
// kernels lie along the vectors instead (`columns`). The taps of an output are added in the same order in all of them, so
// the bits depend neither on the width nor on the threads.
#pragma once

#include "rows.hpp"
#include "simd.hpp"

namespace spel::SPEL_ISA {

constexpr int kMaxBlock = kRegisters == 32 ? 12 : 6;

// As many as leave room for the sums, a vector of the input each, and a weight; one kernel reads its input in place.
constexpr int tile_vectors(int kernels) {
  const int room = (kRegisters - 1) / (kernels + 1);
  return kernels == 1 || room > 8 ? 8 : room;
}

template <int K, int V, bool Tail>
void tile(const ConvolveRow& r, const float* weights, const float* bias, float* dst, int64_t x, int64_t rest) {
  Vec sum[K][V];
#pragma GCC unroll 16
  for (int k = 0; k < K; ++k)
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sum[k][v] = splat(bias[k]);
  for (int64_t t = 0; t < r.tap_count; ++t, weights += K) {
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
  const auto write = [&](float* to, int v, Vec y) SPEL_ALWAYS {
    if (r.relu) y = larger(Vec{}, y);
    if (Tail && v == V - 1) store(to, y, rest);
    else store(to, y);
  };
#pragma GCC unroll 16
  for (int k = 0; k < K; ++k)
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      float* to = dst + k * r.pitch + x + v * kLanes;
      write(to, v, sum[k][v]);
      if (r.opposite) write(to + r.opposite, v, Vec{} - sum[k][v]);
    }
}

template <int K, int V>
void end_of_row(const ConvolveRow& r, const float* w, const float* b, float* dst, int64_t x, int64_t vectors,
                int64_t rest) {
  if (vectors == V) {
    if (rest) tile<K, V, true>(r, w, b, dst, x, rest);
    else tile<K, V, false>(r, w, b, dst, x, 0);
  } else if constexpr (V > 1) {
    end_of_row<K, V - 1>(r, w, b, dst, x, vectors, rest);
  }
}

template <int K>
void kernels_of_row(const ConvolveRow& r, const float* w, const float* b, float* dst) {
  constexpr int V = tile_vectors(K);
  int64_t x = 0;
  for (; x + V * kLanes <= r.width; x += V * kLanes) tile<K, V, false>(r, w, b, dst, x, 0);
  if (const int64_t left = r.width - x; left > 0)
    end_of_row<K, V>(r, w, b, dst, x, (left + kLanes - 1) / kLanes, left % kLanes);
}

template <int K>
void block_of_kernels(int64_t kernels, const ConvolveRow& r, const float* w, const float* b, float* dst) {
  if (kernels == K) kernels_of_row<K>(r, w, b, dst);
  else if constexpr (K > 1) block_of_kernels<K - 1>(kernels, r, w, b, dst);
}

// The first n lanes, each in a row of its own. Not inlined, so that the sums of `columns` stay in registers.
__attribute__((noinline)) inline void store_down(float* to, int64_t pitch, Vec v, int64_t n) {
  float lanes[kLanes];
  store(lanes, v);
  for (int64_t i = 0; i < n; ++i) to[i * pitch] = lanes[i];
}

// The last C columns of a row, from column x on, for B blocks of kernels from kernel k on. A vector holds the kernels of a
// block, so a tap costs B x C multiply-adds, and not one for each kernel and a vector that is nearly empty.
template <int B, int C>
void columns(const ConvolveRow& r, int64_t k, int64_t x) {
  const float* weights[B];
  int64_t size[B];
  Vec sum[B][C];
#pragma GCC unroll 2
  for (int b = 0; b < B; ++b) {
    const int64_t first = k + b * r.block;
    size[b] = r.kernels - first < r.block ? r.kernels - first : r.block;
    weights[b] = r.packed + first * r.tap_count;
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) sum[b][c] = load(r.bias + first, size[b]);
  }
  const int64_t taps = r.tap_count;
  for (int64_t t = 0; t < taps; ++t) {
    const float* src = r.taps[t] + x;
    Vec w[B];
#pragma GCC unroll 2
    for (int b = 0; b < B; ++b, weights[b - 1] += size[b - 1]) w[b] = load(weights[b], size[b]);
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      const Vec in = splat(src[c]);
#pragma GCC unroll 2
      for (int b = 0; b < B; ++b) sum[b][c] += w[b] * in;
    }
  }
#pragma GCC unroll 2
  for (int b = 0; b < B; ++b)
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      float* to = r.dst + (k + b * r.block) * r.pitch + x + c;
      const auto write = [&](float* first, Vec y) {
        store_down(first, r.pitch, r.relu ? larger(Vec{}, y) : y, size[b]);
      };
      write(to, sum[b][c]);
      if (r.opposite) write(to + r.opposite, Vec{} - sum[b][c]);
    }
}

constexpr int kMostColumns = 4;

template <int C>
void end_in_columns(const ConvolveRow& r, int64_t x, int64_t count) {
  if (count == C) {
    int64_t k = 0;
    for (; k + r.block < r.kernels; k += 2 * r.block) columns<2, C>(r, k, x);
    if (k < r.kernels) columns<1, C>(r, k, x);
  } else if constexpr (C > 1) {
    end_in_columns<C - 1>(r, x, count);
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

inline void convolve(const ConvolveRow& row) {
  ConvolveRow r = row;
  if constexpr (kMaxBlock < kLanes) {
    const int64_t rest = row.width % kLanes;
    if (0 < rest && rest <= kMostColumns && 2 * rest <= row.block) {
      r.width -= rest;
      end_in_columns<kMostColumns>(row, r.width, rest);
    }
  }
  for (int64_t k = 0; k < r.kernels; k += r.block) {
    const int64_t size = r.kernels - k < r.block ? r.kernels - k : r.block;
    block_of_kernels<kMaxBlock>(size, r, r.packed + k * r.tap_count, r.bias + k, r.dst + k * r.pitch);
  }
}

}  // namespace spel::SPEL_ISA
