// The kinds of nodes. Each states what it reads, in its constructor or builder, and makes a row.
#pragma once

#include "graph.hpp"

namespace spel {

// The image, converted to float as it enters.
class Source final : public Node {
 public:
  Source(int64_t channels, Grid grid, int index) : Node(channels, grid), index(index) {}
  const char* kind() const override { return "source"; }
  void make(Lane&, int64_t plane, int64_t row, const Row*, float* dst, int64_t pitch) const override;
  const Image* direct(const std::vector<Image>&) const override;
  int index;  // among the images of a run

 private:
  static constexpr int64_t kLine = 64;  // bytes of a line of the cache
  static constexpr int64_t kTogether = 16;
  // An odd number of lines of the cache, so that rows do not collide in it.
  int64_t together_pitch() const { return ((grid.cols / 16 + 1) | 1) * 16; }
  const float* rows_together(Lane&, int64_t plane, int64_t row) const;
};

// The same rows in another frame.
class Copy final : public Node {
 public:
  explicit Copy(Node* of) : Node(of->channels, of->grid) { reads = {{of, 0, 0}}; }
  const char* kind() const override { return "copy"; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
};

class Convolve final : public Node {
 public:
  Convolve(int64_t kernels, Grid grid) : Node(kernels, grid) {}
  const char* kind() const override { return "convolve"; }
  double work_per_row() const override { return double(taps.size()) * input_channels / groups * channels * grid.cols; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;

  struct Tap {  // a displacement; each stands for all channels of the input
    int read;   // which of the rows
    int64_t phase, shift;
  };
  std::vector<Tap> taps;
  int64_t input_channels = 0;
  std::vector<float> packed, bias;
  std::vector<float> fill;  // per channel, for rows outside
  int64_t groups = 1;       // of channels: kernel k reads those of its own group alone
  int64_t computed = 0;     // kernels of a group: all, or its first half if the others are their opposites
  int64_t block = 1;
  Phi phi = Phi::identity;
  float parameter = 0;
};

// The number of a window's spels that lie inside the image, for each column of an output row. Lines of the window
// that have the same columns share a profile: how many of these columns lie inside, for each output column.
class Inside {
 public:
  Inside() = default;
  Inside(const std::vector<Triple>& window, Grid of, Triple start, Triple stride, int64_t cols);
  // The counts, then their inverses; computed anew when a row clips the window differently.
  const float* counts(Lane::State&, int64_t plane, int64_t row) const;
  int64_t size() const { return spels; }

 private:
  std::vector<int64_t> profile(const std::vector<int64_t>& columns) const;
  struct Line {
    int64_t plane, row;
    size_t profile;
  };
  std::vector<Line> lines;
  std::vector<std::vector<int64_t>> profiles;
  std::vector<int64_t> whole;          // how often a window inside the image uses each profile
  Triple low{0, 0, 0}, high{0, 0, 0};  // the corners of the window
  int64_t spels = 0;
  Grid of;
  Triple start, stride;
  int64_t cols = 0;
};

// The reduction of shifted rows, of which the cascade of pooling is made. `whole_frame` rows cover a whole frame.
// If it ends with a norm, the last read is the row that is divided.
class Combine final : public Node {
 public:
  Combine(int64_t channels, Grid grid, Reduce op) : Node(channels, grid), op(op) {}
  const char* kind() const override { return "combine"; }
  double work_per_row() const override {
    return double(terms.size()) * (whole_frame ? channels * frame.pitch : channels * grid.cols);
  }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;

  struct Term {
    int read;
    int64_t phase, shift;
  };
  Reduce op;
  std::vector<Term> terms;
  End end = End::none;
  Inside inside;
};

// Windows along each row, of any length, made of shorter ones; the first are made of the row itself.
class Across final : public Node {
 public:
  Across(Node* of, Reduce op, bool square, int64_t shift, int64_t cols)
      : Node(of->channels, {of->grid.planes, of->grid.rows, cols}), op(op), square(square), shift(shift) {
    reads = {{of, 0, 0}};
    finds_nan = op != Reduce::sum;
  }
  const char* kind() const override { return "across"; }
  double work_per_row() const override { return double(5 * passes.size()) * channels * grid.cols; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
  // Adds the passes for windows of a length; the place of the last.
  int pass_for(int64_t length);

  struct Term {
    int pass;
    int64_t offset;
  };
  struct Pass {
    int64_t length;
    std::vector<Term> terms;  // none for a pass over the row itself
  };
  Reduce op;
  bool square;
  int64_t shift;  // of the first window's first column
  std::vector<Pass> passes;

 private:
  bool make_channel(const Rows&, Lane::State&, bool careful, const float* src, float* dst) const;
};

// Pooling over one box: its rows are combined while window levels are made across them, all in the first-level
// cache; only the result is stored. If it ends with a norm, the last read is the row that is divided.
class BoxPool final : public Node {
 public:
  BoxPool(int64_t channels, Grid grid, Reduce op) : Node(channels, grid), op(op) {}
  const char* kind() const override { return "box"; }
  double work_per_row() const override {
    return double(rows_read + int64_t(pieces.list.size()) + 5) * channels * grid.cols;
  }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;

