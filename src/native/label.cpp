// Connected components of a mask under any adjacency: union-find over runs of foreground.
//
// The idea: a row is a list of runs of foreground spels (of single spels, if the adjacency does not join
// neighbours in a row). Through a run [a, b] of displacements, a run [s, e) touches exactly the runs of the other
// row that intersect [s + a, e + b). Both lists are sorted, so one pass over the two rows joins them.
//
//   for each row, in raster order           collect its runs
//     for each earlier displacement run     walk the runs of both rows, join those that touch
//   number the roots in raster order, then paint the runs
//
// Runs come from 64 bits of the mask at a time, whose changes are found by counting zeros. A root is the first run of
// its component, so labels are in raster order of the components' first spels.
#include "label.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace spel {
namespace {

struct Run {
  int from, to;
};

struct Shift {  // displacements (plane, row, first..last)
  int64_t plane, row, first, last;
};

// The half of the symmetric closure that points backwards in raster order, as runs of columns.
std::vector<Shift> backward(const std::vector<std::array<int64_t, 3>>& displacements) {
  std::set<std::array<int64_t, 3>> half;
  for (auto d : displacements) {
    if (d > std::array<int64_t, 3>{0, 0, 0}) d = {-d[0], -d[1], -d[2]};
    if (d < std::array<int64_t, 3>{0, 0, 0}) half.insert(d);
  }
  std::vector<Shift> shifts;
  for (const auto& d : half) {
    if (!shifts.empty() && shifts.back().plane == d[0] && shifts.back().row == d[1] && shifts.back().last == d[2] - 1)
      shifts.back().last = d[2];
    else shifts.push_back({d[0], d[1], d[2], d[2]});
  }
  return shifts;
}

// Eight bytes of a mask as eight bits, the first byte as the lowest bit.
uint64_t eight_bits(const uint8_t* m) {
  uint64_t bytes;
  std::memcpy(&bytes, m, 8);
  constexpr uint64_t kLow = 0x7f7f7f7f7f7f7f7f;
  const uint64_t ones = (((bytes & kLow) + kLow) | bytes) >> 7 & 0x0101010101010101;
  return ones * 0x0102040810204080 >> 56;
}

// The columns of a row where foreground begins and ends, in turn; returns the end of the list.
int* changes_of(const uint8_t* m, int64_t cols, int* list) {
  uint64_t before = 0;  // the bit of the last column
  for (int64_t x = 0; x < cols; x += 64) {
    uint8_t rest[64] = {};
    const uint8_t* columns = x + 64 <= cols ? m + x : static_cast<uint8_t*>(std::memcpy(rest, m + x, cols - x));
    uint64_t bits = 0;
    for (int i = 0; i < 64; i += 8) bits |= eight_bits(columns + i) << i;
    for (uint64_t changes = bits ^ (bits << 1 | before); changes; changes &= changes - 1)
      *list++ = int(x + std::countr_zero(changes));
    before = bits >> 63;
  }
  if (before) *list++ = int(cols);
  return list;
}

// Writes n equal labels, and up to three more behind them, which the next ones overwrite; returns their place.
int32_t* spread(int32_t* labels, int64_t n, int32_t value) {
  typedef int32_t Four __attribute__((vector_size(16)));
  const Four four = {value, value, value, value};
  for (int64_t i = 0; i < n; i += 4) std::memcpy(labels + i, &four, 16);
  return labels + n;
}

class Components {
 public:
  Components(const uint8_t* mask, std::array<int64_t, 3> size, const int64_t* stride, std::vector<Shift> shifts)
      : mask(mask),
        size(size),
        stride(stride),
        shifts(std::move(shifts)),
        line(size[0] * size[1] + 1, 0),
        changes(size[2] + 1),
        packed(stride[2] == 1 ? 0 : size[2]) {
    runs.reserve(std::min(size[0] * size[1] * size[2] / 4, int64_t(1) << 20));
    parent.reserve(runs.capacity());
    for (const Shift& s : this->shifts) joined |= !s.plane && !s.row && s.last == -1;
  }

  // The runs of a row, each a component of its own; the row joins them to earlier ones.
  void add_row(int64_t plane, int64_t row) {
    const int64_t here = plane * size[1] + row;
    const int* const end = changes_of(packed_row(plane, row), size[2], changes.data());
    for (const int* change = changes.data(); change < end; change += 2)
      if (joined) runs.push_back({change[0], change[1]});
      else
        for (int x = change[0]; x < change[1]; ++x) runs.push_back({x, x + 1});
    for (size_t run = parent.size(); run < runs.size(); ++run) parent.push_back(int(run));
    if (runs.size() > size_t(std::numeric_limits<int>::max())) throw std::overflow_error("more than 2^31 - 1 runs");
    line[here + 1] = runs.size();
  }

