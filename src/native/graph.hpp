// The stream: a graph of row producers with ring buffers.
//
// A node makes one row, of all its channels, for a plane and row index. It states which rows of which nodes
// it reads for that. From these statements alone the plan derives the order of work and the size of every ring.
// Work is pulled: to make an output row, the rows that it reads are fetched; a fetch finds a row in the ring of its
// node, or makes it first. Nothing else is kept.
//
//   for each output row                  in bands; each thread has one, with rings of its own
//     for each row that it reads         by recursion, down to the image
//       if it is not in the ring         make it, then fill its frame (the halo on the left and right)
//
// Frames: a row in a ring stands in a frame of columns that supply what lies outside the image. For a reader with
// a column stride s, the row is split into s phases (columns 0, s, 2s, ... then 1, s + 1, ...). So a displacement is
// one address for every reader, and no reader computes what its stride skips.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "interrupt.hpp"
#include "rows.hpp"

namespace spel {

enum class Border : int { outside, constant, edge, reflect, symmetric, wrap };  // outside: there are no rows there

struct Grid {
  int64_t planes = 1, rows = 1, cols = 1;
};

struct Triple {
  int64_t plane = 0, row = 0, col = 0;
};

int64_t floor_div(int64_t a, int64_t b);
int64_t bounced(int64_t place, int64_t size, Border border);  // all but outside and constant
inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// The first address from start on that begins a line of the cache.
inline float* cache_line(void* start) { return reinterpret_cast<float*>((uintptr_t(start) + 63) / 64 * 64); }

struct Image {  // an array of Python: any strides (in bytes), any type
  char* data = nullptr;
  Type type = Type::f32;
  bool swapped = false;
  int64_t shape[5] = {};
  int64_t stride[5] = {};
  int64_t first_row = 0;  // of the rows at hand, which are shape[3]; `data` is where row 0 would be
  char* at(int64_t n, int64_t c, int64_t d, int64_t h) const {
    return data + n * stride[0] + c * stride[1] + d * stride[2] + h * stride[3];
  }
};

struct Frame {
  bool set = false;
  Border border = Border::constant;
  std::vector<float> fill;  // per channel; not filled if empty
  int64_t phases = 1;
  int64_t left = 0;   // columns (of a phase) before column 0
  int64_t right = 0;  // one past the last column read
  int64_t phase_pitch = 0, pitch = 0;
  // How many of the image's columns are in a phase.
  int64_t columns(int64_t cols, int64_t phase) const {
    return phases == 1 ? cols : (cols - phase + phases - 1) / phases;
  }
};

struct Row {
  const float* p = nullptr;  // column 0 of channel 0; null if there is no such row
  int64_t pitch = 0;         // to the next channel
  bool nan = false;
  const int64_t* tag = nullptr;  // of its place in a ring: equal to `key` while the row is there
  int64_t key = 0;
  bool lost() const { return tag && *tag != key; }
};

class Lane;
class Node;

struct Read {
  Node* node;
  int64_t plane, row;  // displacement
};

class Node {
 public:
  Node(int64_t channels, Grid grid) : channels(channels), grid(grid) {}
  virtual ~Node() = default;

  // Writes the row's columns to dst (column 0 of channel 0), channels `pitch` apart.
  virtual void make(Lane& lane, int64_t plane, int64_t row, const Row* in, float* dst, int64_t pitch) const = 0;
  virtual const char* kind() const = 0;
  virtual double work_per_row() const { return double(channels) * grid.cols; }
  // The image whose rows can be read in place, as they need no conversion and no frame; or null.
  virtual const Image* direct(const std::vector<Image>&) const { return nullptr; }

  int64_t channels;
  Grid grid;                // rows that exist: [first.row, grid.rows), planes alike
  Triple first;             // negative for window levels that start outside the image
  std::vector<Read> reads;  // rows read, relative to start + index * stride / shrink, rounded down
  Triple start{0, 0, 0}, stride{1, 1, 1}, shrink{1, 1, 1};
  Border outside = Border::outside;  // where a read row lies outside

  Frame frame;
  bool whole_frame = false;  // make() fills the frame itself (flat rows of window levels)
  bool flat_reader = false;  // some reader treats the whole frame as one row
  bool scan_nan = false;     // record whether the row holds NaN
  bool finds_nan = false;    // make() records it itself
  bool pass_nan = false;     // it holds NaN if a row that it read does

  std::vector<int> order;  // in which reads are fetched: those that reach deepest first
  int depth = 0;           // longest way down to an image