  static constexpr int kTop = 4;  // the highest level: windows as wide as a line of the cache
  struct Piece {                  // a window of 2^level columns, from column x + shift
    int level;
    int64_t shift;
  };
  class Pieces {
   public:
    void add(int level, int64_t shift) {
      list.push_back({level, shift});
      left = std::max(left, -shift);
      right = std::max(right, shift + (int64_t(1) << level));
      top = std::max(top, level);
      levels |= 1 << level;
    }
    std::vector<Piece> list;
    int64_t left = 0, right = 0;  // columns read before and after those of the row
    int top = 0, levels = 0;      // the highest, and a bit for each
  };
  Reduce op;
  bool square = false;
  int64_t rows_read = 0;                // reads that are rows of the box
  int64_t cols = 0, column_stride = 1;  // of the input, of the output
  bool flat = false;                    // the rows of all channels are treated as one
  int64_t shift = 0, length = 0;        // of its columns
  bool in_one_pass = false;             // no levels are made, but where there is NaN
  Pieces pieces;
  End end = End::none;
  Inside inside;
};

class Activate final : public Node {
 public:
  Activate(Node* of, Phi phi, float parameter) : Node(of->channels, of->grid), phi(phi), parameter(parameter) {
    reads = {{of, 0, 0}};
  }
  const char* kind() const override { return "activate"; }
  double work_per_row() const override {
    const bool cheap = phi == Phi::identity || phi == Phi::relu || phi == Phi::leaky_relu;  // others have exponentials
    return (cheap ? 2.0 : 8.0) * double(channels) * grid.cols;
  }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
  Phi phi;
  float parameter;
};

class Squares final : public Node {
 public:
  Squares(Node* of, bool across) : Node(across ? 1 : of->channels, of->grid), across(across) { reads = {{of, 0, 0}}; }
  const char* kind() const override { return "squares"; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
  bool across;
};

class DivideByNorm final : public Node {
 public:
  DivideByNorm(Node* of, Node* squares) : Node(of->channels, of->grid) { reads = {{of, 0, 0}, {squares, 0, 0}}; }
  const char* kind() const override { return "divide"; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
};

// max(0, a - b)
class Residue final : public Node {
 public:
  Residue(Node* a, Node* b) : Node(a->channels, a->grid) { reads = {{a, 0, 0}, {b, 0, 0}}; }
  const char* kind() const override { return "residue"; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
};

// (x - subtract) * multiply + add per channel, with each step rounded.
class Affine final : public Node {
 public:
  Affine(Node* of, std::vector<float> subtract, std::vector<float> multiply, std::vector<float> add)
      : Node(of->channels, of->grid), subtract(subtract), multiply(multiply), add(add) {
    reads = {{of, 0, 0}};
  }
  const char* kind() const override { return "affine"; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
  std::vector<float> subtract, multiply, add;
};

// Each output channel is a sum of weighted input channels, rounded after each step, times a scale.
class Mix final : public Node {
 public:
  Mix(Node* of, std::vector<std::vector<std::pair<int, float>>> terms, float scale)
      : Node(int64_t(terms.size()), of->grid), terms(terms), scale(scale) {
    reads = {{of, 0, 0}};
  }
  const char* kind() const override { return "mix"; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
  std::vector<std::vector<std::pair<int, float>>> terms;
  float scale;
};

class Concatenate final : public Node {
 public:
  explicit Concatenate(const std::vector<Node*>& of) : Node(0, of[0]->grid) {
    for (Node* node : of) channels += node->channels, reads.push_back({node, 0, 0});
  }
  const char* kind() const override { return "concatenate"; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
};

// The sum or the product of several images, from the first to the last; one channel serves all.
class Join final : public Node {
 public:
  Join(const std::vector<Node*>& of, bool product) : Node(1, of[0]->grid), product(product) {
    for (Node* node : of) channels = std::max(channels, node->channels), reads.push_back({node, 0, 0});
  }
  const char* kind() const override { return product ? "product" : "sum"; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
  bool product;
};

// Values limited to [low, high].
class Clip final : public Node {
 public:
  Clip(Node* of, float low, float high) : Node(of->channels, of->grid), low(low), high(high) { reads = {{of, 0, 0}}; }
  const char* kind() const override { return "clip"; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
  float low, high;
};

// x, or x times a slope of its channel where x is not positive.
class ChannelSlopes final : public Node {
 public:
  ChannelSlopes(Node* of, std::vector<float> slopes) : Node(of->channels, of->grid), slopes(slopes) {
    reads = {{of, 0, 0}};
  }
  const char* kind() const override { return "slopes"; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
  std::vector<float> slopes;
};

class Softmax final : public Node {
 public:
  explicit Softmax(Node* of) : Node(of->channels, of->grid) { reads = {{of, 0, 0}}; }
  const char* kind() const override { return "softmax"; }
  double work_per_row() const override { return 8.0 * double(channels) * grid.cols; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
};

class ArgMax final : public Node {
 public:
  explicit ArgMax(Node* of) : Node(1, of->grid) { reads = {{of, 0, 0}}; }
  const char* kind() const override { return "argmax"; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
};

// Red, green and blue, the first three channels, in another colour space.
class Recolor final : public Node {
 public:
  Recolor(Node* of, Space space, double white) : Node(3, of->grid), space(space), white(white) { reads = {{of, 0, 0}}; }
  const char* kind() const override { return "recolor"; }
  double work_per_row() const override { return 60.0 * grid.cols; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
  Space space;
  double white;
};

// The image on another grid, whose spel 0 lies at spel `start` of the image; the border supplies what lies outside.
class Pad final : public Node {
 public:
  Pad(Node* of, Triple begin, Grid grid, Border border, std::vector<float> fill)
      : Node(of->channels, grid), border(border), fill(fill) {
    reads = {{of, 0, 0}};
    start = begin;
    outside = border;
  }
  const char* kind() const override { return "pad"; }
  void make(Lane&, int64_t, int64_t, const Row* in, float* dst, int64_t pitch) const override;
  Border border;
  std::vector<float> fill;  // per channel
};

// Spel p of a larger grid is spel p / factor of the part that belongs to the remainder p % factor.
class Interleave final : public Node {
 public:
  Interleave(const std::vector<Node*>& parts, const std::vector<int>& part_of, Triple factor, Grid grid)
      : Node(parts[0]->channels, grid), part_of(part_of) {
    for (Node* part : parts) reads.push_back({part, 0, 0});
    shrink = factor;
  }
  const char* kind() const override { return "interleave"; }
  void make(Lane&, int64_t plane, int64_t row, const Row* in, float* dst, int64_t pitch) const override;
  std::vector<int> part_of;  // of each (plane, row, col) remainder
};

// How a window is made of shorter ones, at the least number of rows loaded and stored.
class Steps {
 public:
  explicit Steps(Reduce op) : op(op) {}
  struct Term {
    int64_t length, offset;
  };
  // Windows (length 1: single values) that together are a window of `length`.
  std::vector<Term> cover(int64_t length);
  static constexpr int64_t kDirect = 5;  // windows up to this length are combined term by term

 private:
  void cost_up_to(int64_t length);
  Reduce op;
  std::vector<int64_t> steps;
};

// Builders: they add the nodes of one operator to a plan and return the node of its result.
struct Window {
  std::vector<Triple> displacements;
  Triple start{0, 0, 0}, stride{1, 1, 1};
  Grid out;
};

Node* convolve(Plan&, Node* input, const Window&, const float* weights, const float* bias, int64_t kernels,
               Border border, const std::vector<float>& fill, Phi phi, float parameter, int64_t groups = 1);
Node* pool(Plan&, Node* input, const Window&, Reduce op, End end, bool square = false);
Node* divide_by_norm(Plan&, Node* input, const std::vector<Triple>& displacements, bool across);

}  // namespace spel
