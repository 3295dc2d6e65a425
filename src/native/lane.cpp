// Lanes: the rings of one thread, in which rows are fetched, made and framed, and from which they are written.
#include <algorithm>
#include <chrono>

#include "graph.hpp"

namespace spel {

Lane::Lane(const Plan& plan, const std::vector<Image>& images, const std::vector<Image>& outs, bool timed, Stop& stop,
           bool asks)
    : plan(plan), images(images), outs(outs), timed(timed), states(plan.nodes.size()), stop(stop), asks(asks) {
  constexpr double kCache = 16e6;
  double bytes = 0;
  for (const Image& out : outs) {
    const double each = out.type == Type::u8 ? 1 : 4;
    bytes += each * out.shape[0] * out.shape[1] * out.shape[2] * out.shape[3] * out.shape[4];
  }
  large = bytes > kCache;
  arena.reset(new float[plan.ring_floats + 64]());
  float* next = cache_line(arena.get());
  for (auto& owned : plan.nodes) {
    const Node& n = *owned;
    State& s = states[n.id];
    s.in.resize(n.reads.size());
    s.direct = n.direct(images);
    if (!n.ringed) continue;
    s.ring = next;
    next += size_t(n.row_floats) * n.capacity;
    s.tags.assign(n.capacity, -1);
    s.nan.assign(n.capacity, 0);
  }
}

void Lane::steps(int64_t n, int64_t from, int64_t to) {
  if (n != batch) {
    for (State& s : states) std::fill(s.tags.begin(), s.tags.end(), -1);
    batch = n;
  }
  check();
  for (int64_t step = from; step < to; ++step) {
    for (size_t i = 0; i < outs.size(); ++i) {
      int64_t a, b;
      for (lines_of_step(plan.outputs[i], plan.steps, step, a, b); a < b; ++a) output_row(i, a);
    }
  }
}

// key % capacity, computed from the last slot if that is near.
int64_t Lane::slot_of(const Node& node, State& s, int64_t key) const {
  const int64_t step = key - s.last_key;
  int64_t slot = s.last_slot + step;
  if (step > node.capacity || step < -node.capacity) slot = key % node.capacity;
  else if (slot >= node.capacity) slot -= node.capacity;
  else if (slot < 0) slot += node.capacity;
  if (slot == node.capacity) slot = 0;
  s.last_key = key;
  return s.last_slot = slot;
}

// Finds a row in its ring, after making it if it is not there. `found` is filled field by field, for speed.
void Lane::row(const Node& node, int64_t plane, int64_t row, Row& found) {
  State& s = states[node.id];
  const float* there = s.direct ? reinterpret_cast<const float*>(s.direct->at(batch, 0, plane, row)) : nullptr;
  found.tag = nullptr;
  found.nan = false;
  if (there && !node.scan_nan) {
    found.p = there;
    found.pitch = s.direct->stride[1] / 4;
    return;
  }
  const int64_t key = node.key(plane, row), slot = slot_of(node, s, key);
  if (there) {  // the ring only remembers whether the row holds NaN
    if (s.tags[slot] != key) {
      s.nan[slot] = holds_nan(node, there, s.direct->stride[1] / 4);
      s.tags[slot] = key;
    }
    found.p = there;
    found.pitch = s.direct->stride[1] / 4;
    found.nan = s.nan[slot] != 0;
    return;
  }
  float* p = s.ring + slot * node.row_floats + node.origin;
  if (s.tags[slot] != key) {
    make(node, plane, row, p, node.frame.pitch);
    if (!node.whole_frame) fill_frame(node, p);
    bool nan = node.finds_nan ? s.made_nan : node.scan_nan && holds_nan(node, p, node.frame.pitch);
    if (node.pass_nan)
      for (const Row& in : s.in) nan |= in.p && in.nan;
    s.nan[slot] = nan;
    s.tags[slot] = key;
  }
  found.p = p;
  found.pitch = node.frame.pitch;
  found.nan = s.nan[slot] != 0;
  found.tag = &s.tags[slot];
  found.key = key;
}

bool Lane::holds_nan(const Node& node, const float* p, int64_t pitch) const {
  const Frame& f = node.frame;
  for (int64_t phase = 0; phase < f.phases; ++phase) {
    const int64_t count = f.columns(node.grid.cols, phase);
    for (int64_t c = 0; c < node.channels; ++c)
      if (plan.kernels->has_nan(p + c * pitch + phase * f.phase_pitch, count)) return true;
  }
  return false;
}

void Lane::make(const Node& node, int64_t plane, int64_t row, float* dst, int64_t pitch) {
  State& s = states[node.id];
  auto fetch = [&](int i) {
    int64_t p, r;
    if (locate(node, node.reads[i], plane, row, p, r)) {
      this->row(*node.reads[i].node, p, r, s.in[i]);
    } else {
      s.in[i].p = nullptr;
      s.in[i].tag = nullptr;
    }
  };
  for (int i : node.order) fetch(i);
  // Where a band starts in the middle of an image, fetching one row may overwrite another: fetch that again.
  auto lost = [&] {
    bool any = false;
    for (const Row& r : s.in) any |= r.lost();
    return any;
  };
  for (int tries = 0; lost(); ++tries) {
    if (tries == 16) throw std::logic_error("spel engine: a ring is too small; please report this network");
    for (int i : node.order)
      if (s.in[i].lost()) fetch(i);
  }
  constexpr double kUnchecked = 10e6;
  if ((unchecked += node.row_work) > kUnchecked) {
    unchecked = 0;
    check();
  }
  if (!timed) return node.make(*this, plane, row, s.in.data(), dst, pitch);
  const auto begin = std::chrono::steady_clock::now();
  node.make(*this, plane, row, s.in.data(), dst, pitch);
  s.nanoseconds += std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count();
}

void Lane::fill_frame(const Node& node, float* p) const {
  const Frame& f = node.frame;
  if (f.fill.empty() && (f.border == Border::constant || f.border == Border::outside)) return;
  for (int64_t phase = 0; phase < f.phases; ++phase) {
    const int64_t count = f.columns(node.grid.cols, phase);
    for (int64_t c = 0; c < node.channels; ++c) {
      float* base = p + c * f.pitch;
      float* row = base + phase * f.phase_pitch;
      if (f.border == Border::constant) {
        const float value = f.fill[f.fill.size() == 1 ? 0 : c];
        for (int64_t m = -f.left; m < 0; ++m) row[m] = value;
        for (int64_t m = count; m < f.right; ++m) row[m] = value;
        continue;
      }
      auto fill = [&](int64_t m) {
        const int64_t from = bounced(phase + f.phases * m, node.grid.cols, f.border);
        row[m] = base[from % f.phases * f.phase_pitch + from / f.phases];
      };
      for (int64_t m = -f.left; m < 0; ++m) fill(m);
      for (int64_t m = count; m < f.right; ++m) fill(m);
    }
  }
}

// Makes a row of an output in its place. It is made in a ring or in scratch memory first, and then copied or
// rounded, if other nodes read it, if its columns are strided or bytes, or if the outputs together are too large for a
// cache.
void Lane::output_row(size_t index, int64_t line) {
  const Node& node = *plan.outputs[index].node;
  const Image& out = outs[index];
  const int64_t plane = line / node.grid.rows, row = line % node.grid.rows;
  char* to = out.at(batch, 0, plane, row);
  const bool bytes = out.type == Type::u8;
  const bool plain = !bytes && out.stride[4] == 4 && out.stride[1] % 4 == 0;
  if (!node.ringed && plain && !large) return make(node, plane, row, reinterpret_cast<float*>(to), out.stride[1] / 4);
  Row made;
  if (node.ringed) {
    this->row(node, plane, row, made);
  } else {
    made.pitch = round_up(node.grid.cols, 16);
    spare.resize(std::max(spare.size(), size_t(node.channels * made.pitch) + 16));
    float* p = cache_line(spare.data());
    make(node, plane, row, p, made.pitch);
    made.p = p;
  }
  for (int64_t c = 0; c < node.channels; ++c, to += out.stride[1]) {
    const float* from = made.p + c * made.pitch;
    if (bytes) {
      plan.kernels->to_bytes(from, reinterpret_cast<uint8_t*>(to), out.stride[4], node.grid.cols);
    } else if (plain && large) {
      plan.kernels->write_through(from, reinterpret_cast<float*>(to), node.grid.cols);
    } else {
      for (int64_t x = 0; x < node.grid.cols; ++x) __builtin_memcpy(to + x * out.stride[4], from + x, 4);
    }
  }
}

}  // namespace spel
