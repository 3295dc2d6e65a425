// Window extrema and sums over any adjacency, as a cascade of shared window levels.
//
// The idea: an adjacency is a set of boxes: maximal runs along columns, stacked over rows that have the same run,
// and over planes. A run of length L is a few windows of 4^k columns, and these are shared by all runs, rows and
// outputs:
//
//   level k of a row:  w_k[x] = w_(k-1)[x] op w_(k-1)[x+s] op w_(k-1)[x+2s] op w_(k-1)[x+3s],  s = 4^(k-1)
//   length 25, max:    w_2[x] op w_2[x+9]                   (windows may overlap)
//   length 25, sum:    w_2[x] + w_1[x+16] + w_1[x+20] + x[x+24]
//
// Tall boxes do the same down the rows, so the cost grows with the logarithm of the extent. Sums never subtract, and
// add each value once: they are never negative where the values are not, and their error is that of a tree. An
// adjacency that is one box is combined down the rows first, then across in one pass (BoxPool): if it is small, with
// all shifts in registers (rows_window.hpp), else by levels (rows_levels.hpp), or across first (rows_across.hpp).
#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "stages.hpp"

namespace spel {
namespace {

enum Axis { cols, rows, planes };
constexpr int64_t kNarrow = 96;  // with fewer columns, the rows of all channels are pooled as one
constexpr int64_t kDirect = Steps::kDirect;
constexpr int64_t kTall = 6;  // the rows of taller boxes are combined step by step, in rings

struct Piece {
  Node* node;
  int64_t plane, row, phase, shift;
};

struct Box {
  int64_t plane, depth, row, height, phase, shift, length;
};

// Joins neighbours in a sorted list: `follows` says whether b continues a, and `join` adds b to a.
template <class T, class Follows, class Join>
void merge(std::vector<T>& list, Follows follows, Join join) {
  size_t count = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    if (count && follows(list[count - 1], list[i])) join(list[count - 1], list[i]);
    else list[count++] = list[i];
  }
  list.resize(count);
}

// Joins spels to runs of columns, runs to stacks of rows, and stacks over planes.
std::vector<Box> boxes_of(const Window& w) {
  std::vector<Box> boxes;
  for (const Triple& d : w.displacements) {
    const int64_t place = w.start.col + d.col, shift = floor_div(place, w.stride.col);
    boxes.push_back({d.plane, 1, d.row, 1, place - shift * w.stride.col, shift, 1});
  }
  auto sorted_by = [&](auto key) {
    auto less = [&](const Box& a, const Box& b) { return key(a) < key(b); };
    if (!std::is_sorted(boxes.begin(), boxes.end(), less)) std::sort(boxes.begin(), boxes.end(), less);
  };
  sorted_by([](const Box& b) { return std::tuple(b.plane, b.row, b.phase, b.shift); });
  merge(
      boxes,
      [](const Box& a, const Box& b) {
        return std::tie(a.plane, a.row, a.phase) == std::tie(b.plane, b.row, b.phase) && b.shift == a.shift + a.length;
      },
      [](Box& a, const Box&) { ++a.length; });
  sorted_by([](const Box& b) { return std::tuple(b.plane, b.phase, b.shift, b.length, b.row); });
  merge(
      boxes,
      [](const Box& a, const Box& b) {
        return std::tie(a.plane, a.phase, a.shift, a.length) == std::tie(b.plane, b.phase, b.shift, b.length) &&
               b.row == a.row + a.height;
      },
      [](Box& a, const Box&) { ++a.height; });
  sorted_by([](const Box& b) { return std::tuple(b.phase, b.shift, b.length, b.row, b.height, b.plane); });
  merge(
      boxes,
      [](const Box& a, const Box& b) {
        return std::tie(a.phase, a.shift, a.length, a.row, a.height) ==
                   std::tie(b.phase, b.shift, b.length, b.row, b.height) &&
               b.plane == a.plane + a.depth;
      },
      [](Box& a, const Box&) { ++a.depth; });
  return boxes;
}

class Cascade {
 public:
  // `framed`: rows stand in frames and are combined whole, halo included.
  Cascade(Plan& plan, Reduce op, bool framed) : plan(plan), op(op), framed(framed), steps(op) {}

  // Terms (node, offset) whose combination is a window of `length` over `of`.
  std::vector<std::pair<Node*, int64_t>> cover(Node* of, Axis axis, int64_t length) {
    std::vector<std::pair<Node*, int64_t>> terms;
    for (const auto [part, at] : framed ? shared(length) : steps.cover(length))
      terms.push_back({part == 1 ? of : whole(of, axis, part), at});
    return terms;
  }

