// Rows of pooling stages: the reduction of the rows that exist, and how it ends.
#include <algorithm>
#include <limits>
#include <map>

#include "stages.hpp"

namespace spel {
namespace {

// The result of a reduction of no rows.
void nothing(const Rows& kernels, Reduce op, End end, const Row& last, int64_t channel, float* dst, int64_t width) {
  const float infinity = std::numeric_limits<float>::infinity();
  if (end == End::norm_residue)  // x - 0
    return kernels.activate(Phi::relu, 0, last.p + channel * last.pitch, dst, width);
  const bool zero = op == Reduce::sum || end == End::empty_is_zero;
  std::fill(dst, dst + width, zero ? 0 : op == Reduce::maximum ? -infinity : infinity);
}

Ending ending(End end, const float* counts, int64_t cols, int64_t window, const Row& last, int64_t channel) {
  const bool divides = end == End::norm || end == End::norm_residue;
  return {end, counts, counts ? counts + cols : nullptr, float(window),
          divides ? last.p + channel * last.pitch : nullptr};
}

void empty_to_zero(End end, const float* counts, float* dst, int64_t width) {
  for (int64_t x = 0; x < width && end == End::empty_is_zero; ++x) dst[x] = counts[x] == 0 ? 0 : dst[x];
}

bool counted(End end) { return end == End::mean || end == End::empty_is_zero; }

}  // namespace

void Combine::make(Lane& lane, int64_t plane, int64_t row, const Row* in, float* dst, int64_t pitch) const {
  Lane::State& state = lane.states[id];
  const Rows& kernels = *lane.plan.kernels;
  std::vector<const float*>& list = state.terms;
  list.clear();
  bool careful = false;
  int64_t furthest = 0;
  for (const Term& term : terms) {
    const Row& r = in[term.read];
    if (!r.p) continue;
    careful |= r.nan;
    furthest = std::max(furthest, term.shift);
    list.push_back(r.p + term.phase * reads[term.read].node->frame.phase_pitch + term.shift);
    if (whole_frame) list.back() -= origin;
  }
  if (whole_frame) {
    const int64_t width = origin + channels * frame.pitch - furthest;
    if (list.empty()) nothing(kernels, op, end, {}, 0, dst - origin, width);
    else kernels.combine(op, careful, list.data(), int64_t(list.size()), dst - origin, width);
    return;
  }
  const float* count = counted(end) ? inside.counts(state, plane, row) : nullptr;
  for (int64_t c = 0; c < channels; ++c, dst += pitch) {
    if (list.empty()) {
      nothing(kernels, op, end, in[reads.size() - 1], c, dst, grid.cols);
      continue;
    }
    const Ending how = ending(end, count, grid.cols, inside.size(), in[reads.size() - 1], c);
    kernels.combine_to_end(op, careful, list.data(), int64_t(list.size()), how, dst, grid.cols);
    empty_to_zero(end, count, dst, grid.cols);
    size_t at = 0;
    for (const Term& term : terms)
      if (in[term.read].p) list[at++] += in[term.read].pitch;
  }
}

// The passes of one channel; whether an extremum met NaN.
bool Across::make_channel(const Rows& kernels, Lane::State& state, bool careful, const float* src, float* dst) const {
  const int64_t cols = reads[0].node->grid.cols, longest = passes.back().length;
  const int64_t line = round_up(grid.cols + longest, 16);
  state.numbers2.resize(passes.size() * line);
  const auto line_of = [&](int pass) {
    return pass + 1 == int64_t(passes.size()) ? dst : state.numbers2.data() + pass * line;
  };
  bool nan = false;
  for (size_t i = 0; i < passes.size(); ++i) {
    const Pass& pass = passes[i];
    const int64_t count = grid.cols + longest - pass.length;
    if (pass.terms.empty()) {
      nan |= kernels.across({op, careful, square, src, cols, shift, pass.length, line_of(int(i)), count});
      continue;
    }
    state.terms.clear();
    for (const Term& term : pass.terms) state.terms.push_back(line_of(term.pass) + term.offset);
    kernels.combine(op, careful, state.terms.data(), int64_t(state.terms.size()), line_of(int(i)), count);
  }
  return nan;
}

void Across::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  Lane::State& state = lane.states[id];
  const Rows& kernels = *lane.plan.kernels;
  state.made_nan = false;
  for (int64_t c = 0; c < channels; ++c, dst += pitch) {
    const float* src = in[0].p + c * in[0].pitch;
    if (!make_channel(kernels, state, false, src, dst)) continue;
    state.made_nan = true;
    make_channel(kernels, state, true, src, dst);
  }
}

