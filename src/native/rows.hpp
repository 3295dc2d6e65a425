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
// `packed` holds blocks of `block` kernels (the last may be smaller), and in each block tap after tap. The opposite of
// row k is written `opposite` floats behind it, if that is not 0: kernels of opposite signs are computed once.
struct ConvolveRow {
  const float* const* taps;
  int64_t tap_count;
  const float* packed;
  const float* bias;
  int64_t kernels;
  int64_t block;
  float* dst;
  int64_t pitch;
  int64_t width;
  bool relu;
  int64_t opposite;
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
  int64_t count, width, left, right;
  int top, wanted;  // wanted: bit k for level k
  float* const* outs;
};
constexpr int64_t kLevelMargin = 96;
constexpr int64_t kShortWindow = 5;

// Windows of `length` <= 5 columns, the first of which starts at column `shift`, clipped to the `cols` columns of src.
struct AcrossRow {
  Reduce op;
  bool careful, square;
  const float* src;
  int64_t cols, shift, length;
  float* dst;
  int64_t count;  // of windows
};

// A group of patches in planes of waves, of which every spel has 8; `places` are those of their first numbers.
struct ShrinkGroup {
  const float* source;
  const float* guide;
  int64_t pitch;
  const int64_t* places;
  int64_t count;  // a power of 2, at most kGroupMost
  float power;    // of the noise
  float* sums;
};
constexpr int kGroupSide = 8;    // of patches
constexpr int kGroupMost = 32;   // patches
constexpr int kGroupBits = 10;   // of a key that name an offset
constexpr int kGroupBlock = 16;  // patches that are compared at once

struct Rows {
  const char* name;
  bool levels_in_registers;  // wide boxes are combined down the rows first, then across by `levels`; else across first
  // How many kernels share a block for a bank of this size and rows of this width.
  int64_t (*kernel_block)(int64_t kernels, int64_t width);
  void (*convolve)(const ConvolveRow&);
  // dst[x] = reduction over the terms of terms[t][x]; `careful` lets NaN through an extremum.
  void (*combine)(Reduce, bool careful, const float* const* terms, int64_t count, float* dst, int64_t width);
  void (*levels)(const LevelsRow&);
  bool (*across)(const AcrossRow&);  // whether an extremum met NaN; then it must be done again, carefully
  bool (*has_nan)(const float* src, int64_t width);
  // Any element type and byte stride to float.
  void (*convert)(const void* src, Type type, bool swapped, int64_t stride, float* dst, int64_t width);
  // Copies past the caches where the address allows it; for results that are larger than the caches.
  void (*write_through)(const float* src, float* dst, int64_t width);
  // Rounded to whole numbers 0..255, `stride` bytes apart; NaN becomes 0.
  void (*to_bytes)(const float* src, uint8_t* dst, int64_t stride, int64_t width);
  void (*activate)(Phi, float parameter, const float* src, float* dst, int64_t width);
  void (*add_square)(const float* src, float* dst, int64_t width, bool first);
  void (*combine_to_end)(Reduce, bool careful, const float* const* terms, int64_t count, const Ending&, float* dst,
                         int64_t width);
  // A window of `length` <= kShortWindow columns from column x + shift, in one pass; false if an extremum met NaN.
  bool (*window)(const LevelsRow&, int64_t shift, int64_t length, const Ending&, float* dst, int64_t width);
  // The same from every second or fourth column on, as they are; false for other steps too.
  bool (*window_with_step)(const LevelsRow&, int64_t shift, int64_t length, int64_t step, float* dst, int64_t width);
  void (*divide_by_root)(const float* src, const float* squares, float* dst, int64_t width);
  // Each step is rounded by itself, as separate array operations do.
  void (*affine)(const float* src, float subtract, float multiply, float add, float* dst, int64_t width);
  void (*add_weighted)(const float* src, float weight, float* dst, int64_t width, bool first);
  double (*multiply_adds)(int64_t count);  // as fast as the machine can, for comparison in benchmarks
  void (*residue)(const float* a, const float* b, float* dst, int64_t width);
  void (*multiply)(const float* a, const float* b, float* dst, int64_t width);
  void (*clip)(const float* src, float low, float high, float* dst, int64_t width);  // NaN stays NaN
  // Over the channels of a row, `pitch` apart: exponentials over their sum; the first largest one.
  void (*softmax)(const float* src, int64_t pitch, int64_t channels, float* dst, int64_t dst_pitch, int64_t width);
  void (*argmax)(const float* src, int64_t pitch, int64_t channels, float* dst, int64_t width);
  // Red, green and blue in 0..white to a colour space.
  void (*recolor)(Space, double white, const float* src, int64_t pitch, float* dst, int64_t dst_pitch, int64_t width);
  // dst[x] = sum over k < count of w[k] rows[k stride + x]
  void (*weigh_rows)(const float* rows, int64_t stride, const float* w, int64_t count, float* dst, int64_t width);
  // dst[x] = sum over k < count of w[k width + x] row[first[x] + k]; `row` has 32 more floats, which may be read
  void (*weigh_spels)(const float* row, const int32_t* first, const float* w, int64_t count, float* dst, int64_t width);
  // dst[i] = the image at row y + i down and column x + i along, see rows_rotate.hpp
  void (*rotate_row)(const float* image, int64_t row_stride, int64_t height, int64_t width, double y, double x,
                     double down, double along, float* dst, int64_t n);
  // Patches of a group, see rows_alike.hpp.
  void (*to_waves)(const float* src, float* dst, int64_t width);
  void (*from_waves)(const float* src, float* dst, int64_t width);
  void (*compare_patches)(const float* a, const float* b, int64_t pitch, float* sums, int64_t width);
  void (*keep_least)(const float* sums, int32_t number, int32_t* least, int64_t count, int64_t n);
  float (*shrink_group)(const ShrinkGroup&);
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
