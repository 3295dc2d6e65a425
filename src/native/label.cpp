// Connected components of a mask under any adjacency: union-find over runs.
//
// The idea: a row is a list of runs of foreground spels (single spels, if the adjacency does not join
// neighbours in a row). A run [s, e) and a displacement run [a, b] meet exactly the runs of the other
// row that intersect [s + a, e + b); both lists are sorted, so one pass over two rows joins them.
//
//   for each row, in raster order           collect its runs
//     for each earlier displacement run     walk the runs of both rows, join those that meet
//   number the roots in raster order, then paint
//
// A root is the first run of its component, so labels come out in raster order of first spels.
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

// The first foreground spel of a row at or after x; masks are mostly empty, so eight at a time.
long next_true(const uint8_t* m, long step, long x, long cols) {
  if (step == 1)
    for (uint64_t eight; x + 8 <= cols; x += 8) {
      std::memcpy(&eight, m + x, 8);
      if (eight) break;
    }
  while (x < cols && !m[x * step]) ++x;
  return x;
}

int root_of(std::vector<int>& parent, int run) {
  while (parent[run] != run) run = parent[run] = parent[parent[run]];
  return run;
}

void join(std::vector<int>& parent, int a, int b) {
  a = root_of(parent, a), b = root_of(parent, b);
  if (a < b) parent[b] = a;
  else parent[a] = b;
}

}  // namespace

long label(const uint8_t* mask, long planes, long rows, long cols, const long* stride,
           const std::vector<std::array<long, 3>>& displacements, int32_t* labels) {
  std::vector<Shift> shifts = backward(displacements);
  const bool joined =
      std::any_of(shifts.begin(), shifts.end(), [](const Shift& s) { return !s.plane && !s.row && s.last == -1; });
  std::vector<Run> runs;
  std::vector<int> parent;
  std::vector<size_t> line(planes * rows + 1, 0);  // first run of each row
  for (long d = 0; d < planes; ++d)
    for (long h = 0; h < rows; ++h) {
      const long here = d * rows + h;
      const uint8_t* m = mask + d * stride[0] + h * stride[1];
      line[here] = runs.size();
      for (long x = 0; (x = next_true(m, stride[2], x, cols)) < cols;) {
        long end = x + 1;
        while (joined && end < cols && m[end * stride[2]]) ++end;
        parent.push_back(int(runs.size()));
        runs.push_back({int(x), int(end)});
        x = end;
      }
      line[here + 1] = runs.size();
      for (const Shift& s : shifts) {
        const long p = d + s.plane, r = h + s.row;
        if (p < 0 || p >= planes || r < 0 || r >= rows) continue;
        size_t other = line[p * rows + r];
        const size_t stop = line[p * rows + r + 1];
        for (size_t run = line[here]; run < line[here + 1] && other < stop; ++run) {
          const long low = runs[run].from + s.first, high = runs[run].to + s.last;
          while (other < stop && runs[other].to <= low) ++other;
          for (size_t near = other; near < stop && runs[near].from < high; ++near) join(parent, int(run), int(near));
        }
      }
    }
  int32_t count = 0;
  std::vector<int32_t> number(runs.size());
  for (size_t run = 0; run < runs.size(); ++run) {
    const int root = root_of(parent, int(run));
    number[run] = root == int(run) ? ++count : number[root];
  }
  std::fill(labels, labels + planes * rows * cols, 0);
  for (long here = 0; here < planes * rows; ++here)
    for (size_t run = line[here]; run < line[here + 1]; ++run)
      std::fill(labels + here * cols + runs[run].from, labels + here * cols + runs[run].to, number[run]);
  return count;
}

}  // namespace spel