  // Joins the runs of a row with those that they touch in the row where a displacement leads.
  void join_row(int64_t plane, int64_t row, const Shift& s) {
    const int64_t here = plane * size[1] + row, p = plane + s.plane, r = row + s.row;
    if (p < 0 || p >= size[0] || r < 0 || r >= size[1]) return;
    int64_t other = int64_t(line[p * size[1] + r]), run = int64_t(line[here]);
    const int64_t other_end = int64_t(line[p * size[1] + r + 1]), run_end = int64_t(line[here + 1]);
    for (; run < run_end; ++run) {
      const int64_t low = runs[run].from + s.first, high = runs[run].to + s.last;
      while (other < other_end && runs[other].to <= low) ++other;
      for (int64_t near = other; near < other_end && runs[near].from < high; ++near) join(int(run), int(near));
    }
  }

  int64_t count_in_row(int64_t plane, int64_t row) const {
    const int64_t here = plane * size[1] + row;
    return int64_t(line[here + 1] - line[here]);
  }

  // Numbers the roots from 1 and writes the number of each run's component; returns how many there are.
  int32_t paint(int32_t* labels, Pulse& pulse) {
    int32_t count = 0;
    for (size_t run = 0; run < runs.size(); ++run)  // a parent stands before its children and has its number already
      parent[run] = parent[run] == int(run) ? ++count : parent[parent[run]];
    pulse(int64_t(runs.size()));
    const int32_t* const end = labels + size[0] * size[1] * size[2];
    for (int64_t here = 0; here < size[0] * size[1]; ++here, labels += size[2]) {
      if (end - labels >= size[2] + 3) paint_row(here, labels);
      else paint_last_row(here, labels);
      pulse(size[2]);
    }
    return count;
  }

  const uint8_t* mask;
  const std::array<int64_t, 3> size;  // planes, rows, columns
  const int64_t* stride;
  const std::vector<Shift> shifts;

 private:
  // A row of the mask with its bytes side by side.
  const uint8_t* packed_row(int64_t plane, int64_t row) {
    const uint8_t* m = mask + plane * stride[0] + row * stride[1];
    if (stride[2] == 1) return m;
    for (int64_t x = 0; x < size[2]; ++x) packed[x] = m[x * stride[2]];
    return packed.data();
  }

  void paint_row(int64_t here, int32_t* labels) const {
    int32_t *next = labels, *const end = labels + size[2];
    for (size_t run = line[here]; run < line[here + 1]; ++run) {
      next = spread(next, labels + runs[run].from - next, 0);
      next = spread(next, runs[run].to - runs[run].from, parent[run]);
    }
    spread(next, end - next, 0);
  }

  // Behind the last row there is no room for what `spread` writes too much.
  void paint_last_row(int64_t here, int32_t* labels) const {
    std::fill(labels, labels + size[2], 0);
    for (size_t run = line[here]; run < line[here + 1]; ++run)
      std::fill(labels + runs[run].from, labels + runs[run].to, parent[run]);
  }

  // Rem's union with splicing: climbs from both runs together, and each step shortens the way to the root.
  void join(int a, int b) {
    while (parent[a] != parent[b]) {
      if (parent[a] < parent[b]) std::swap(a, b);
      const int above = parent[a];
      parent[a] = parent[b];
      if (above == a) return;
      a = above;
    }
  }

  bool joined = false;  // the adjacency joins neighbours in a row
  std::vector<Run> runs;
  std::vector<int> parent;   // of each run; a root is its own
  std::vector<size_t> line;  // first run of each row
  std::vector<int> changes;
  std::vector<uint8_t> packed;
};

}  // namespace

int64_t label(const uint8_t* mask, int64_t planes, int64_t rows, int64_t cols, const int64_t* stride,
              const std::vector<std::array<int64_t, 3>>& displacements, int32_t* labels, const Poll& poll) {
  Components components(mask, {planes, rows, cols}, stride, backward(displacements));
  Pulse pulse(poll);
  for (int64_t plane = 0; plane < planes; ++plane)
    for (int64_t row = 0; row < rows; ++row) {
      components.add_row(plane, row);
      pulse(cols);
      for (const Shift& shift : components.shifts) {
        components.join_row(plane, row, shift);
        pulse(components.count_in_row(plane, row));
      }
    }
  return components.paint(labels, pulse);
}

}  // namespace spel
