#pragma once

#include <cstdint>

namespace spel {

// Adds to `counts` how often each value of 8 (256 counts) or 16 bits (65536) occurs: see histogram.cpp.
void histogram(const uint8_t* values, int64_t count, int64_t* counts);
void histogram(const uint16_t* values, int64_t count, int64_t* counts);

}  // namespace spel
