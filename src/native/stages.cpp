// Rows of the simple stages and of convolution, where displacements become taps.
#include "stages.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

namespace spel {

void Source::make(Lane& lane, int64_t plane, int64_t row, const Row*, float* dst, int64_t pitch) const {
  const Image& image = lane.images[index];
  const bool transposed = std::abs(image.stride[4]) >= kLine && std::abs(image.stride[3]) < kLine / 2;
  const float* block = transposed ? rows_together(lane, plane, row) : nullptr;
  const int64_t phases = frame.phases, step = block ? 4 : image.stride[4];
  const Type type = block ? Type::f32 : image.type;
  const bool swapped = !block && image.swapped;
  for (int64_t c = 0; c < channels; ++c) {
    const char* line = block ? reinterpret_cast<const char*>(block + c * kTogether * together_pitch())
                             : image.at(lane.batch, c, plane, row);
    for (int64_t f = 0; f < phases; ++f)
      lane.plan.kernels->convert(line + f * step, type, swapped, step * phases, dst + c * pitch + f * frame.phase_pitch,
                                 frame.columns(grid.cols, f));
  }
}

// A row of an image whose columns, not its rows, are close together in memory: it is read together with the rows
// beside it, since each value lies in a line of the cache with theirs. Channel c is c * kTogether rows further.
const float* Source::rows_together(Lane& lane, int64_t plane, int64_t row) const {
  const Image& image = lane.images[index];
  Lane::State& state = lane.states[id];
  const int64_t base = row / kTogether * kTogether;
  const std::vector<int64_t> block{lane.batch, plane, base};
  if (state.signature != block) {
    state.signature = block;
    state.numbers.resize(channels * kTogether * together_pitch());
    const int64_t first = std::max(base, image.first_row);
    const int64_t count = std::min(base + kTogether, image.first_row + image.shape[3]) - first;
    float column[kTogether];
    for (int64_t c = 0; c < channels; ++c) {
      const char* from = image.at(lane.batch, c, plane, first);
      float* to = state.numbers.data() + (c * kTogether + first - base) * together_pitch();
      for (int64_t x = 0; x < grid.cols; ++x, from += image.stride[4]) {
        lane.plan.kernels->convert(from, image.type, image.swapped, image.stride[3], column, count);
        for (int64_t r = 0; r < count; ++r) to[r * together_pitch() + x] = column[r];
      }
    }
  }
  return state.numbers.data() + (row - base) * together_pitch();
}

const Image* Source::direct(const std::vector<Image>& images) const {
  const Image& image = images[index];
  const bool plain = image.type == Type::f32 && !image.swapped && image.stride[4] == 4 && image.stride[1] % 4 == 0;
  const bool bare = frame.phases == 1 && frame.left == 0 && frame.right <= grid.cols;
  return plain && bare && !flat_reader ? &image : nullptr;
}

void Copy::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  const int64_t phases = frame.phases;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t f = 0; f < phases; ++f)
      lane.plan.kernels->convert(in[0].p + c * in[0].pitch + f, Type::f32, false, 4 * phases,
                                 dst + c * pitch + f * frame.phase_pitch, frame.columns(grid.cols, f));
}

void Activate::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  for (int64_t c = 0; c < channels; ++c)
    lane.plan.kernels->activate(phi, parameter, in[0].p + c * in[0].pitch, dst + c * pitch, grid.cols);
}

void Squares::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  const int64_t count = reads[0].node->channels;
  for (int64_t c = 0; c < count; ++c)
    lane.plan.kernels->add_square(in[0].p + c * in[0].pitch, dst + (across ? 0 : c * pitch), grid.cols,
                                  !across || c == 0);
}

void DivideByNorm::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  const bool across = reads[1].node->channels == 1;
  for (int64_t c = 0; c < channels; ++c)
    lane.plan.kernels->divide_by_root(in[0].p + c * in[0].pitch, in[1].p + (across ? 0 : c * in[1].pitch),
                                      dst + c * pitch, grid.cols);
}

void Residue::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  for (int64_t c = 0; c < channels; ++c)
    lane.plan.kernels->residue(in[0].p + c * in[0].pitch, in[1].p + c * in[1].pitch, dst + c * pitch, grid.cols);
}

void Affine::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  for (int64_t c = 0; c < channels; ++c)
    lane.plan.kernels->affine(in[0].p + c * in[0].pitch, subtract[c], multiply[c], add[c], dst + c * pitch, grid.cols);
}

void Mix::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  for (int64_t c = 0; c < channels; ++c) {
    float* to = dst + c * pitch;
    bool first = true;
    for (auto [from, weight] : terms[c]) {
      lane.plan.kernels->add_weighted(in[0].p + from * in[0].pitch, weight, to, grid.cols, first);
      first = false;
    }
    if (scale != 1) lane.plan.kernels->affine(to, 0, scale, 0, to, grid.cols);
  }
}

void Concatenate::make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  for (size_t i = 0; i < reads.size(); ++i)
    for (int64_t c = 0; c < reads[i].node->channels; ++c, dst += pitch)
      std::copy_n(in[i].p + c * in[i].pitch, grid.cols, dst);
}