  int id = -1;
  bool fused = false;    // became part of the node before it
  bool ringed = false;   // some node, or a copy to the output, reads it from a ring
  int64_t capacity = 0;  // rows in the ring
  int64_t row_floats = 0;
  double row_work = 0;  // about multiply-adds of a row
  int64_t origin = 0;   // of column 0 in a row's memory
  int64_t key(int64_t plane, int64_t row) const {
    return (plane - first.plane) * (grid.rows - first.row) + row - first.row;
  }
};

struct Output {
  Node* node;
  int64_t rows() const { return node->grid.planes * node->grid.rows; }
};

class Plan {
 public:
  explicit Plan(const Rows* rows) : kernels(rows) {}
  Plan(const Plan&) = delete;

  template <class T, class... Args>
  T* add(Args&&... args) {
    auto owned = std::make_unique<T>(std::forward<Args>(args)...);
    T* node = owned.get();
    node->id = int(nodes.size());
    nodes.push_back(std::move(owned));
    return node;
  }

  // A node whose rows stand in a frame as this reader needs it: `node` itself if it has no frame yet or one
  // of the same kind, else a copy of it.
  Node* framed(Node* node, Border border, const std::vector<float>& fill, int64_t phases, int64_t left, int64_t right);

  void output(Node* node) { outputs.push_back({node}); }
  void finish();  // derives the rings from the reads; after this the plan is constant

  // Makes the output rows of steps [from, to) of all images of the batch, and adds the nanoseconds of each
  // node to `nanoseconds` if it is not null. Throws Interrupted soon after `poll` is true; only the calling
  // thread polls.
  void run(const std::vector<Image>& images, const std::vector<Image>& outs, int64_t from, int64_t to, int threads,
           std::vector<int64_t>* nanoseconds, const Poll& poll) const;

  // First and last row of an image (by its index) that the steps [from, to) read; empty if first > last.
  std::pair<int64_t, int64_t> rows_read(int source, int64_t from, int64_t to) const;

  const Rows* kernels;
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<Output> outputs;
  int64_t steps = 0;  // output rows of the tallest output
  size_t ring_floats = 0;
  double work = 0;  // about multiply-adds of one image

 private:
  void capacities(int64_t from, int64_t to);
  void fuse();
};

// Where a reader finds a row that it reads, brought inside the image by its border; false if there is none.
bool locate(const Node& reader, const Read& read, int64_t plane, int64_t row, int64_t& p, int64_t& r);
// The rows [from, to) of an output that a step makes; outputs of different heights advance together.
void lines_of_step(const Output& out, int64_t steps, int64_t step, int64_t& from, int64_t& to);

// The rings and the scratch memory of one thread.
class Lane {
 public:
  // `asks`: this is the lane of the calling thread, which polls for all.
  Lane(const Plan& plan, const std::vector<Image>& images, const std::vector<Image>& outs, bool timed, Stop& stop,
       bool asks);
  // Makes the steps [from, to) of every output for image n of the batch.
  void steps(int64_t n, int64_t from, int64_t to);
  // Throws Interrupted if the run shall end.
  void check() {
    if (asks ? stop.ask() : stop.is_set()) throw Interrupted();
  }

  void row(const Node& node, int64_t plane, int64_t row, Row& found);
  void make(const Node& node, int64_t plane, int64_t row, float* dst, int64_t pitch);

  struct State {
    float* ring = nullptr;
    const Image* direct = nullptr;  // rows are read where they stand
    int64_t nanoseconds = 0;        // spent in making rows, if the run is timed
    int64_t last_key = 0, last_slot = 0;
    std::vector<int64_t> tags;
    std::vector<char> nan;
    std::vector<Row> in;
    std::vector<const float*> terms;
    std::vector<float> numbers, numbers2;  // scratch of the node: counts, rows of fill, levels
    std::vector<int64_t> signature, candidate;
    bool made_nan = false;  // the row that was made last holds NaN, says a node that looks for it while making it
  };

  const Plan& plan;
  const std::vector<Image>& images;
  const std::vector<Image>& outs;
  const bool timed;
  int64_t batch = 0;
  std::vector<State> states;

 private:
  void output_row(size_t index, int64_t line);
  void fill_frame(const Node& node, float* p) const;
  int64_t slot_of(const Node& node, State& s, int64_t key) const;
  bool holds_nan(const Node& node, const float* p, int64_t pitch) const;
  std::unique_ptr<float[]> arena;
  std::vector<float> spare;  // a row on its way to an output
  bool large = false;        // the outputs do not fit into a cache
  Stop& stop;
  const bool asks;
  double unchecked = 0;  // work since the last check
};

}  // namespace spel
