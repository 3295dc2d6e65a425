// Window extrema and sums over any adjacency, as a cascade of shared window levels.
//
// The idea: an adjacency is a set of boxes (maximal runs along columns, stacked over rows with the same run,
// stacked over planes). A run of length L is a few windows of 4^k columns, and these are shared by
// all runs, rows and outputs:
//
//   level k of a row:  w_k[x] = w_(k-1)[x] op w_(k-1)[x+s] op w_(k-1)[x+2s] op w_(k-1)[x+3s],  s = 4^(k-1)
//   length 25, max:    w_2[x] op w_2[x+9]                   (windows may overlap)
//   length 25, sum:    w_2[x] + w_1[x+16] + w_1[x+20] + x[x+24]
//
// The same again down the rows for tall boxes. So cost grows with log of the extent. Sums only ever add,
// each value once, so they are never negative and their error stays that of a tree.
#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "stages.hpp"

namespace spel {
namespace {

enum Axis { cols, rows, planes };
constexpr long kDirect = 5;  // windows up to this length are combined term by term

struct Piece {
  Node* node;
  long plane, row, phase, shift;
};

struct Box {
  long plane, depth, row, height, phase, shift, length;
};

// Splits sorted values into maximal runs of consecutive ones: calls emit(first, length).
template <class Emit>
void consecutive(std::vector<long>& values, Emit emit) {
  std::sort(values.begin(), values.end());
  for (size_t i = 0; i < values.size();) {
    size_t j = i + 1;
    while (j < values.size() && values[j] == values[j - 1] + 1) ++j;
    emit(values[i], long(j - i));
    i = j;
  }
}

std::vector<Box> boxes_of(const Window& w) {
  std::map<std::tuple<long, long, long>, std::vector<long>> lines;  // plane row phase -> shifts
  for (const Triple& d : w.displacements) {
    const long place = w.start.col + d.col, shift = floor_div(place, w.stride.col);
    lines[{d.plane, d.row, place - shift * w.stride.col}].push_back(shift);
  }
  std::map<std::tuple<long, long, long, long>, std::vector<long>> stacks;  // plane phase run -> rows
  for (auto& [at, shifts] : lines)
    consecutive(shifts, [&, at = at](long first, long length) {
      stacks[{std::get<0>(at), std::get<2>(at), first, length}].push_back(std::get<1>(at));
    });
  std::map<std::tuple<long, long, long, long, long>, std::vector<long>> piles;  // rect -> planes
  for (auto& [at, list] : stacks)
    consecutive(list, [&, at = at](long first, long height) {
      auto [plane, phase, shift, length] = at;
      piles[{first, height, phase, shift, length}].push_back(plane);
    });
  std::vector<Box> boxes;
  for (auto& [at, list] : piles)
    consecutive(list, [&, at = at](long first, long depth) {
      auto [row, height, phase, shift, length] = at;
      boxes.push_back({first, depth, row, height, phase, shift, length});
    });
  return boxes;
}

class Cascade {
 public:
  Cascade(Plan& plan, Reduce op) : plan(plan), op(op) {}

  // Terms whose combination is a window of `length` over `of`: (node, offset).
  std::vector<std::pair<Node*, long>> cover(Node* of, Axis axis, long length) {
    std::vector<std::pair<Node*, long>> terms;
    if (length <= kDirect) {
      for (long i = 0; i < length; ++i) terms.push_back({of, i});
      return terms;
    }
    int k = 0;
    long size = 1;
    while (size * 4 <= length) size *= 4, ++k;
    if (op != Reduce::sum) {
      for (long at = 0; at < length - size; at += size) terms.push_back({level(of, axis, k), at});
      terms.push_back({level(of, axis, k), length - size});
      return terms;
    }
    for (long at = 0; at < length;) {
      while (at + size > length) size /= 4, --k;
      terms.push_back({level(of, axis, k), at});
      at += size;
    }
    return terms;
  }

  // A node whose rows are that window.
  Node* whole(Node* of, Axis axis, long length) {
    auto [place, fresh] = wholes.try_emplace({of, axis, length}, nullptr);
    if (fresh) {
      auto terms = cover(of, axis, length);
      place->second = terms.size() == 1 ? terms[0].first : flat(terms, axis, length, of);
    }
    return place->second;
  }