// A row with much work is made in parts, so that the run can end between them.
static void convolve_in_parts(Lane& lane, std::vector<const float*>& taps, ConvolveRow row) {
  constexpr double kPart = 500e6;
  const int64_t width = row.width;
  const int64_t part =
      std::max(int64_t(256), int64_t(kPart / std::max(1.0, double(row.tap_count) * double(row.kernels)))) / 16 * 16;
  for (int64_t x = 0; x < width; x += part, row.dst += part) {
    if (x) {
      lane.check();
      for (const float*& address : taps) address += part;
    }
    row.width = std::min(part, width - x);
    lane.plan.kernels->convolve(row);
  }
}

void Convolve::make(Lane& lane, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const {
  Lane::State& state = lane.states[id];
  bool missing = false;
  for (size_t i = 0; i < reads.size(); ++i) missing |= !in[i].p;
  if (missing && state.numbers.empty()) {  // a row of fill is made once
    const Node& input = *reads[0].node;
    for (size_t c = 0; c < fill.size(); ++c)
      state.numbers.resize(input.origin + (c + 1) * input.frame.pitch - input.frame.left, fill[c]);
    state.numbers.resize(state.numbers.size() + input.frame.left);
  }
  const int64_t members = input_channels / groups, kernels = channels / groups;
  const int64_t tap_count = int64_t(taps.size()) * members;
  state.terms.resize(tap_count);
  for (int64_t g = 0; g < groups; ++g) {
    const float** term = state.terms.data();
    for (const Tap& tap : taps) {
      const Node& input = *reads[tap.read].node;
      const Row& row = in[tap.read];
      const int64_t step = row.p ? row.pitch : input.frame.pitch;
      const float* base = row.p ? row.p : state.numbers.data() + input.origin;
      base += tap.phase * input.frame.phase_pitch + tap.shift + g * members * step;
      for (int64_t c = 0; c < members; ++c) term[c] = base + c * step;
      term += members;
    }
    convolve_in_parts(
        lane, state.terms,
        {state.terms.data(), tap_count, packed.data() + g * computed * tap_count, bias.data() + g * kernels, computed,
         block, dst + g * kernels * pitch, pitch, grid.cols, phi == Phi::relu, (kernels - computed) * pitch});
  }
  if (phi != Phi::relu && phi != Phi::identity)
    for (int64_t k = 0; k < channels; ++k)
      lane.plan.kernels->activate(phi, parameter, dst + k * pitch, dst + k * pitch, grid.cols);
}

// Whether the second half of the kernels of each group are the opposites of the first half.
static bool has_opposites(const float* weights, const float* bias, int64_t kernels, int64_t together, int64_t taps) {
  const int64_t half = together / 2;
  const auto opposite = [](const float* a, const float* b, int64_t n) {
    for (int64_t i = 0; i < n; ++i)
      if (a[i] != -b[i]) return false;
    return true;
  };
  if (together % 2) return false;
  for (int64_t k = 0; k < kernels; k += together)
    if (!opposite(bias + k, bias + k + half, half) ||
        !opposite(weights + k * taps, weights + (k + half) * taps, half * taps))
      return false;
  return true;
}

Node* convolve(Plan& plan, Node* input, const Window& window, const float* weights, const float* bias, int64_t kernels,
               Border border, const std::vector<float>& fill, Phi phi, float parameter, int64_t groups) {
  const int64_t step = window.stride.col, channels = input->channels;
  int64_t left = 0, right = 0;
  for (const Triple& d : window.displacements) {
    const int64_t shift = floor_div(window.start.col + d.col, step);
    left = std::max(left, -shift);
    right = std::max(right, shift + window.out.cols);
  }
  Node* from = plan.framed(input, border, border == Border::constant ? fill : std::vector<float>{}, step, left, right);
  auto* node = plan.add<Convolve>(kernels, window.out);
  node->start = window.start;
  node->stride = window.stride;
  node->outside = border;
  node->fill = fill;
  node->phi = phi;
  node->parameter = parameter;
  std::map<std::pair<int64_t, int64_t>, int> rows;
  for (const Triple& d : window.displacements) {
    auto [place, fresh] = rows.try_emplace({d.plane, d.row}, int(node->reads.size()));
    if (fresh) node->reads.push_back({from, d.plane, d.row});
    const int64_t place_col = window.start.col + d.col, shift = floor_div(place_col, step);
    node->taps.push_back({place->second, place_col - shift * step, shift});
  }
  node->input_channels = channels;
  node->groups = groups;
  const int64_t taps = int64_t(node->taps.size()) * channels / groups, together = kernels / groups;
  node->computed = has_opposites(weights, bias, kernels, together, taps) ? together / 2 : together;
  node->block = plan.kernels->kernel_block(node->computed, window.out.cols);
  node->bias.assign(bias, bias + kernels);
  node->packed.reserve(size_t(taps) * kernels);
  for (int64_t first = 0; first < kernels; first += together)
    for (int64_t k = first; k < first + node->computed; k += node->block)
      for (int64_t t = 0; t < taps; ++t)
        for (int64_t i = k; i < std::min(first + node->computed, k + node->block); ++i)
          node->packed.push_back(weights[i * taps + t]);
  return node;
}

Node* divide_by_norm(Plan& plan, Node* input, const std::vector<Triple>& displacements, bool across) {
  const Window window{displacements, {}, {1, 1, 1}, input->grid};
  if (!across) return pool(plan, input, window, Reduce::sum, End::norm, true);
  return plan.add<DivideByNorm>(input, pool(plan, plan.add<Squares>(input, true), window, Reduce::sum, End::none));
}

}  // namespace spel
