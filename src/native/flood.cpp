// The image foresting transform: spels are conquered from seeds along paths of least cost.
//
// Dijkstra's algorithm with a heap of (cost, order): of equal costs the earlier offer wins, so that
// plateaus are divided fairly and the result does not depend on the machine.
//
//   offer every seed at its own cost
//   take the cheapest offer that is still open      -> the spel is done; its tree takes its value in
//   offer its label to each open adjacent           -> accepted if strictly cheaper
//
// The arithmetic is in double, in the order of the reference and without contraction, so the bits are equal.
#include "flood.hpp"

#include <cmath>
#include <queue>

namespace spel {
namespace {

struct Offer {
  double cost;
  int64_t order, spel;
  bool operator>(const Offer& other) const { return cost != other.cost ? cost > other.cost : order > other.order; }
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

}  // namespace

void flood(const float* image, int64_t channels, std::array<int64_t, 3> size, Flood rule, double reach,
           const std::vector<std::array<int64_t, 3>>& displacements, int32_t* labels, double* costs, const Poll& poll) {
  const int64_t spels = size[0] * size[1] * size[2];
  std::priority_queue<Offer, std::vector<Offer>, std::greater<Offer>> offers;
  std::vector<uint8_t> done(spels, 0);
  std::vector<int32_t> tree_of;
  std::vector<Tree> trees;
  const bool dynamic = rule == Flood::trees_of_labels || rule == Flood::trees_of_roots;
  if (dynamic) tree_of.assign(spels, -1);
  int64_t order = 0;
  int32_t roots = 0;
  Pulse pulse(poll);
  for (int64_t p = 0; p < spels; ++p) {
    pulse(1);
    if (labels[p] >= 0) {
      offers.push({costs[p], order++, p});
      if (dynamic) {
        tree_of[p] = rule == Flood::trees_of_labels ? labels[p] : roots++;
        if (size_t(tree_of[p]) >= trees.size()) trees.resize(tree_of[p] + 1);
      }
    }
  }
  for (Tree& tree : trees) tree.sum.assign(channels, 0.0), pulse(channels);
  const int64_t work = 8 + int64_t(displacements.size()) * channels;  // of a spel
  while (!offers.empty()) {
    pulse(work);
    const Offer best = offers.top();
    offers.pop();
    const int64_t p = best.spel;
    if (done[p] || best.cost != costs[p]) continue;
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
        cost = costs[p] * (1.0 - std::sqrt(squared(value, near, channels)) / reach);
      } else {
        const double step_cost = dynamic ? squared_from_mean(trees[tree_of[p]], near) : double(near[0]);
        if (std::isnan(step_cost)) continue;
        cost = step_cost > costs[p] ? step_cost : costs[p];
      }
      if (cost < costs[q]) {
        costs[q] = cost;
        labels[q] = labels[p];
        if (dynamic) tree_of[q] = tree_of[p];
        offers.push({cost, order++, q});
      }
    }
  }
}

}  // namespace spel