 private:
  Node* level(Node* of, Axis axis, int k) {
    if (k == 0) return of;
    auto [place, fresh] = levels.try_emplace({of, axis, k}, nullptr);
    if (!fresh) return place->second;
    long size = 1;
    for (int i = 1; i < k; ++i) size *= 4;
    Node* below = level(of, axis, k - 1);
    Node* made = flat({{below, 0}, {below, size}, {below, 2 * size}, {below, 3 * size}}, axis, 4 * size, of);
    return levels[{of, axis, k}] = made;
  }

  Node* flat(const std::vector<std::pair<Node*, long>>& terms, Axis axis, long length, Node* of) {
    auto* node = plan.add<Combine>(of->channels, of->grid, op);
    node->first = of->first;
    if (axis == rows) node->first.row -= length - 1;
    if (axis == planes) node->first.plane -= length - 1;
    node->whole_frame = true;
    node->pass_nan = op != Reduce::sum;
    for (auto [from, offset] : terms) {
      from->flat_reader = true;
      node->terms.push_back({int(node->reads.size()), 0, axis == cols ? offset : 0});
      node->reads.push_back({from, axis == planes ? offset : 0, axis == rows ? offset : 0});
    }
    return node;
  }

  Plan& plan;
  Reduce op;
  std::map<std::tuple<Node*, Axis, int>, Node*> levels;
  std::map<std::tuple<Node*, Axis, long>, Node*> wholes;
};

float neutral(Reduce op) {
  const float infinity = std::numeric_limits<float>::infinity();
  return op == Reduce::sum ? 0 : op == Reduce::maximum ? -infinity : infinity;
}

}  // namespace

Node* pool(Plan& plan, Node* input, const Window& window, Reduce op, Combine::Finish finish) {
  const std::vector<Box> boxes = boxes_of(window);
  long left = 0, right = 0;
  std::map<long, long> uses;  // rows that ask for a run of this length
  for (const Box& b : boxes) {
    left = std::max(left, -b.shift);
    right = std::max(right, b.shift + b.length - 1 + window.out.cols);
    uses[b.length] += b.height * b.depth;
  }
  Node* base = plan.framed(input, Border::constant, {neutral(op)}, window.stride.col, left, right);
  if (op != Reduce::sum) base->scan_nan = true;

  Cascade cascade(plan, op);
  std::vector<Piece> pieces;
  for (const Box& b : boxes) {
    auto along = cascade.cover(base, cols, b.length);
    const long t = long(along.size());
    const bool tall = b.height > kDirect, deep = b.depth > 1 && b.height > 1;
    if (t > 1 && (tall || deep || b.depth > kDirect || uses[b.length] * (t - 1) > t + 1))
      along = {{cascade.whole(base, cols, b.length), 0}};
    std::vector<std::pair<Node*, Triple>> down;
    if (deep || (b.height > 1 && b.depth > kDirect)) {
      down.push_back({cascade.whole(along[0].first, rows, b.height), {0, b.row, 0}});
    } else if (tall) {
      for (auto [node, row] : cascade.cover(along[0].first, rows, b.height))
        down.push_back({node, {0, b.row + row, 0}});
    } else {
      for (long row = 0; row < b.height; ++row)
        for (auto [node, col] : along) down.push_back({node, {0, b.row + row, col}});
    }
    for (auto [node, at] : down)
      for (auto [from, plane] : cascade.cover(node, planes, b.depth))
        pieces.push_back({from, b.plane + plane, at.row, b.phase, b.shift + at.col});
  }

  std::stable_sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    return std::tie(a.plane, a.row) < std::tie(b.plane, b.row);
  });
  auto* node = plan.add<Combine>(input->channels, window.out, op);
  node->start = {window.start.plane, window.start.row, 0};
  node->stride = {window.stride.plane, window.stride.row, 1};
  node->finish = finish;
  node->window = window.displacements;
  std::map<std::pair<long, long>, int> lines;
  for (const Triple& d : window.displacements) {
    auto [place, fresh] = lines.try_emplace({d.plane, d.row}, int(lines.size()));
    if (fresh) node->lines.push_back({d.plane, d.row});
    node->line_of.push_back(place->second);
  }
  node->window_grid = input->grid;
  node->window_start = window.start;
  node->window_stride = window.stride;
  std::map<std::tuple<Node*, long, long>, int> seen;
  for (const Piece& p : pieces) {
    auto [place, fresh] = seen.try_emplace({p.node, p.plane, p.row}, int(node->reads.size()));
    if (fresh) node->reads.push_back({p.node, p.plane, p.row});
    node->terms.push_back({place->second, p.phase, p.shift});
  }
  if (finish == Combine::Finish::empty_is_zero)  // a window that holds its own centre is never empty
    for (const Triple& d : window.displacements)
      if (!d.plane && !d.row && !d.col) node->finish = Combine::Finish::none;
  return node;
}

