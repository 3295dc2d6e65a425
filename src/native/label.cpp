// Connected components of a mask under any adjacency: union-find over runs of foreground.
//
// The idea: a row is a list of runs of foreground spels (of single spels, if the adjacency does not join
// neighbours in a row). Through a run [a, b] of displacements, a run [s, e) touches exactly the runs of the other
// row that intersect [s + a, e + b). Both lists are sorted, so one pass over the two rows joins them.
//
//   for each band of rows, in a thread of its own
//     for each row, in raster order           collect its runs
//       for each earlier displacement run     walk the runs of both rows, join those that touch
//   the runs of all bands in one list; join those that touch an earlier band
//   number the roots in raster order
//   for each band, in a thread of its own     paint the runs
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

#include "team.hpp"

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

// Runs of foreground, and how they are joined.
struct Runs {
  std::vector<Run> list;
  std::vector<int> parent;  // of each run; a root is its own

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

  // Joins the runs [run, end) of a row with those of [other, other_end) that they touch.
  void join_rows(int64_t run, int64_t end, int64_t other, int64_t other_end, const Shift& s) {
    for (; run < end; ++run) {
      const int64_t low = list[run].from + s.first, high = list[run].to + s.last;
      while (other < other_end && list[other].to <= low) ++other;
      for (int64_t near = other; near < other_end && list[near].from < high; ++near) join(int(run), int(near));
    }
  }
};

// Writes n equal labels, and up to three more behind them, which the next ones overwrite; returns their place.
int32_t* spread(int32_t* labels, int64_t n, int32_t value) {
  typedef int32_t Four __attribute__((vector_size(16)));
  const Four four = {value, value, value, value};
  for (int64_t i = 0; i < n; i += 4) std::memcpy(labels + i, &four, 16);
  return labels + n;
}

class Components {
 public:
  Components(const uint8_t* mask, std::array<int64_t, 3> size, const int64_t* stride, std::vector<Shift> shifts,
             int64_t bands, const Poll& poll)
      : mask(mask),
        size(size),
        stride(stride),
        shifts(std::move(shifts)),
        lines(size[0] * size[1]),
        bands(std::clamp(bands, int64_t(1), std::max(lines, int64_t(1)))),
        line(lines + 1, 0),
        poll(poll) {
    for (const Shift& s : this->shifts) joined |= !s.plane && !s.row && s.last == -1;
  }

  // Writes the labels; returns how many there are.
  int32_t label(int32_t* labels) {
    std::vector<Runs> of_band(bands);
    in_bands(bands, poll, [&](int64_t band, Pulse& pulse) { collect(band, of_band[band], pulse); });
    gather(of_band);
    Pulse pulse(poll);
    for (int64_t band = 1; band < bands; ++band) join_to_earlier(first_line(band), first_line(band + 1), pulse);
    const int32_t count = number();
    in_bands(bands, poll, [&](int64_t band, Pulse& pulse) { paint(band, labels, pulse); });
    return count;
  }

 private:
  int64_t first_line(int64_t band) const { return band * lines / bands; }

  // The runs of the rows of a band, each joined to those that it touches in earlier rows of the band.
  void collect(int64_t band, Runs& runs, Pulse& pulse) {
    std::vector<int> changes(size[2] + 1);
    std::vector<uint8_t> packed(stride[2] == 1 ? 0 : size[2]);
    const int64_t first = first_line(band), last = first_line(band + 1);
    runs.list.reserve(std::min((last - first) * size[2] / 4, int64_t(1) << 20));
    runs.parent.reserve(runs.list.capacity());
    for (int64_t here = first; here < last; ++here) {
      const int* const end = changes_of(row_of(here, packed), size[2], changes.data());
      for (const int* change = changes.data(); change < end; change += 2)
        if (joined) runs.list.push_back({change[0], change[1]});
        else
          for (int x = change[0]; x < change[1]; ++x) runs.list.push_back({x, x + 1});
      const int64_t before = int64_t(runs.parent.size()), now = int64_t(runs.list.size());
      if (now > std::numeric_limits<int>::max()) throw std::overflow_error("more than 2^31 - 1 runs");
      for (int64_t run = before; run < now; ++run) runs.parent.push_back(int(run));
      line[here + 1] = now;
      pulse(size[2]);
      for (const Shift& s : shifts) {
        const int64_t other = line_from(here, s);
        if (other < first) continue;
        runs.join_rows(before, now, other == first ? 0 : line[other], line[other + 1], s);
        pulse(now - before);
      }
    }
  }

