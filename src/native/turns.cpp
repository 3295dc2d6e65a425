// Turned patches: what a patch is and how it lies are told apart while it is copied, not in further passes.
#include "turns.hpp"

namespace spel {

void gather_turned(const Turns& of, const float* plane, float* out, int64_t pitch) {
  for (int64_t n = 0; n < of.count; n++, out += pitch) {
    const float* from = plane + of.places[n];
    const int64_t* order = of.tables + of.ways[n] * of.length;
    for (int64_t i = 0; i < of.length; i++) out[i] = from[order[i]] - of.means[n];
  }
}

void add_turned(const Turns& of, const float* patches, float* plane) {
  for (int64_t n = 0; n < of.count; n++, patches += of.length) {
    float* to = plane + of.places[n];
    const int64_t* order = of.tables + of.ways[n] * of.length;
    for (int64_t i = 0; i < of.length; i++) to[order[i]] += patches[i] + of.means[n];
  }
}

}  // namespace spel
