// One instruction set's table of row kernels; CMake compiles this file once for each.
#include "rows_across.hpp"
#include "rows_alike.hpp"
#include "rows_channels.hpp"
#include "rows_color.hpp"
#include "rows_combine.hpp"
#include "rows_convolve.hpp"
#include "rows_levels.hpp"
#include "rows_pointwise.hpp"
#include "rows_resize.hpp"
#include "rows_rotate.hpp"
#include "rows_window.hpp"

#define SPEL_TEXT2(x) #x
#define SPEL_TEXT(x) SPEL_TEXT2(x)

namespace spel::SPEL_ISA {

extern const Rows rows;
const Rows rows = {SPEL_TEXT(SPEL_ISA),
                   kLanes == 16,
                   kernel_block,
                   convolve,
                   combine,
                   levels,
                   across,
                   has_nan,
                   convert,
                   write_through,
                   to_bytes,
                   activate,
                   add_square,
                   combine_to_end,
                   window,
                   window_with_step,
                   divide_by_root,
                   affine,
                   add_weighted,
                   multiply_adds,
                   residue,
                   multiply,
                   clip,
                   softmax,
                   argmax,
                   recolor,
                   weigh_rows,
                   weigh_spels,
                   rotate_row,
                   to_waves,
                   from_waves,
                   compare_patches,
                   keep_least,
                   shrink_group};

}  // namespace spel::SPEL_ISA
