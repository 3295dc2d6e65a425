// Rows of pooling stages: the reduction of the rows that exist, and how it ends.
#include <algorithm>
#include <limits>
#include <map>

#include "stages.hpp"

namespace spel {
namespace {

// The result of a reduction of no rows.
void nothing(const Rows& kernels, Reduce op, End end, const Row& last, long channel, float* dst, long width) {
  const float infinity = std::numeric_limits<float>::infinity();
  if (end == End::norm_residue)  // x - 0
    return kernels.activate(Phi::relu, 0, last.p + channel * last.pitch, dst, width);
  const bool zero = op == Reduce::sum || end == End::empty_is_zero;
  std::fill(dst, dst + width, zero ? 0 : op == Reduce::maximum ? -infinity : infinity);
}

Ending ending(End end, const float* counts, long cols, long window, const Row& last, long channel) {
  const bool divides = end == End::norm || end == End::norm_residue;
  return {end, counts, counts ? counts + cols : nullptr, float(window),
          divides ? last.p + channel * last.pitch : nullptr};
}

void empty_to_zero(End end, const float* counts, float* dst, long width) {
  for (long x = 0; x < width && end == End::empty_is_zero; ++x) dst[x] = counts[x] == 0 ? 0 : dst[x];
}

bool counted(End end) { return end == End::mean || end == End::empty_is_zero; }

}  // namespace

void Combine::make(Lane& lane, long plane, long row, const Row* in, float* dst, long pitch) const {
  Lane::State& state = lane.states[id];
  const Rows& kernels = *lane.plan.kernels;
  std::vector<const float*>& list = state.terms;
  list.clear();
  bool careful = false;
  long furthest = 0;
  for (const Term& term : terms) {
    const Row& r = in[term.read];
    if (!r.p) continue;
    careful |= r.nan;
    furthest = std::max(furthest, term.shift);
    list.push_back(r.p + term.phase * reads[term.read].node->frame.phase_pitch + term.shift);
    if (whole_frame) list.back() -= origin;
  }
  if (whole_frame) {
    const long width = origin + channels * frame.pitch - furthest;
    if (list.empty()) nothing(kernels, op, end, {}, 0, dst - origin, width);
    else kernels.combine(op, careful, list.data(), long(list.size()), dst - origin, width);
    return;
  }
  const float* count = counted(end) ? inside.counts(state, plane, row) : nullptr;
  for (long c = 0; c < channels; ++c, dst += pitch) {
    if (list.empty()) {
      nothing(kernels, op, end, in[reads.size() - 1], c, dst, grid.cols);
      continue;
    }
    const Ending how = ending(end, count, grid.cols, inside.size(), in[reads.size() - 1], c);
    kernels.combine_to_end(op, careful, list.data(), long(list.size()), how, dst, grid.cols);
    empty_to_zero(end, count, dst, grid.cols);
    size_t at = 0;
    for (const Term& term : terms)
      if (in[term.read].p) list[at++] += in[term.read].pitch;
  }
}

// Narrow rows of many channels are treated as one long row, in which frames separate the channels. There, and with
// a column stride, windows are made first, then divided among the channels and ended.
void BoxPool::make(Lane& lane, long plane, long row, const Row* in, float* dst, long pitch) const {
  Lane::State& state = lane.states[id];
  const Rows& kernels = *lane.plan.kernels;
  const float* count = counted(end) ? inside.counts(state, plane, row) : nullptr;
  const Row* first = std::find_if(in, in + rows_read, [](const Row& r) { return r.p != nullptr; });
  if (first == in + rows_read) {
    for (long c = 0; c < channels; ++c, dst += pitch)
      nothing(kernels, op, end, in[reads.size() - 1], c, dst, grid.cols);
    return;
  }
  const long between = flat ? (channels - 1) * first->pitch : 0;
  const long width = between + cols, made = between + (grid.cols - 1) * column_stride + 1;
  const long line = round_up(left + width + right + 2 * kLevelMargin, 16);
  if (state.numbers2.empty()) state.numbers2.resize(6 * line + 16);
  float* base = reinterpret_cast<float*>(round_up(long(state.numbers2.data()), 64));
  float* outs[6];
  for (int k = 0; k < 6; ++k) outs[k] = base + k * line + round_up(left, 16) + kLevelMargin / 16 * 16;
  std::vector<const float*>& terms = state.terms;
  bool careful = false;
  auto windows = [&](long c, const Ending& how, float* to) {
    terms.clear();
    for (long i = 0; i < rows_read; ++i)
      if (in[i].p) terms.push_back(in[i].p + c * in[i].pitch), careful |= in[i].nan;
    const LevelsRow rows{op, careful, square, terms.data(), long(terms.size()), width, left, right, top, wanted, outs};
    if (kernels.window(rows, shift, length, how, to, made)) return;
    kernels.levels(rows);
    terms.clear();
    for (const Piece& piece : pieces) terms.push_back(outs[piece.level] + piece.shift);
    kernels.combine_to_end(op, careful, terms.data(), long(terms.size()), how, to, made);
  };
  if (flat) windows(0, {}, outs[5]);
  for (long c = 0; c < channels; ++c, dst += pitch) {
    const Ending how = ending(end, count, grid.cols, inside.size(), in[reads.size() - 1], c);
    if (!flat && column_stride == 1) {
      windows(c, how, dst);
    } else {
      if (!flat) windows(c, {}, outs[5]);
      const float* from = outs[5] + (flat ? c * first->pitch : 0);
      if (column_stride > 1) {
        kernels.convert(from, Type::f32, false, 4 * column_stride, dst, grid.cols);
        from = dst;
      }
      if (from != dst || end != End::none) kernels.combine_to_end(op, false, &from, 1, how, dst, grid.cols);
    }
    empty_to_zero(end, count, dst, grid.cols);
  }
}

Inside::Inside(const std::vector<Triple>& window, Grid of, Triple start, Triple stride, long cols)
    : window(window), of(of), start(start), stride(stride), cols(cols) {
  std::map<std::pair<long, long>, int> line_at;
  for (const Triple& d : window) {
    if (!line_of.empty() && lines[line_of.back()] == std::pair{d.plane, d.row}) {
      line_of.push_back(line_of.back());
      continue;
    }
    auto [place, fresh] = line_at.try_emplace({d.plane, d.row}, int(line_at.size()));
    if (fresh) lines.push_back({d.plane, d.row});
    line_of.push_back(place->second);
  }
}

const float* Inside::counts(Lane::State& state, long plane, long row) const {
  std::vector<char>& inside = state.candidate;
  inside.resize(lines.size());
  const long p0 = start.plane + plane * stride.plane, r0 = start.row + row * stride.row;
  for (size_t i = 0; i < lines.size(); ++i) {
    const long p = p0 + lines[i].first, r = r0 + lines[i].second;
    inside[i] = p >= 0 && p < of.planes && r >= 0 && r < of.rows;
  }
  if (!state.numbers.empty() && inside == state.signature) return state.numbers.data();
  // Each displacement is inside the image for one interval of columns: count where intervals start and end.
  std::vector<long> change(cols + 1, 0);
  for (size_t i = 0; i < window.size(); ++i) {
    if (!inside[line_of[i]]) continue;
    const long shift = start.col + window[i].col;
    const long from = std::clamp(floor_div(-shift + stride.col - 1, stride.col), 0L, cols);
    const long to = std::clamp(floor_div(of.cols - 1 - shift, stride.col) + 1, from, cols);
    ++change[from], --change[to];
  }
  state.numbers.resize(2 * cols);
  long count = 0;
  for (long x = 0; x < cols; ++x) {
    state.numbers[x] = float(count += change[x]);
    state.numbers[cols + x] = count ? 1 / float(count) : 0;
  }
  state.signature = inside;
  return state.numbers.data();
}

}  // namespace spel