// Narrow rows of many channels are treated as one long row, in which frames separate the channels. There, and with
// a column stride, windows are made first, then divided among the channels and ended.
void BoxPool::make(Lane& lane, int64_t plane, int64_t row, const Row* in, float* dst, int64_t pitch) const {
  Lane::State& state = lane.states[id];
  const Rows& kernels = *lane.plan.kernels;
  const float* count = counted(end) ? inside.counts(state, plane, row) : nullptr;
  state.made_nan = false;
  const Row* first = std::find_if(in, in + rows_read, [](const Row& r) { return r.p != nullptr; });
  if (first == in + rows_read) {
    for (int64_t c = 0; c < channels; ++c, dst += pitch)
      nothing(kernels, op, end, in[reads.size() - 1], c, dst, grid.cols);
    return;
  }
  const int64_t between = flat ? (channels - 1) * first->pitch : 0;
  const int64_t width = between + cols, made = between + (grid.cols - 1) * column_stride + 1;
  const int64_t left = pieces.left, right = pieces.right + std::max(int64_t(0), made - width);
  const int64_t line = round_up(left + width + right + 2 * kLevelMargin, 16);
  if (state.numbers2.empty()) state.numbers2.resize(6 * line + 16);
  float* base = cache_line(state.numbers2.data());
  float* outs[6];
  for (int k = 0; k < 6; ++k) outs[k] = base + k * line + round_up(left, 16) + kLevelMargin / 16 * 16;
  std::vector<const float*>& terms = state.terms;
  bool careful = false;
  auto rows_of = [&](int64_t c) {
    terms.clear();
    for (int64_t i = 0; i < rows_read; ++i)
      if (in[i].p) terms.push_back(in[i].p + c * in[i].pitch), careful |= in[i].nan;
    return LevelsRow{op,    careful,    square,        terms.data(), int64_t(terms.size()), width, left,
                     right, pieces.top, pieces.levels, outs};
  };
  auto windows = [&](int64_t c, const Ending& how, float* to) {
    LevelsRow rows = rows_of(c);
    if (in_one_pass && kernels.window(rows, shift, length, how, to, made)) return;
    rows.careful |= in_one_pass;  // which failed, so there is NaN
    state.made_nan |= in_one_pass;
    kernels.levels(rows);
    terms.clear();
    for (const Piece& piece : pieces.list) terms.push_back(outs[piece.level] + piece.shift);
    kernels.combine_to_end(op, rows.careful, terms.data(), int64_t(terms.size()), how, to, made);
  };
  auto with_stride = [&](int64_t c, const float* from) {
    const bool short_windows = !flat && in_one_pass;
    if (short_windows && kernels.window_with_step(rows_of(c), shift, length, column_stride, dst, grid.cols)) return;
    if (!flat) windows(c, {}, outs[5]);
    kernels.convert(from, Type::f32, false, 4 * column_stride, dst, grid.cols);
  };
  if (flat) windows(0, {}, outs[5]);
  for (int64_t c = 0; c < channels; ++c, dst += pitch) {
    const Ending how = ending(end, count, grid.cols, inside.size(), in[reads.size() - 1], c);
    if (!flat && column_stride == 1) {
      windows(c, how, dst);
    } else {
      const float* from = outs[5] + (flat ? c * first->pitch : 0);
      if (column_stride > 1) with_stride(c, from), from = dst;
      if (from != dst || end != End::none) kernels.combine_to_end(op, false, &from, 1, how, dst, grid.cols);
    }
    empty_to_zero(end, count, dst, grid.cols);
  }
}

Inside::Inside(const std::vector<Triple>& window, Grid of, Triple start, Triple stride, int64_t cols)
    : spels(int64_t(window.size())), of(of), start(start), stride(stride), cols(cols) {
  std::map<std::pair<int64_t, int64_t>, std::vector<int64_t>> columns_of;
  for (const Triple& d : window) columns_of[{d.plane, d.row}].push_back(d.col);
  std::map<std::vector<int64_t>, size_t> numbers;
  for (auto& [place, columns] : columns_of) {
    auto [number, fresh] = numbers.try_emplace(std::move(columns), profiles.size());
    if (fresh) profiles.push_back(profile(number->first));
    lines.push_back({place.first, place.second, number->second});
  }
  whole.assign(profiles.size(), 0);
  for (const Line& line : lines) {
    ++whole[line.profile];
    low = {std::min(low.plane, line.plane), std::min(low.row, line.row), 0};
    high = {std::max(high.plane, line.plane), std::max(high.row, line.row), 0};
  }
}

// Each displacement is inside the image for one interval of columns: counts where intervals start and end.
std::vector<int64_t> Inside::profile(const std::vector<int64_t>& columns) const {
  std::vector<int64_t> change(cols + 1, 0);
  for (int64_t col : columns) {
    const int64_t shift = start.col + col;
    const int64_t from = std::clamp(floor_div(-shift + stride.col - 1, stride.col), int64_t(0), cols);
    const int64_t to = std::clamp(floor_div(of.cols - 1 - shift, stride.col) + 1, from, cols);
    ++change[from], --change[to];
  }
  for (int64_t x = 1; x < cols; ++x) change[x] += change[x - 1];
  return change;
}

const float* Inside::counts(Lane::State& state, int64_t plane, int64_t row) const {
  std::vector<int64_t>& uses = state.candidate;  // of each profile
  uses = whole;
  const int64_t p0 = start.plane + plane * stride.plane, r0 = start.row + row * stride.row;
  if (p0 + low.plane < 0 || p0 + high.plane >= of.planes || r0 + low.row < 0 || r0 + high.row >= of.rows)
    for (const Line& line : lines) {
      const int64_t p = p0 + line.plane, r = r0 + line.row;
      uses[line.profile] -= p < 0 || p >= of.planes || r < 0 || r >= of.rows;
    }
  if (!state.numbers.empty() && uses == state.signature) return state.numbers.data();
  state.numbers.resize(2 * cols);
  int64_t last = 0;
  float inverse = 0;
  for (int64_t x = 0; x < cols; ++x) {
    int64_t count = 0;
    for (size_t i = 0; i < uses.size(); ++i) count += uses[i] * profiles[i][x];
    if (count != last) last = count, inverse = count ? 1 / float(count) : 0;  // neighbours often have the same
    state.numbers[x] = float(count);
    state.numbers[cols + x] = inverse;
  }
  state.signature = uses;
  return state.numbers.data();
}

}  // namespace spel
