// Groups of like patches.
//
// For a row of the grid, the patches are compared with those at each offset, row by row of spels: vectors run along
// the picture. Each patch keeps the offsets of those most like it. Then group after group is shrunk.
//
// A patch is 8 x 8 spels, seen as cosine waves. Waves along a row are the same for all patches that hold this row at
// this place; so they are made once for each spel, 8 numbers, and are added up as such. Only the waves down a patch
// are made for each group.
//
// Marks are whole numbers, so sums of their square differences are exact in any order, and the groups are the same on
// every machine. A band adds to its own planes, which reach over at most one other band on each side; two terms have
// one sum in any order. So the result does not depend on threads.
#include "alike.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

#include "team.hpp"

namespace spel {
namespace {

constexpr int64_t kSide = kGroupSide;

struct Offset {
  int64_t down, right;
};

// From the nearest one on: of patches that are equally like, the nearest are taken.
std::vector<Offset> offsets(int64_t reach) {
  std::vector<Offset> all;
  for (int64_t down = -reach; down <= reach; down++)
    for (int64_t right = -reach; right <= reach; right++) all.push_back({down, right});
  std::stable_sort(all.begin(), all.end(), [](const Offset& a, const Offset& b) {
    return a.down * a.down + a.right * a.right < b.down * b.down + b.right * b.right;
  });
  return all;
}

// First spels of the patches along an axis.
std::vector<int64_t> starts(int64_t size, int64_t step) {
  std::vector<int64_t> all;
  for (int64_t at = 0; at < size - kSide; at += step) all.push_back(at);
  all.push_back(size - kSide);
  return all;
}

class Band {
 public:
  Band(const Rows& rows, const Groups& of)
      : rows(rows),
        of(of),
        width(of.size[1]),
        around(offsets(of.reach)),
        lefts(starts(width, of.step)),
        blocks((lefts.size() + kGroupBlock - 1) / kGroupBlock),
        apart(width),
        own(blocks * kGroupBlock),
        least(blocks * kGroupBlock * of.count),
        places(of.count) {}

  // Forgets what it has, and makes room for patches from a first to a last row of spels.
  void begin(int64_t first, int64_t last) {
    top = std::max<int64_t>(0, first - of.reach);
    bottom = std::min(of.size[0], last + of.reach + kSide);
    const int64_t size = (bottom - top) * width;
    source.resize(size * kSide), guide.resize(size * kSide);
    for (int64_t row = top; row < bottom; row++) {
      rows.to_waves(of.source + row * width, &source[(row - top) * width * kSide], width);
      rows.to_waves(of.guide + row * width, &guide[(row - top) * width * kSide], width);
    }
    sums.assign(size * kSide, 0.0f), corners.assign(size, 0.0f);
  }

  void add_row(int64_t row, Pulse& pulse) {
    find(row, pulse);
    for (size_t n = 0; n < lefts.size(); n++) {
      place(row, n);
      const float weight = rows.shrink_group(
          {source.data(), guide.data(), width * kSide, places.data(), of.count, of.power, sums.data()});
      for (const int64_t at : places) corners[at / kSide] += weight;
      pulse(of.count * kSide);
    }
  }

  // Adds the sums and weights of spels to whole planes.
  void add_to(float* all_sums, float* all_weights) {
    std::vector<float> line(width);
    for (int64_t row = top; row < bottom; row++) {
      std::fill(line.begin(), line.end(), 0.0f);
      rows.from_waves(&sums[(row - top) * width * kSide], line.data(), width);
      for (int64_t x = 0; x < width; x++) all_sums[row * width + x] += line[x];
      std::fill(line.begin(), line.end(), 0.0f);
      for (int64_t k = std::max(top, row - kSide + 1); k <= row; k++)
        for (int64_t x = 0; x < width; x++) line[x] += corners[(k - top) * width + x];
      for (int64_t x = 0; x < width; x++) {
        float sum = 0;
        for (int64_t k = std::max<int64_t>(0, x - kSide + 1); k <= x; k++) sum += line[k];
        all_weights[row * width + x] += sum;
      }
    }
  }

 private:
  // For each patch of a row, the patches most like it, as keys: the distance, then the number of the offset.
  void find(int64_t row, Pulse& pulse) {
    std::fill(least.begin(), least.end(), INT32_MAX);
    for (size_t n = 0; n < around.size(); n++) {
      const auto [down, right] = around[n];
      if (row + down < 0 || row + down > of.size[0] - kSide) continue;
      const int64_t left = std::max<int64_t>(0, -right), count = width - std::max<int64_t>(0, right) - left;
      if (count < kSide) continue;
      const float* mark = of.marks + row * width + left;
      rows.compare_patches(mark, mark + down * width + right, width, apart.data(), count);
      const auto from = std::lower_bound(lefts.begin(), lefts.end(), left) - lefts.begin();
      const auto to = std::upper_bound(lefts.begin(), lefts.end(), left + count - kSide) - lefts.begin();
      std::fill(own.begin(), own.begin() + from, kFar);
      for (auto i = from; i < to; i++) own[i] = apart[lefts[i] - left];
      std::fill(own.begin() + to, own.end(), kFar);
      rows.keep_least(own.data(), int32_t(n), least.data(), of.count, own.size());
      pulse(width * kSide / 4);
    }
  }

  // The first numbers of the patches of a group in the planes of waves; of too few patches, the first come again.
  void place(int64_t row, size_t patch) {
    const int32_t* keys = &least[patch / kGroupBlock * kGroupBlock * of.count + patch % kGroupBlock];
    int64_t count = of.count;
    while (keys[(count - 1) * kGroupBlock] >= kNoKey) count--;
    for (int64_t k = 0; k < of.count; k++) {
      const auto [down, right] = around[keys[k % count * kGroupBlock] & ((1 << kGroupBits) - 1)];
      places[k] = ((row + down - top) * width + lefts[patch] + right) * kSide;
    }
  }

  static constexpr float kFar = (1 << 24) - 8;  // more than any distance
  static constexpr int32_t kNoKey = ((1 << 21) - 1) << kGroupBits;

  const Rows& rows;
  const Groups& of;
  const int64_t width;
  const std::vector<Offset> around;
  const std::vector<int64_t> lefts;
  const size_t blocks;
  int64_t top = 0, bottom = 0;
  std::vector<float> source, guide, sums, corners, apart, own;
  std::vector<int32_t> least;
  std::vector<int64_t> places;
};

}  // namespace

void add_groups(const Rows& rows, const Groups& of, int64_t first, int64_t last, float* sums, float* weights,
                int threads, const Poll& poll) {
  const std::vector<int64_t> tops = starts(of.size[0], of.step);
  const int64_t height = (kGroupBand + of.step - 1) / of.step, parts = (last - first + height - 1) / height;
  const int64_t bands = std::min(parts, int64_t(threads));
  std::mutex adding;
  in_bands(bands, poll, [&](int64_t band, Pulse& pulse) {
    Band own(rows, of);
    for (int64_t n = band * parts / bands; n < (band + 1) * parts / bands; n++) {
      const int64_t begin = first + n * height, end = std::min(last, begin + height);
      own.begin(tops[begin], tops[end - 1]);
      for (int64_t row = begin; row < end; row++) own.add_row(tops[row], pulse);
      const std::lock_guard<std::mutex> lock(adding);
      own.add_to(sums, weights);
    }
  });
}

}  // namespace spel
