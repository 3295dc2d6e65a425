#pragma once

#include <array>

#include "rows.hpp"

namespace spel {

// A box of a one-channel image, as rows x cols of `out` (contiguous): see resize.cpp.
void resize(const Rows& rows, const float* image, std::array<long, 2> size, long row_stride, std::array<double, 4> box,
            float* out, std::array<long, 2> out_size);

}  // namespace spel