void Combine::make(Lane& lane, long plane, long row, const Row* in, float* dst, long pitch) const {
  Lane::State& state = lane.states[id];
  const Rows& kernels = *lane.plan.kernels;
  bool careful = false;
  state.terms.clear();
  std::vector<const float*>& list = state.terms;
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
    const long width = channels * frame.pitch - furthest;
    if (list.empty()) std::fill(dst - origin, dst - origin + width, neutral(op));
    else kernels.combine(op, careful, list.data(), long(list.size()), dst - origin, width);
    return;
  }
  const bool counted = finish == Finish::mean || finish == Finish::empty_is_zero;
  const float* count = counted ? counts(lane, plane, row) : nullptr;
  const long n = long(list.size());
  for (long c = 0; c < channels; ++c) {
    float* to = dst + c * pitch;
    if (list.empty()) {
      std::fill(to, to + grid.cols, op == Reduce::sum || finish == Finish::empty_is_zero ? 0 : neutral(op));
      continue;
    }
    if (finish == Finish::mean)
      kernels.sum_over_counts(list.data(), n, count, count + grid.cols, to, grid.cols);
    else if (finish == Finish::full_mean)
      kernels.sum_over_all(list.data(), n, float(window.size()), to, grid.cols);
    else if (finish == Finish::norm || finish == Finish::norm_residue)
      kernels.over_norm(list.data(), n, in[reads.size() - 1].p + c * in[reads.size() - 1].pitch,
                        finish == Finish::norm_residue, to, grid.cols);
    else
      kernels.combine(op, careful, list.data(), n, to, grid.cols);
    if (finish == Finish::empty_is_zero)
      for (long x = 0; x < grid.cols; ++x) to[x] = count[x] == 0 ? 0 : to[x];
    size_t at = 0;
    for (const Term& term : terms)
      if (in[term.read].p) list[at++] += in[term.read].pitch;
  }
}

// How many of the window's spels lie inside the image, for each column of this output row; kept
// until a row whose window is clipped differently.
const float* Combine::counts(Lane& lane, long plane, long row) const {
  Lane::State& state = lane.states[id];
  std::vector<char>& inside = state.candidate;
  inside.resize(lines.size());
  const long p0 = window_start.plane + plane * window_stride.plane, r0 = window_start.row + row * window_stride.row;
  for (size_t i = 0; i < lines.size(); ++i) {
    const long p = p0 + lines[i].first, r = r0 + lines[i].second;
    inside[i] = p >= 0 && p < window_grid.planes && r >= 0 && r < window_grid.rows;
  }
  if (state.numbers.empty() || inside != state.signature) {
    // As a function of the column, each displacement is inside on one interval: count starts and ends.
    std::vector<long> change(grid.cols + 1, 0);
    for (size_t i = 0; i < window.size(); ++i) {
      if (!inside[line_of[i]]) continue;
      const long s = window_stride.col, shift = window_start.col + window[i].col;
      const long from = std::clamp(floor_div(-shift + s - 1, s), 0L, grid.cols);
      const long to = std::clamp(floor_div(window_grid.cols - 1 - shift, s) + 1, from, grid.cols);
      ++change[from], --change[to];
    }
    state.numbers.resize(2 * grid.cols + 1);  // counts, then their inverses
    long count = 0;
    for (long x = 0; x < grid.cols; ++x) {
      state.numbers[x] = float(count += change[x]);
      state.numbers[grid.cols + x] = count ? 1 / float(count) : 0;
    }
    state.signature = inside;
  }
  return state.numbers.data();
}

}  // namespace spel
