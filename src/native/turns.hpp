// Square patches at some places of a plane, each turned in one of several ways; and back.
#pragma once

#include <cstdint>

namespace spel {

// Patch n begins at places[n]. In way w its spels, in order, are tables[w * length] .. from there on.
struct Turns {
  const int64_t* places;
  const int64_t* ways;
  const float* means;
  int64_t count;
  const int64_t* tables;
  int64_t length;
};

// The spels of each patch minus its mean; the patches begin `pitch` numbers from one another.
void gather_turned(const Turns& of, const float* plane, float* out, int64_t pitch);

// Adds the spels of each patch and its mean to the plane.
void add_turned(const Turns& of, const float* patches, float* plane);

}  // namespace spel