  // A node whose rows are a window of `length` over `of`.
  Node* whole(Node* of, Axis axis, int64_t length) {
    auto [place, fresh] = wholes.try_emplace({of, axis, length}, nullptr);
    if (!fresh) return place->second;
    auto terms = cover(of, axis, length);
    Node* made = terms.size() == 1 ? terms[0].first : combined(terms, axis, length, of);
    return wholes[{of, axis, length}] = made;
  }

 private:
  // Many runs share windows of 4, 16, 64 ...
  std::vector<Steps::Term> shared(int64_t length) const {
    int64_t size = 1;
    while (length > kDirect && size * 4 < length) size *= 4;
    std::vector<Steps::Term> terms;
    int64_t at = 0;
    for (; at + size <= length; at += size) terms.push_back({size, at});
    if (at == length) return terms;
    if (op != Reduce::sum) return terms.push_back({size, length - size}), terms;
    for (auto [part, offset] : shared(length - at)) terms.push_back({part, at + offset});
    return terms;
  }

  Node* combined(const std::vector<std::pair<Node*, int64_t>>& terms, Axis axis, int64_t length, Node* of) {
    auto* node = plan.add<Combine>(of->channels, of->grid, op);
    node->first = of->first;
    if (axis == rows) node->first.row -= length - 1;
    if (axis == planes) node->first.plane -= length - 1;
    node->whole_frame = framed;
    node->pass_nan = op != Reduce::sum;
    for (auto [from, offset] : terms) {
      from->flat_reader |= framed;
      node->terms.push_back({int(node->reads.size()), 0, axis == cols ? offset : 0});
      node->reads.push_back({from, axis == planes ? offset : 0, axis == rows ? offset : 0});
    }
    return node;
  }

