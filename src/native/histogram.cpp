// How often each value occurs in an image of 8 or 16 bits, and how many values of floats lie in each of equal bins.
//
// The idea: a count that was just written cannot be read for a few cycles, and neighbours in an
// image are often equal. So neighbours count in tables of their own, which are added at the end.
//
//   for each block of values that a 32-bit count holds
//     value i of every group counts in table i
//   add the tables
//
// A large image of 8 bits is counted in pairs of neighbours, in a table of 256 x 256: half as many counts are written.
// Its rows add up to the counts of the second of each pair, its columns to those of the first.
//
// The bin of a float is computed from its distance to the first edge; then the edges themselves decide, since they are
// rounded.
#include "histogram.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

#include "team.hpp"

namespace spel {
namespace {

constexpr int64_t kBlock = int64_t(1) << 30;

template <int kTables, class Value>
void count_values(const Value* values, int64_t count, int64_t* counts) {
  constexpr int64_t kLevels = int64_t(1) << (8 * sizeof(Value)), kGroup = 8 / sizeof(Value);
  std::vector<uint32_t> tables(kTables * kLevels);
  for (int64_t from = 0; from < count; from += kBlock) {
    const Value* v = values + from;
    const int64_t n = std::min(kBlock, count - from);
    std::fill(tables.begin(), tables.end(), 0);
    uint32_t* table = tables.data();
    int64_t i = 0;
    for (uint64_t word; i + kGroup <= n; i += kGroup) {
      std::memcpy(&word, v + i, 8);
#pragma GCC unroll 8
      for (int64_t k = 0; k < kGroup; ++k, word >>= 8 * sizeof(Value)) ++table[k % kTables * kLevels + Value(word)];
    }
    for (; i < n; ++i) ++table[v[i]];
    for (int k = 0; k < kTables; ++k)
      for (int64_t level = 0; level < kLevels; ++level) counts[level] += table[k * kLevels + level];
  }
}

void count_pairs(const uint8_t* values, int64_t count, int64_t* counts) {
  std::vector<uint32_t> table(256 * 256);
  for (int64_t from = 0; from < count; from += kBlock) {
    const int64_t end = std::min(from + kBlock, count);
    std::fill(table.begin(), table.end(), 0);
    int64_t i = from;
    for (uint64_t word; i + 8 <= end; i += 8) {
      std::memcpy(&word, values + i, 8);
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k, word >>= 16) ++table[uint16_t(word)];
    }
    for (; i < end; ++i) ++counts[values[i]];
    uint32_t columns[256] = {};
    for (int64_t row = 0; row < 256; ++row) {
      uint32_t sum = 0;
      for (int64_t column = 0; column < 256; ++column) {
        sum += table[row * 256 + column];
        columns[column] += table[row * 256 + column];
      }
      counts[row] += sum;
    }
    for (int64_t column = 0; column < 256; ++column) counts[column] += columns[column];
  }
}

template <class Value>
void count_in_bins(const Value* values, int64_t count, const double* edges, int64_t bins, int64_t* counts) {
  constexpr int64_t kTables = 4;
  std::vector<int64_t> tables(kTables * bins);
  const double first = edges[0], scale = double(bins) / (edges[bins] - first);
  for (int64_t i = 0; i < count; ++i) {
    const double value = values[i];
    int64_t bin = std::clamp(int64_t((value - first) * scale), int64_t(0), bins - 1);
    while (value < edges[bin] && bin > 0) --bin;
    while (value >= edges[bin + 1] && bin + 1 < bins) ++bin;
    ++tables[i % kTables * bins + bin];
  }
  for (size_t i = 0; i < tables.size(); ++i) counts[int64_t(i) % bins] += tables[i];
}

// Counts parts of the values in threads of their own, each in a table of its own.
template <class Value, class Count>
void count_in_parts(const Value* values, int64_t count, int64_t* counts, int64_t levels, int threads, Count of_part) {
  constexpr int64_t kWorthAThread = 1 << 18;
  const int64_t parts = std::clamp(count / kWorthAThread, int64_t(1), int64_t(threads));
  std::mutex adding;
  const auto part = [&](int64_t index) {
    const int64_t from = index * count / parts, to = (index + 1) * count / parts;
    std::vector<int64_t> table(levels);
    of_part(values + from, to - from, table.data());
    std::lock_guard<std::mutex> hold(adding);
    for (int64_t level = 0; level < levels; ++level) counts[level] += table[level];
  };
  in_parts(parts, part, [] {});
}

}  // namespace

void histogram(const uint8_t* values, int64_t count, int64_t* counts, int threads) {
  constexpr int64_t kWorthPairs = 1 << 18;  // fewer values take less time than the table of pairs
  count_in_parts(values, count, counts, 256, threads, [](const uint8_t* of, int64_t n, int64_t* table) {
    n >= kWorthPairs ? count_pairs(of, n, table) : count_values<4>(of, n, table);
  });
}

void histogram(const uint16_t* values, int64_t count, int64_t* counts, int threads) {
  count_in_parts(values, count, counts, 1 << 16, threads, count_values<2, uint16_t>);
}

void histogram(const float* values, int64_t count, const double* edges, int64_t bins, int64_t* counts, int threads) {
  count_in_parts(values, count, counts, bins, threads,
                 [=](const float* of, int64_t n, int64_t* table) { count_in_bins(of, n, edges, bins, table); });
}

void histogram(const double* values, int64_t count, const double* edges, int64_t bins, int64_t* counts, int threads) {
  count_in_parts(values, count, counts, bins, threads,
                 [=](const double* of, int64_t n, int64_t* table) { count_in_bins(of, n, edges, bins, table); });
}

}  // namespace spel
