// Plans: frames, sizes of rings, and bands of work over threads.
#include "graph.hpp"

#include <algorithm>
#include <mutex>
#include <thread>

#include "stages.hpp"
#include "team.hpp"

namespace spel {

int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

int64_t bounced(int64_t place, int64_t size, Border border) {
  if (border == Border::edge || size == 1) return std::clamp(place, int64_t(0), size - 1);
  if (border == Border::wrap) return place - floor_div(place, size) * size;
  const int64_t again = border == Border::symmetric;  // whether the mirror repeats the edge
  const int64_t period = 2 * (size - 1 + again);
  const int64_t folded = place - floor_div(place, period) * period;
  return folded < size ? folded : period - again - folded;
}

Node* Plan::framed(Node* node, Border border, const std::vector<float>& fill, int64_t phases, int64_t left,
                   int64_t right) {
  auto serves = [&](const Frame& f) { return f.set && f.border == border && f.fill == fill && f.phases == phases; };
  auto widen = [&](Node* found) {
    found->frame.left = std::max(found->frame.left, left);
    found->frame.right = std::max(found->frame.right, right);
    return found;
  };
  if (serves(node->frame)) return widen(node);
  // A row that other nodes read as it is may get columns around it, but must not be split into phases.
  if (!node->frame.set && phases == 1 && !node->whole_frame) {
    node->frame = {true, border, fill, phases, left, right, 0, 0};
    return node;
  }
  const auto* source = dynamic_cast<Source*>(node);
  for (auto& other : nodes) {  // does a reader of this kind have its own copy already?
    const auto* copy = dynamic_cast<Copy*>(other.get());
    const auto* again = dynamic_cast<Source*>(other.get());
    const bool same = (copy && copy->reads[0].node == node) || (source && again && again->index == source->index);
    if (same && serves(other->frame)) return widen(other.get());
  }
  Node* own = source ? static_cast<Node*>(add<Source>(source->channels, source->grid, source->index))
                     : static_cast<Node*>(add<Copy>(node));
  own->frame = {true, border, fill, phases, left, right, 0, 0};
  return own;
}

bool locate(const Node& reader, const Read& read, int64_t plane, int64_t row, int64_t& p, int64_t& r) {
  const auto shrunk = [](int64_t n, int64_t by) {
    return by == 1 ? n : n / by;
  };  // a division takes longer than the rest
  p = reader.start.plane + shrunk(plane * reader.stride.plane, reader.shrink.plane) + read.plane;
  r = reader.start.row + shrunk(row * reader.stride.row, reader.shrink.row) + read.row;
  const Node& node = *read.node;
  const bool inside = p >= node.first.plane && p < node.grid.planes && r >= node.first.row && r < node.grid.rows;
  if (inside) return true;
  if (reader.outside == Border::outside || reader.outside == Border::constant) return false;
  p = bounced(p, node.grid.planes, reader.outside);
  r = bounced(r, node.grid.rows, reader.outside);
  return true;
}

void lines_of_step(const Output& out, int64_t steps, int64_t step, int64_t& from, int64_t& to) {
  const int64_t rows = out.rows();
  from = rows == steps ? step : step * rows / steps;
  to = rows == steps ? step + 1 : (step + 1) * rows / steps;
}

// Walks through the order of work without computing. A ring must reach from the newest row that was made back to
// the oldest one that is read.
void Plan::capacities(int64_t from, int64_t to) {
  std::vector<int64_t> newest(nodes.size(), -1);
  std::vector<std::vector<bool>> made(nodes.size());
  auto fresh = [&](const Node& node, int64_t key) {
    newest[node.id] = std::max(newest[node.id], key);
    std::vector<bool>& rows = made[node.id];
    if (key >= int64_t(rows.size())) rows.resize(std::max(key + 1, 2 * int64_t(rows.size())));
    if (rows[key]) return false;
    rows[key] = true;
    return true;
  };
  auto visit = [&](auto&& self, Node& node, int64_t plane, int64_t row) -> void {
    int64_t p, r;
    for (int i : node.order) {
      const Read& read = node.reads[i];
      if (!locate(node, read, plane, row, p, r)) continue;
      if (fresh(*read.node, read.node->key(p, r))) self(self, *read.node, p, r);
    }
    for (const Read& read : node.reads)
      if (locate(node, read, plane, row, p, r))
        read.node->capacity = std::max(read.node->capacity, newest[read.node->id] - read.node->key(p, r) + 1);
  };
  for (int64_t step = from; step < to; ++step)
    for (Output& out : outputs) {
      int64_t a, b;
      for (lines_of_step(out, steps, step, a, b); a < b; ++a) {
        const int64_t plane = a / out.node->grid.rows, row = a % out.node->grid.rows;
        if (out.node->ringed) {
          const int64_t key = out.node->key(plane, row);
          if (fresh(*out.node, key)) visit(visit, *out.node, plane, row);
          out.node->capacity = std::max(out.node->capacity, newest[out.node->id] - key + 1);
        } else {
          visit(visit, *out.node, plane, row);
        }
      }
    }
}

// An activation becomes part of the convolution before it, if no other node reads that convolution; likewise a
// residue after a division by a norm.
void Plan::fuse() {
  auto shared = [&](Node* node) {
    int64_t readers = 0;
    for (auto& other : nodes)
      for (Read& read : other->reads) readers += read.node == node;
    return readers != 1 || std::any_of(outputs.begin(), outputs.end(), [&](Output& out) { return out.node == node; });
  };
  auto becomes_part = [&](Node* behind, Node* of) {
    of->frame = behind->frame;
    of->scan_nan = behind->scan_nan;
    of->flat_reader = behind->flat_reader;
    for (auto& node : nodes)
      for (Read& read : node->reads)
        if (read.node == behind) read.node = of;
    for (Output& out : outputs)
      if (out.node == behind) out.node = of;
    behind->reads.clear();
    behind->fused = true;
  };
  for (auto& owned : nodes) {
    if (auto* act = dynamic_cast<Activate*>(owned.get())) {
      auto* conv = dynamic_cast<Convolve*>(act->reads[0].node);
      if (!conv || conv->phi != Phi::identity || shared(conv)) continue;
      conv->phi = act->phi;
      conv->parameter = act->parameter;
      becomes_part(act, conv);
    } else if (auto* rest = dynamic_cast<Residue*>(owned.get())) {
      Node* norm = rest->reads[1].node;
      auto* sums = dynamic_cast<Combine*>(norm);
      auto* box = dynamic_cast<BoxPool*>(norm);
      End* end = sums ? &sums->end : box ? &box->end : nullptr;
      if (!end || *end != End::norm || shared(norm) || norm->reads.back().node != rest->reads[0].node) continue;
      *end = End::norm_residue;
      becomes_part(rest, norm);
    }
  }
}

void Plan::finish() {
  fuse();
  for (auto& owned : nodes) {
    Node& n = *owned;
    for (Read& read : n.reads) read.node->ringed = true;
    n.order.resize(n.reads.size());
    for (size_t i = 0; i < n.reads.size(); ++i) {
      n.order[i] = int(i);
      n.depth = std::max(n.depth, n.reads[i].node->depth + 1);
    }
    std::stable_sort(n.order.begin(), n.order.end(),
                     [&](int a, int b) { return n.reads[a].node->depth > n.reads[b].node->depth; });
  }
  int64_t reach = 64, larger = 1;
  for (auto& node : nodes) {
    int64_t low = 0, high = 0;
    for (Read& read : node->reads) {
      const int64_t rows = read.node->grid.rows - read.node->first.row;
      const int64_t key = read.plane * rows + read.row;
      low = std::min(low, key), high = std::max(high, key);
    }
    reach += 3 * (high - low + 1) * std::max(int64_t(1), node->stride.row);
    larger = std::min(larger * node->shrink.row, int64_t(4096));
  }
  reach *= larger;
  for (auto& out : outputs) steps = std::max(steps, out.rows());
  if (steps > 2 * reach) {
    capacities(0, reach);
    capacities(steps - reach, steps);
  } else {
    capacities(0, steps);
  }
  for (auto& owned : nodes) {
    Node& n = *owned;
    Frame& f = n.frame;
    if (n.whole_frame) {
      f = n.reads[0].node->frame;
      f.set = false;
    }
    n.origin = round_up(f.left, 16);
    const int64_t columns = (n.grid.cols + f.phases - 1) / f.phases;
    f.phase_pitch = round_up(f.left + std::max(columns, f.right), 16);  // left columns lie in the row before
    f.pitch = f.phases * f.phase_pitch;
    n.row_floats = n.origin + n.channels * f.pitch + 16;
    n.capacity = std::max(int64_t(1), n.capacity);
    if (n.ringed) ring_floats += size_t(n.row_floats) * n.capacity;
    n.row_work = n.work_per_row();
    work += n.row_work * n.grid.planes * n.grid.rows;
  }
}

void Plan::run(const std::vector<Image>& images, const std::vector<Image>& outs, int64_t from, int64_t to, int threads,
               std::vector<int64_t>* nanoseconds, const Poll& poll) const {
  const int64_t count = to - from, total = images[0].shape[0] * count;
  if (total <= 0) return;
  constexpr double kWorthAThread = 120e3;
  const double most = work * double(total) / double(steps) / kWorthAThread;
  const int64_t bands = std::clamp(std::min<int64_t>(threads, int64_t(std::min(most, 1e6))), int64_t(1), total);
  Stop stop(poll);
  std::mutex adding;
  const auto caller = std::this_thread::get_id();
  const auto band = [&](int64_t index) {
    Lane lane(*this, images, outs, nanoseconds != nullptr, stop, std::this_thread::get_id() == caller);
    for (int64_t at = index * total / bands, end = (index + 1) * total / bands; at < end;) {
      const int64_t n = at / count, first = at % count, last = std::min(count, first + end - at);
      lane.steps(n, from + first, from + last);
      at += last - first;
    }
    if (nanoseconds) {
      std::lock_guard<std::mutex> hold(adding);
      nanoseconds->resize(nodes.size());
      for (size_t i = 0; i < nodes.size(); ++i) (*nanoseconds)[i] += lane.states[i].nanoseconds;
    }
  };
  in_parts(bands, band, [&] { stop.ask(); });
  if (stop.is_set()) throw Interrupted();
}

std::pair<int64_t, int64_t> Plan::rows_read(int source, int64_t from, int64_t to) const {
  std::pair<int64_t, int64_t> range{1, 0};
  std::vector<std::vector<bool>> visited(nodes.size());
  auto visit = [&](auto&& self, const Node& node, int64_t plane, int64_t row) -> void {
    std::vector<bool>& rows = visited[node.id];
    const size_t key = size_t(node.key(plane, row));
    if (key < rows.size() && rows[key]) return;
    if (key >= rows.size()) rows.resize(key + 1);
    rows[key] = true;
    if (const auto* image = dynamic_cast<const Source*>(&node); image && image->index == source) {
      range = range.first > range.second ? std::pair{row, row}
                                         : std::pair{std::min(range.first, row), std::max(range.second, row)};
    }
    int64_t p, r;
    for (const Read& read : node.reads)
      if (locate(node, read, plane, row, p, r)) self(self, *read.node, p, r);
  };
  for (const Output& out : outputs)
    for (int64_t line = from * out.rows() / steps; line < to * out.rows() / steps; ++line)
      visit(visit, *out.node, line / out.node->grid.rows, line % out.node->grid.rows);
  return range;
}

}  // namespace spel