  Plan& plan;
  Reduce op;
  bool framed;
  Steps steps;
  std::map<std::tuple<Node*, Axis, int64_t>, Node*> wholes;
};

float neutral(Reduce op) {
  const float infinity = std::numeric_limits<float>::infinity();
  return op == Reduce::sum ? 0 : op == Reduce::maximum ? -infinity : infinity;
}

// Windows of 2^level columns that together are a window of `length` from column `shift`, the widest from column
// `shift + lead`, and narrower ones before and after these.
BoxPool::Pieces pieces_from(int64_t shift, int64_t lead, int64_t length, Reduce op) {
  BoxPool::Pieces pieces;
  int top = 0;
  while (top < BoxPool::kTop && int64_t(2) << top <= length) ++top;
  const int64_t width = int64_t(1) << top, end = lead + (length - lead) / width * width;
  for (int64_t at = lead; at < end; at += width) pieces.add(top, shift + at);
  if (op != Reduce::sum) {  // these may overlap
    if (lead) pieces.add(top, shift);
    if (end < length) pieces.add(top, shift + length - width);
    return pieces;
  }
  for (auto [from, to] : {std::pair(int64_t(0), lead), std::pair(end, length)})
    for (int level = top; from < to; from += int64_t(1) << level) {
      while (from + (int64_t(1) << level) > to) --level;
      pieces.add(level, shift + from);
    }
  return pieces;
}

// The cheapest choice: vectors at addresses that do not divide a line of the cache are read at half the cost.
BoxPool::Pieces pieces_of(int64_t shift, int64_t length, Reduce op) {
  constexpr int64_t kWidest = int64_t(1) << BoxPool::kTop;
  const auto cost = [](const BoxPool::Pieces& pieces) {
    int64_t sum = 0;
    for (const BoxPool::Piece& piece : pieces.list) sum += piece.shift % kWidest == 0 ? 1 : 2;
    return sum;
  };
  BoxPool::Pieces first = pieces_from(shift, 0, length, op);
  const int64_t lead = floor_div(shift + kWidest - 1, kWidest) * kWidest - shift;
  if (length < lead + kWidest) return first;
  BoxPool::Pieces aligned = pieces_from(shift, lead, length, op);
  return cost(aligned) < cost(first) ? aligned : first;
}

// The windows of `length` columns over the rows that are read.
BoxPool* pool_of(Plan& plan, Node* of, Grid grid, Reduce op, const std::vector<Read>& reads, int64_t shift,
                 int64_t length) {
  auto* node = plan.add<BoxPool>(of->channels, grid, op);
  node->reads = reads;
  node->rows_read = int64_t(reads.size());
  node->cols = of->grid.cols;
  node->shift = shift;
  node->length = length;
  node->in_one_pass = length <= kShortWindow;
  node->pieces = pieces_of(shift, length, op);
  return node;
}

Node* box_pool(Plan& plan, Node* input, const Window& window, const Box& box, Reduce op, bool square) {
  const bool tall = box.height * box.depth > kTall;
  const bool flat = !tall && input->channels > 1 && input->grid.cols < kNarrow;
  Cascade cascade(plan, op, false);
  Node* base = input;
  if (tall && square) base = plan.add<Squares>(input, false);
  if (flat) {
    const BoxPool::Pieces pieces = pieces_of(box.shift, box.length, op);
    base = plan.framed(input, Border::constant, {neutral(op)}, 1, pieces.left, input->grid.cols + pieces.right);
  }
  std::vector<std::pair<Node*, int64_t>> down;
  if (!tall)
    for (int64_t row = 0; row < box.height; ++row) down.push_back({base, row});
  else if (box.depth > 1) down.push_back({cascade.whole(base, rows, box.height), 0});
  else down = cascade.cover(base, rows, box.height);
  std::vector<Read> reads;
  for (auto [of, row] : down)
    for (auto [from, plane] : cascade.cover(of, planes, box.depth))
      reads.push_back({from, box.plane + plane, box.row + row});

  BoxPool* node = pool_of(plan, input, window.out, op, reads, box.shift, box.length);
  node->square = square && !tall;
  node->column_stride = window.stride.col;
  node->flat = flat;
  const bool of_base = std::all_of(reads.begin(), reads.end(), [&](const Read& read) { return read.node == base; });
  if (op != Reduce::sum && !(node->in_one_pass && of_base)) base->scan_nan = true;
  return node;
}

// Short windows that together are one of `length`: no more than kShortWindow, and none if there is no such choice.
struct Shorter {
  int64_t length = 0;
  std::vector<int64_t> offsets;
};
Shorter shorter(int64_t length, Reduce op) {
  Shorter best;
  for (int64_t each = 1; each <= kShortWindow; ++each) {
    const int64_t count = (length + each - 1) / each, cost = each + count;
    const bool twice = op == Reduce::sum && length % each != 0;  // what overlaps would be added twice
    if (count > kShortWindow || twice) continue;
    if (best.length && cost >= best.length + int64_t(best.offsets.size())) continue;
    best = {each, {}};
    for (int64_t i = 0; i < count; ++i) best.offsets.push_back(std::min(i * each, length - each));
  }
  return best;
}

// A box of medium size, of small boxes that are pooled in one pass.
Node* pool_of_small(Plan& plan, Node* input, const Window& window, const Box& box, Reduce op, bool square,
                    const Shorter& down, const Shorter& across) {
  std::vector<Read> reads;
  for (int64_t row = 0; row < down.length; ++row) reads.push_back({input, 0, row});
  const Grid wider{input->grid.planes, input->grid.rows, window.out.cols + across.offsets.back()};
  BoxPool* small = pool_of(plan, input, wider, op, reads, box.shift, across.length);
  small->first.row = 1 - down.length;
  small->square = square;
  small->finds_nan = op != Reduce::sum;
  reads.clear();
  for (int64_t row : down.offsets) reads.push_back({small, box.plane, box.row + row});
  BoxPool* node = pool_of(plan, small, window.out, op, reads, 0, box.length);
  node->in_one_pass = false;
  node->pieces = {};
  for (int64_t column : across.offsets) node->pieces.add(0, column);
  return node;
}

// Windows along the rows first, then down the columns of these.
Node* across_pool(Plan& plan, Node* input, const Window& window, const Box& box, Reduce op, bool square) {
  auto* across = plan.add<Across>(input, op, square, box.shift, window.out.cols);
  across->pass_for(box.length);
  auto* node = plan.add<Combine>(input->channels, window.out, op);
  Cascade cascade(plan, op, false);
  Node* of = across;
  if (box.depth > 1) of = cascade.whole(of, rows, box.height);
  for (auto [down, row] :
       box.depth > 1 ? std::vector<std::pair<Node*, int64_t>>{{of, 0}} : cascade.cover(of, rows, box.height))
    for (auto [from, plane] : cascade.cover(down, planes, box.depth)) {
      node->terms.push_back({int(node->reads.size()), 0, 0});
      node->reads.push_back({from, box.plane + plane, box.row + row});
    }
  return node;
}

Node* cascade_pool(Plan& plan, Node* input, const Window& window, const std::vector<Box>& boxes, Reduce op) {
  int64_t left = 0, right = 0;
  std::map<int64_t, int64_t> uses;  // number of rows with a run of this length
  for (const Box& b : boxes) {
    left = std::max(left, -b.shift);
    right = std::max(right, b.shift + b.length - 1 + window.out.cols);
    uses[b.length] += b.height * b.depth;
  }
  Node* base = plan.framed(input, Border::constant, {neutral(op)}, window.stride.col, left, right);
  if (op != Reduce::sum) base->scan_nan = true;

  Cascade cascade(plan, op, true);
  std::vector<Piece> pieces;
  for (const Box& b : boxes) {
    auto along = cascade.cover(base, cols, b.length);
    const int64_t t = int64_t(along.size());
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
      for (int64_t row = 0; row < b.height; ++row)
        for (auto [node, col] : along) down.push_back({node, {0, b.row + row, col}});
    }
    for (auto [node, at] : down)
      for (auto [from, plane] : cascade.cover(node, planes, b.depth))
        pieces.push_back({from, b.plane + plane, at.row, b.phase, b.shift + at.col});
  }
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Piece& a, const Piece& b) { return std::tie(a.plane, a.row) < std::tie(b.plane, b.row); });
  auto* node = plan.add<Combine>(input->channels, window.out, op);
  std::map<std::tuple<Node*, int64_t, int64_t>, int> read_of;
  for (const Piece& p : pieces) {
    auto [place, fresh] = read_of.try_emplace({p.node, p.plane, p.row}, int(node->reads.size()));
    if (fresh) node->reads.push_back({p.node, p.plane, p.row});
    node->terms.push_back({place->second, p.phase, p.shift});
  }
  return node;
}

}  // namespace

