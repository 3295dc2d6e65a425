#pragma once

#include <cstdint>

namespace spel {

// Adds to `counts` how often each value of 8 (256 counts) or 16 bits (65536) occurs: see histogram.cpp.
// `threads` is the largest number of them, here and below.
void histogram(const uint8_t* values, int64_t count, int64_t* counts, int threads);
void histogram(const uint16_t* values, int64_t count, int64_t* counts, int threads);

// Adds to `counts` how many finite values lie from one of the `bins` + 1 growing edges to the next; those of the last
// edge belong to the last bin. All lie between the first edge and the last.
void histogram(const float* values, int64_t count, const double* edges, int64_t bins, int64_t* counts, int threads);
void histogram(const double* values, int64_t count, const double* edges, int64_t bins, int64_t* counts, int threads);

}  // namespace spel
