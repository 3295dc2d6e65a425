// The row kernels: all hot loops of the engine, each over one row of one or more channels.
//
// There is a table of them for each instruction set (rows.cpp is compiled several times), and one is chosen at
// import. Everything else (graph.hpp) is compiled once and calls through the table, a few times per row.
#pragma once

#include <cstdint>

namespace spel {

enum class Type : int { u8, i8, u16, i16, u32, i32, f32, f64 };
enum class Reduce : int { maximum, minimum, sum };
enum class Phi : int {
  identity,
  relu,
  leaky_relu,
  elu,
  sigmoid,
  tanh,
  gelu,
  softplus,
  hard_sigmoid,
  abs,
  square,
  silu,
  hard_swish
};

enum class Space : int { lab, labnorm2_png, labnorm2_rgba, labnorm2_jpeg, labnorm2_direct };

// One output row of a bank: dst[k][x] = bias[k] + sum_t weights[t][k] * taps[t][x].
// `packed` holds blocks of `block` kernels (the last may be smaller), and in each block tap after tap.
struct ConvolveRow {
  const float* const* taps;
  long tap_count;
  const float* packed;
  const float* bias;
  long kernels;
  long block;
  float* dst;
  long pitch;
  long width;
  bool relu;
};

// How the reduction of a window becomes a value:
//   none            as it is
//   mean            divided by a count per column; 0 where the count is 0
//   full_mean       divided by one count for all columns
//   empty_is_zero   0 where the window is empty
//   norm            `of` divided by the root of the sum
//   norm_residue    what is left of `of` after subtracting that, at least 0
enum class End { none, mean, full_mean, empty_is_zero, norm, norm_residue };
struct Ending {
  End kind = End::none;
  const float* counts = nullptr;
  const float* inverse = nullptr;  // 1 / counts
  float count = 0;
  const float* of = nullptr;
};

// Windows of 2^k columns, for k = 0 to top <= 4, over the reduction of some rows (see rows_levels.hpp).
// outs[k] is column 0 of level k, with room for kLevelMargin floats before `left` and after `right`.
struct LevelsRow {
  Reduce op;
  bool careful, square;
  const float* const* terms;
  long count, width, left, right;
  int top, wanted;  // wanted: bit k for level k
  float* const* outs;
};
constexpr long kLevelMargin = 96;

// Windows of `length` <= 5 columns, the first of which starts at column `shift`, clipped to the `cols` columns of src.
struct AcrossRow {
  Reduce op;
  bool careful, square;
  const float* src;
  long cols, shift, length;
  float* dst;
  long count;  // of windows
};

struct Rows {
  const char* name;
  bool levels_in_registers;  // boxes are combined down the rows first, then across by `levels`; else across first
  // How many kernels share a block for a bank of this size and rows of this width.
  long (*kernel_block)(long kernels, long width);
  void (*convolve)(const ConvolveRow&);
  // dst[x] = reduction over the terms of terms[t][x]; `careful` lets NaN through an extremum.
  void (*combine)(Reduce, bool careful, const float* const* terms, long count, float* dst, long width);
  void (*levels)(const LevelsRow&);
  bool (*across)(const AcrossRow&);  // whether an extremum met NaN; then it must be done again, carefully
  bool (*has_nan)(const float* src, long width);
  // Any element type and byte stride to float.
  void (*convert)(const void* src, Type type, bool swapped, long stride, float* dst, long width);
  // Copies past the caches where the address allows it; for results that are larger than the caches.
  void (*write_through)(const float* src, float* dst, long width);
  void (*activate)(Phi, float parameter, const float* src, float* dst, long width);
  void (*add_square)(const float* src, float* dst, long width, bool first);
  void (*combine_to_end)(Reduce, bool careful, const float* const* terms, long count, const Ending&, float* dst,
                         long width);
  // A window of `length` columns from column x + shift, in one pass; false if it must be made by levels.
  bool (*window)(const LevelsRow&, long shift, long length, const Ending&, float* dst, long width);
  void (*divide_by_root)(const float* src, const float* squares, float* dst, long width);
  // Each step is rounded by itself, as separate array operations do.
  void (*affine)(const float* src, float subtract, float multiply, float add, float* dst, long width);
  void (*add_weighted)(const float* src, float weight, float* dst, long width, bool first);
  double (*multiply_adds)(long count);  // as fast as the machine can, for comparison in benchmarks
  void (*residue)(const float* a, const float* b, float* dst, long width);
  void (*multiply)(const float* a, const float* b, float* dst, long width);
  void (*clip)(const float* src, float low, float high, float* dst, long width);  // NaN stays NaN
  // Over the channels of a row, `pitch` apart: exponentials over their sum; the first largest one.
  void (*softmax)(const float* src, long pitch, long channels, float* dst, long dst_pitch, long width);
  void (*argmax)(const float* src, long pitch, long channels, float* dst, long width);
  // Red, green and blue in 0..white to a colour space.
  void (*recolor)(Space, double white, const float* src, long pitch, float* dst, long dst_pitch, long width);
  // dst[x] = sum over k < count of w[k] rows[k stride + x]
  void (*weigh_rows)(const float* rows, long stride, const float* w, long count, float* dst, long width);
  // dst[x] = sum over k < count of w[k width + x] row[first[x] + k]
  void (*weigh_spels)(const float* row, const int32_t* first, const float* w, long count, float* dst, long width);
};

#if defined(__x86_64__)
namespace v2 {
extern const Rows rows;
}
namespace v3 {
extern const Rows rows;
}
namespace v4 {
extern const Rows rows;
}
#else
namespace native {
extern const Rows rows;
}
#endif

}  // namespace spel
