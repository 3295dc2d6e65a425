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
// A root is the first run of its component, so labels are in raster order of the components' first spels.
#include "label.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <vector>

namespace spel {
namespace {

struct Run {
  int from, to;
};

struct Shift {  // displacements (plane, row, first..last)
  long plane, row, first, last;
};

// The half of the symmetric closure that points backwards in raster order, as runs of columns.
std::vector<Shift> backward(const std::vector<std::array<long, 3>>& displacements) {
  std::set<std::array<long, 3>> half;
  for (auto d : displacements) {
    if (d > std::array<long, 3>{0, 0, 0}) d = {-d[0], -d[1], -d[2]};
    if (d < std::array<long, 3>{0, 0, 0}) half.insert(d);
  }
  std::vector<Shift> shifts;
  for (const auto& d : half) {
    if (!shifts.empty() && shifts.back().plane == d[0] && shifts.back().row == d[1] && shifts.back().last == d[2] - 1)
      shifts.back().last = d[2];
    else shifts.push_back({d[0], d[1], d[2], d[2]});
  }
  return shifts;
}

// The first foreground spel of a row at or after x. Masks are mostly empty, so eight spels are looked at together.
long next_true(const uint8_t* m, long step, long x, long cols) {
  if (step == 1)
    for (uint64_t eight; x + 8 <= cols; x += 8) {
      std::memcpy(&eight, m + x, 8);
      if (eight) break;
    }
  while (x < cols && !m[x * step]) ++x;
  return x;
}

class Components {
 public:
  Components(const uint8_t* mask, std::array<long, 3> size, const long* stride, std::vector<Shift> shifts)
      : mask(mask), size(size), stride(stride), shifts(std::move(shifts)), line(size[0] * size[1] + 1, 0) {
    for (const Shift& s : this->shifts) joined |= !s.plane && !s.row && s.last == -1;
  }

  // The runs of a row, each a component of its own; the row joins them to earlier ones.
  void add_row(long plane, long row) {
    const long here = plane * size[1] + row;
    const uint8_t* m = mask + plane * stride[0] + row * stride[1];
    line[here] = runs.size();
    for (long x = 0; (x = next_true(m, stride[2], x, size[2])) < size[2];) {
      long end = x + 1;
      while (joined && end < size[2] && m[end * stride[2]]) ++end;
      parent.push_back(int(runs.size()));
      runs.push_back({int(x), int(end)});
      x = end;
    }
    line[here + 1] = runs.size();
  }

  // Joins the runs of a row with those that they touch in the row where a displacement leads.
  void join_row(long plane, long row, const Shift& s) {
    const long here = plane * size[1] + row, p = plane + s.plane, r = row + s.row;
    if (p < 0 || p >= size[0] || r < 0 || r >= size[1]) return;
    size_t other = line[p * size[1] + r];
    const size_t stop = line[p * size[1] + r + 1];
    for (size_t run = line[here]; run < line[here + 1] && other < stop; ++run) {
      const long low = runs[run].from + s.first, high = runs[run].to + s.last;
      while (other < stop && runs[other].to <= low) ++other;
      for (size_t near = other; near < stop && runs[near].from < high; ++near) join(int(run), int(near));
    }
  }

  long count_in_row(long plane, long row) const {
    const long here = plane * size[1] + row;
    return long(line[here + 1] - line[here]);
  }

  // Numbers the roots from 1 and writes the number of each run's component; returns how many there are.
  int32_t paint(int32_t* labels, Pulse& pulse) {
    int32_t count = 0;
    std::vector<int32_t> number(runs.size());
    for (size_t run = 0; run < runs.size(); ++run) {
      const int root = root_of(int(run));
      number[run] = root == int(run) ? ++count : number[root];
      pulse(1);
    }
    for (long here = 0; here < size[0] * size[1]; ++here, labels += size[2]) {
      std::fill(labels, labels + size[2], 0);
      for (size_t run = line[here]; run < line[here + 1]; ++run)
        std::fill(labels + runs[run].from, labels + runs[run].to, number[run]);
      pulse(size[2]);
    }
    return count;
  }

  const uint8_t* mask;
  const std::array<long, 3> size;  // planes, rows, columns
  const long* stride;
  const std::vector<Shift> shifts;

 private:
  int root_of(int run) {
    while (parent[run] != run) run = parent[run] = parent[parent[run]];
    return run;
  }

  void join(int a, int b) {
    a = root_of(a), b = root_of(b);
    if (a < b) parent[b] = a;
    else parent[a] = b;
  }

  bool joined = false;  // the adjacency joins neighbours in a row
  std::vector<Run> runs;
  std::vector<int> parent;   // of each run; a root is its own
  std::vector<size_t> line;  // first run of each row
};

}  // namespace

long label(const uint8_t* mask, long planes, long rows, long cols, const long* stride,
           const std::vector<std::array<long, 3>>& displacements, int32_t* labels, const Poll& poll) {
  Components components(mask, {planes, rows, cols}, stride, backward(displacements));
  Pulse pulse(poll);
  for (long plane = 0; plane < planes; ++plane)
    for (long row = 0; row < rows; ++row) {
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
