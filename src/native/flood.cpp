// The image foresting transform: spels are conquered from seeds along paths of least cost.
//
// Dijkstra's algorithm with a heap of (cost, rank):
//
//   offer every seed at its own cost
//   take the cheapest offer that is still open      -> the spel is done; its tree takes its value in
//   offer its label to each open adjacent           -> accepted if better
//
// A rank is the number of steps since the cost of the path last grew, so that plateaus are divided fairly. Of equal
// ones the path wins that was better before its cost grew, and then the one from the lowest root. So every spel's path
// is a property of the image, and not of the order of the work: tiles find the same paths (spel/large/flooding.py). The
// trees of dynamic trees change with what they conquer; there a rank is the order of the offers, and the first wins.
//
// The arithmetic is in double, in the order of the reference and without contraction, so the bits are equal.
#include "flood.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>
#include <tuple>

namespace spel {
namespace {

struct Offer {
  double cost;
  int64_t rank, spel;
  bool operator>(const Offer& other) const { return cost != other.cost ? cost > other.cost : rank > other.rank; }
};

double squared(const float* a, const float* b, int64_t channels) {
  double sum = 0;
  for (int64_t c = 0; c < channels; ++c) {
    const double d = double(a[c]) - double(b[c]);
    sum += d * d;
  }
  return sum;
}

struct Tree {  // sum of the values of its spels, per channel, and their number
  std::vector<double> sum;
  double count = 0;
};

// Squared distance of a value from the mean of a tree.
double squared_from_mean(const Tree& tree, const float* value) {
  double sum = 0;
  for (size_t c = 0; c < tree.sum.size(); ++c) {
    const double d = tree.sum[c] / tree.count - double(value[c]);
    sum += d * d;
  }
  return sum;
}

// Leads a path on to q at a cost, if it is better than that of q; whether q has to be offered again.
bool lead(const Path& path, Path& q, double cost) {
  const bool grows = cost != path.cost;
  const Path longer{cost,       grows ? path.cost : path.before, path.root,
                    path.label, grows ? 0 : path.steps + 1,      grows ? path.steps : path.steps_before};
  const bool is_nearer = cost < q.cost || (cost == q.cost && longer.steps < q.steps);
  const bool is_equal = cost == q.cost && longer.steps == q.steps;
  if (is_nearer || (is_equal && std::tie(longer.before, longer.steps_before, longer.root) <
                                    std::tie(q.before, q.steps_before, q.root)))
    q = longer;
  return is_nearer;
}

}  // namespace

void flood(const float* image, int64_t channels, std::array<int64_t, 3> size, Flood rule, double reach,
           const std::vector<std::array<int64_t, 3>>& displacements, Path* paths, const Poll& poll) {
  const int64_t spels = size[0] * size[1] * size[2];
  std::priority_queue<Offer, std::vector<Offer>, std::greater<Offer>> offers;
  std::vector<uint8_t> done(spels, 0);
  std::vector<int32_t> tree_of;
  std::vector<Tree> trees;
  const bool dynamic = rule == Flood::trees_of_labels || rule == Flood::trees_of_roots;
  if (dynamic) tree_of.assign(spels, -1);
  int64_t order = 0;
  int32_t roots = 0;
  const double unreached = rule == Flood::growcut ? 0 : std::numeric_limits<double>::infinity();
  Pulse pulse(poll);
  for (int64_t p = 0; p < spels; ++p) {
    pulse(1);
    if (paths[p].label == 0) {
      paths[p] = {unreached, 0, 0, 0, -1, 0};
      continue;
    }
    offers.push({paths[p].cost, dynamic ? order++ : paths[p].steps, p});
    if (dynamic) {
      tree_of[p] = rule == Flood::trees_of_labels ? paths[p].label - 1 : roots++;
      if (size_t(tree_of[p]) >= trees.size()) trees.resize(tree_of[p] + 1);
    }
  }
  for (Tree& tree : trees) tree.sum.assign(channels, 0.0), pulse(channels);
  const int64_t work = 8 + int64_t(displacements.size()) * channels;  // of a spel
  while (!offers.empty()) {
    pulse(work);
    const Offer best = offers.top();
    offers.pop();
    const int64_t p = best.spel;
    if (done[p] || best.cost != paths[p].cost) continue;
    done[p] = 1;
    const float* value = image + p * channels;
    if (dynamic) {
      Tree& tree = trees[tree_of[p]];
      for (int64_t c = 0; c < channels; ++c) tree.sum[c] += double(value[c]);
      tree.count += 1;
    }
    const int64_t d = p / (size[1] * size[2]), r = p / size[2] % size[1], x = p % size[2];
    for (const auto& step : displacements) {
      const int64_t qd = d + step[0], qr = r + step[1], qx = x + step[2];
      if (qd < 0 || qd >= size[0] || qr < 0 || qr >= size[1] || qx < 0 || qx >= size[2]) continue;
      const int64_t q = (qd * size[1] + qr) * size[2] + qx;
      if (done[q]) continue;
      const float* near = image + q * channels;
      double cost;
      if (rule == Flood::growcut) {
        cost = paths[p].cost * (1.0 - std::sqrt(squared(value, near, channels)) / reach);
      } else {
        const double step_cost = dynamic ? squared_from_mean(trees[tree_of[p]], near) : double(near[0]);
        if (std::isnan(step_cost)) continue;
        cost = std::max(paths[p].cost, step_cost);
      }
      if (!dynamic) {
        if (lead(paths[p], paths[q], cost)) offers.push({cost, paths[q].steps, q});
      } else if (cost < paths[q].cost) {
        paths[q].cost = cost;
        paths[q].label = paths[p].label;
        tree_of[q] = tree_of[p];
        offers.push({cost, order++, q});
      }
    }
  }
  for (int64_t p = 0; p < spels; ++p)
    if (paths[p].label == 0) paths[p] = {};
}

}  // namespace spel