  // The line to which a displacement leads, or -1 outside the mask.
  int64_t line_from(int64_t here, const Shift& s) const {
    const int64_t p = here / size[1] + s.plane, r = here % size[1] + s.row;
    return p < 0 || p >= size[0] || r < 0 || r >= size[1] ? -1 : p * size[1] + r;
  }

  // A row of the mask with its bytes side by side.
  const uint8_t* row_of(int64_t here, std::vector<uint8_t>& packed) const {
    const uint8_t* m = mask + here / size[1] * stride[0] + here % size[1] * stride[1];
    if (stride[2] == 1) return m;
    for (int64_t x = 0; x < size[2]; ++x) packed[x] = m[x * stride[2]];
    return packed.data();
  }

  // The runs of all bands in one list.
  void gather(std::vector<Runs>& of_band) {
    all = std::move(of_band[0]);
    for (int64_t band = 1; band < bands; ++band) {
      const Runs& runs = of_band[band];
      const int64_t base = int64_t(all.list.size());
      if (base + int64_t(runs.list.size()) > std::numeric_limits<int>::max())
        throw std::overflow_error("more than 2^31 - 1 runs");
      all.list.insert(all.list.end(), runs.list.begin(), runs.list.end());
      for (int parent : runs.parent) all.parent.push_back(int(base + parent));
      for (int64_t here = first_line(band); here < first_line(band + 1); ++here) line[here + 1] += base;
    }
  }

  void join_to_earlier(int64_t first, int64_t last, Pulse& pulse) {
    for (int64_t here = first; here < last; ++here)
      for (const Shift& s : shifts) {
        const int64_t other = line_from(here, s);
        if (other < 0 || other >= first) continue;
        all.join_rows(line[here], line[here + 1], line[other], line[other + 1], s);
        pulse(line[here + 1] - line[here]);
      }
  }

  // Numbers the roots from 1, and gives each run the number of its root; returns how many there are.
  int32_t number() {
    int32_t count = 0;
    for (size_t run = 0; run < all.list.size(); ++run)  // a parent stands before its children and has its number
      all.parent[run] = all.parent[run] == int(run) ? ++count : all.parent[all.parent[run]];
    return count;
  }

  void paint(int64_t band, int32_t* labels, Pulse& pulse) const {
    const int64_t last = first_line(band + 1) - 1;
    for (int64_t here = first_line(band); here <= last; ++here) {
      const int64_t left = (last - here) * size[2];  // labels of the band behind this row
      if (left >= 3) paint_row(here, labels + here * size[2]);
      else paint_last_row(here, labels + here * size[2]);
      pulse(size[2]);
    }
  }

  void paint_row(int64_t here, int32_t* labels) const {
    int32_t *next = labels, *const end = labels + size[2];
    for (int64_t run = line[here]; run < line[here + 1]; ++run) {
      next = spread(next, labels + all.list[run].from - next, 0);
      next = spread(next, all.list[run].to - all.list[run].from, all.parent[run]);
    }
    spread(next, end - next, 0);
  }

  // Behind the last row there is no room for what `spread` writes too much.
  void paint_last_row(int64_t here, int32_t* labels) const {
    std::fill(labels, labels + size[2], 0);
    for (int64_t run = line[here]; run < line[here + 1]; ++run)
      std::fill(labels + all.list[run].from, labels + all.list[run].to, all.parent[run]);
  }

  const uint8_t* mask;
  const std::array<int64_t, 3> size;  // planes, rows, columns
  const int64_t* stride;
  const std::vector<Shift> shifts;
  const int64_t lines, bands;
  bool joined = false;        // the adjacency joins neighbours in a row
  std::vector<int64_t> line;  // the first run of each row; of its band, until the bands are gathered
  Runs all;
  const Poll& poll;
};

}  // namespace

int64_t label(const uint8_t* mask, int64_t planes, int64_t rows, int64_t cols, const int64_t* stride,
              const std::vector<std::array<int64_t, 3>>& displacements, int32_t* labels, int threads,
              const Poll& poll) {
  constexpr int64_t kWorthAThread = 1 << 13;  // spels
  const int64_t bands = std::min(int64_t(threads), planes * rows * cols / kWorthAThread);
  return Components(mask, {planes, rows, cols}, stride, backward(displacements), bands, poll).label(labels);
}

}  // namespace spel