std::vector<Steps::Term> Steps::cover(int64_t length) {
  if (int64_t(steps.size()) <= length) cost_up_to(length);
  const int64_t size = steps[length];
  std::vector<Term> terms;
  int64_t at = 0;
  for (; at + size <= length; at += size) terms.push_back({size, at});
  if (at == length) return terms;
  if (op != Reduce::sum) return terms.push_back({size, length - size}), terms;
  for (auto [part, offset] : cover(length - at)) terms.push_back({part, at + offset});
  return terms;
}

void Steps::cost_up_to(int64_t length) {
  std::vector<int64_t> cost(length + 1);
  steps.assign(length + 1, 1);
  for (int64_t n = 1; n <= length; ++n) {
    cost[n] = n <= kDirect ? n : 4 * n;
    for (int64_t size = 2; size <= std::min(n / 2, int64_t(128)) && n > kDirect; ++size) {
      const int64_t rest = op == Reduce::sum ? std::min(n % size, kDirect) : n % size > 0;
      const int64_t total = cost[size] + 2 + n / size + rest;
      if (total < cost[n]) cost[n] = total, steps[n] = size;
    }
  }
}

int Across::pass_for(int64_t length) {
  for (size_t i = 0; i < passes.size(); ++i)
    if (passes[i].length == length) return int(i);
  Pass pass{length, {}};
  if (length > Steps::kDirect)
    for (auto [part, offset] : Steps(op).cover(length)) pass.terms.push_back({pass_for(part), offset});
  passes.push_back(pass);
  return int(passes.size()) - 1;
}

Node* pool(Plan& plan, Node* input, const Window& window, Reduce op, End end, bool square) {
  const Inside inside(window.displacements, input->grid, window.start, window.stride, window.out.cols);
  if (end == End::empty_is_zero)  // a window with its own centre is never empty
    for (const Triple& d : window.displacements)
      if (!d.plane && !d.row && !d.col) end = End::none;
  auto placed = [&](auto* node) {
    node->start = {window.start.plane, window.start.row, 0};
    node->stride = {window.stride.plane, window.stride.row, 1};
    node->end = end;
    node->inside = inside;
    if (end == End::norm) node->reads.push_back({input, 0, 0});
    return node;
  };
  Window dense = window;
  dense.stride.col = 1;
  std::vector<Box> boxes = boxes_of(dense);
  const bool unstrided = window.stride.col == 1 && window.stride.row == 1 && window.stride.plane == 1;
  if (boxes.size() == 1) {  // the choice does not depend on the size of the image, so a part has the same bits
    const Box& box = boxes[0];
    const bool small = box.length <= kShortWindow && box.height * box.depth <= kTall;
    if (unstrided && !small && !plan.kernels->levels_in_registers) {
      const Shorter down = shorter(box.height, op), across = shorter(box.length, op);
      if (box.depth == 1 && std::min(box.height, box.length) > kShortWindow && down.length && across.length)
        return placed(static_cast<BoxPool*>(pool_of_small(plan, input, window, box, op, square, down, across)));
      return placed(static_cast<Combine*>(across_pool(plan, input, window, box, op, square)));
    }
    if (box.length >= window.stride.col)
      return placed(static_cast<BoxPool*>(box_pool(plan, input, window, box, op, square)));
  }
  if (window.stride.col > 1) boxes = boxes_of(window);
  Node* of = square ? plan.add<Squares>(input, false) : input;
  return placed(static_cast<Combine*>(cascade_pool(plan, of, window, boxes, op)));
}

}  // namespace spel
