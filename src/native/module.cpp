// The Python module: a plan that is built node by node and run on images; label, flood, resize, rotate and so on.
//
// The arrays of a run have five axes; kernels/stream.py has checked them. Others come as addresses, and Python keeps
// them alive. All work is done without the interpreter's lock.
#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <deque>
#include <mutex>

#include "alike.hpp"
#include "flood.hpp"
#include "gather.hpp"
#include "histogram.hpp"
#include "interrupt.hpp"
#include "label.hpp"
#include "resize.hpp"
#include "stages.hpp"
#include "turns.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace spel;

namespace {

using Long3 = std::array<int64_t, 3>;

std::vector<const Rows*> available() {
  std::vector<const Rows*> list;
#if defined(__x86_64__)
  __builtin_cpu_init();
  list.push_back(&v2::rows);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    list.push_back(&v3::rows);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd"))
    list.push_back(&v4::rows);
#else
  list.push_back(&native::rows);
#endif
  return list;
}

const Rows* chosen = available().back();

void use(const std::string& name) {
  for (const Rows* rows : available())
    if (rows->name == name) {
      chosen = rows;
      return;
    }
  throw nb::value_error(("instruction set " + name + " is not available here").c_str());
}

// The element type of a format of the buffer protocol: a letter, after a sign of the order of bytes.
Type type_of(char letter, int64_t bytes) {
  if (letter == 'f' || letter == 'd') return bytes == 4 ? Type::f32 : Type::f64;
  const bool with_sign = letter >= 'a';
  return bytes == 1   ? (with_sign ? Type::i8 : Type::u8)
         : bytes == 2 ? (with_sign ? Type::i16 : Type::u16)
                      : (with_sign ? Type::i32 : Type::u32);
}

// The memory of an array of Python, as long as this lives.
class Buffer {
 public:
  // The array may hold only the rows from `first_row` on.
  Buffer(nb::handle array, int64_t first_row) {
    if (PyObject_GetBuffer(array.ptr(), &view, PyBUF_STRIDED_RO | PyBUF_FORMAT)) nb::raise_python_error();
    const char* format = view.format;
    constexpr char other_order = std::endian::native == std::endian::little ? '>' : '<';
    image.swapped = format[0] == other_order;
    image.type = type_of(format[std::strchr("<>=@|!", format[0]) ? 1 : 0], view.itemsize);
    std::copy_n(view.shape, 5, image.shape);
    std::copy_n(view.strides, 5, image.stride);
    image.data = static_cast<char*>(view.buf) - first_row * image.stride[3];
    image.first_row = first_row;
  }
  ~Buffer() { PyBuffer_Release(&view); }
  Buffer(const Buffer&) = delete;
  Image image;

 private:
  Py_buffer view;
};

using Places = std::pair<uintptr_t, int64_t>;  // address and number of int64 triples (plane, row, col)

std::vector<Triple> triples(Places places) {
  const auto* p = reinterpret_cast<const int64_t*>(places.first);
  std::vector<Triple> result(places.second);
  for (Triple& d : result) d = {p[0], p[1], p[2]}, p += 3;
  return result;
}

Window window_of(Places displacements, Long3 start, Long3 stride, Long3 out) {
  return {triples(displacements),
          {start[0], start[1], start[2]},
          {stride[0], stride[1], stride[2]},
          {out[0], out[1], out[2]}};
}

// Whether a signal, such as that of Ctrl-C, has raised an error in the interpreter; looked up every 50 ms.
class Signals {
 public:
  bool operator()() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last < std::chrono::milliseconds(50)) return false;
    last = now;
    nb::gil_scoped_acquire locked;
    return PyErr_CheckSignals() != 0;
  }

 private:
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
};

// Does the work without the interpreter's lock. If it was interrupted, the error of the signal is raised.
template <class Work>
void unlocked(Work work) {
  bool interrupted = false;
  {
    nb::gil_scoped_release released;
    try {
      work(Poll(Signals()));
    } catch (const Interrupted&) { interrupted = true; }
  }
  if (interrupted) throw nb::python_error();
}

class Program {
 public:
  Program() : plan(chosen) {}

  int source(int64_t channels, Long3 size) {
    return index(plan.add<Source>(channels, Grid{size[0], size[1], size[2]}, sources++));
  }
  int convolve(int input, Places displacements, uintptr_t weights, uintptr_t bias, int64_t kernels, Long3 start,
               Long3 stride, Long3 out, int border, const std::vector<float>& fill, int phi, float parameter,
               int64_t groups) {
    return index(spel::convolve(plan, node(input), window_of(displacements, start, stride, out),
                                reinterpret_cast<const float*>(weights), reinterpret_cast<const float*>(bias), kernels,
                                Border(border), fill, Phi(phi), parameter, groups));
  }
  int pool(int input, Places displacements, int op, int finish, Long3 start, Long3 stride, Long3 out) {
    return index(spel::pool(plan, node(input), window_of(displacements, start, stride, out), Reduce(op), End(finish)));
  }
  int divide_by_norm(int input, Places displacements, bool across) {
    return index(spel::divide_by_norm(plan, node(input), triples(displacements), across));
  }
  int activate(int input, int phi, float parameter) {
    return index(plan.add<Activate>(node(input), Phi(phi), parameter));
  }
  int residue(int a, int b) { return index(plan.add<Residue>(node(a), node(b))); }
  int affine(int input, std::vector<float> subtract, std::vector<float> multiply, std::vector<float> add) {
    return index(plan.add<Affine>(node(input), subtract, multiply, add));
  }
  int mix(int input, std::vector<std::vector<std::pair<int, float>>> terms, float scale) {
    return index(plan.add<Mix>(node(input), terms, scale));
  }
  int concatenate(const std::vector<int>& inputs) { return index(plan.add<Concatenate>(of(inputs))); }
  int join(const std::vector<int>& inputs, bool product) { return index(plan.add<Join>(of(inputs), product)); }
  int clip(int input, float low, float high) { return index(plan.add<Clip>(node(input), low, high)); }
  int channel_slopes(int input, std::vector<float> slopes) {
    return index(plan.add<ChannelSlopes>(node(input), slopes));
  }
  int softmax(int input) { return index(plan.add<Softmax>(node(input))); }
  int recolor(int input, int space, double white) { return index(plan.add<Recolor>(node(input), Space(space), white)); }
  int argmax(int input) { return index(plan.add<ArgMax>(node(input))); }
  int pad(int input, Long3 start, Long3 size, int border, std::vector<float> fill) {
    return index(plan.add<Pad>(node(input), Triple{start[0], start[1], start[2]}, Grid{size[0], size[1], size[2]},
                               Border(border), fill));
  }
  int interleave(const std::vector<int>& parts, const std::vector<int>& part_of, Long3 factor, Long3 size) {
    return index(plan.add<Interleave>(of(parts), part_of, Triple{factor[0], factor[1], factor[2]},
                                      Grid{size[0], size[1], size[2]}));
  }
  void output(int of) { plan.output(node(of)); }
  void finish() { plan.finish(); }
  size_t size() const { return plan.nodes.size(); }
  int64_t steps() const { return plan.steps; }
  std::pair<int64_t, int64_t> rows_read(int source, int64_t from, int64_t to) const {
    return plan.rows_read(source, from, to);
  }
  // Makes the output rows of steps [from, to); returns the nanoseconds of each node if timed. `first_rows`: those that
  // row 0 of the images and of the outs stands for.
  std::vector<int64_t> run(nb::sequence images, nb::sequence outs, Pair first_rows, int64_t from, int64_t to,
                           int threads, bool timed) const {
    std::deque<Buffer> buffers;
    const auto images_of = [&](nb::sequence arrays, int64_t first_row) {
      std::vector<Image> list;
      for (nb::handle array : arrays) list.push_back(buffers.emplace_back(array, first_row).image);
      return list;
    };
    const std::vector<Image> in = images_of(images, first_rows[0]), out = images_of(outs, first_rows[1]);
    std::vector<int64_t> nanoseconds;
    unlocked([&](const Poll& poll) { plan.run(in, out, from, to, threads, timed ? &nanoseconds : nullptr, poll); });
    return nanoseconds;
  }
  // Per node: kind, rows in its ring, bytes of a row, work for one image; kind "" if fused into another.
  std::vector<std::tuple<std::string, int64_t, int64_t, double>> nodes() const {
    std::vector<std::tuple<std::string, int64_t, int64_t, double>> list;
    for (auto& owned : plan.nodes) {
      const Node& n = *owned;
      list.push_back({n.fused ? "" : n.kind(), n.ringed ? n.capacity : 0, 4 * n.row_floats,
                      n.work_per_row() * double(n.grid.planes * n.grid.rows)});
    }
    return list;
  }

 private:
  Node* node(int id) { return plan.nodes.at(id).get(); }
  std::vector<Node*> of(const std::vector<int>& ids) {
    std::vector<Node*> list;
    for (int id : ids) list.push_back(node(id));
    return list;
  }
  static int index(Node* node) { return node->id; }
  Plan plan;
  int sources = 0;
};

int64_t label_mask(uintptr_t mask, Long3 shape, Long3 stride, const std::vector<Long3>& displacements, uintptr_t labels,
                   int threads) {
  int64_t count = 0;
  unlocked([&](const Poll& poll) {
    count = label(reinterpret_cast<const uint8_t*>(mask), shape[0], shape[1], shape[2], stride.data(), displacements,
                  reinterpret_cast<int32_t*>(labels), threads, poll);
  });
  return count;
}

void gather_patches(uintptr_t values, const std::vector<std::pair<int64_t, int64_t>>& spans, Long3 grid, Long3 steps,
                    uintptr_t out, int threads) {
  std::vector<Span> of_window;
  for (auto [offset, length] : spans) of_window.push_back({offset, length});
  unlocked([&](const Poll& poll) {
    gather(reinterpret_cast<const float*>(values), of_window, grid, steps, reinterpret_cast<float*>(out), threads,
           poll);
  });
}

void histogram_of(uintptr_t values, int bytes, int64_t count, uintptr_t counts, int threads) {
  nb::gil_scoped_release released;
  auto* table = reinterpret_cast<int64_t*>(counts);
  if (bytes == 1) histogram(reinterpret_cast<const uint8_t*>(values), count, table, threads);
  else histogram(reinterpret_cast<const uint16_t*>(values), count, table, threads);
}

void histogram_in_bins(uintptr_t values, int bytes, int64_t count, uintptr_t edges, int64_t bins, uintptr_t counts,
                       int threads) {
  nb::gil_scoped_release released;
  const auto* ends = reinterpret_cast<const double*>(edges);
  auto* table = reinterpret_cast<int64_t*>(counts);
  if (bytes == 4) histogram(reinterpret_cast<const float*>(values), count, ends, bins, table, threads);
  else histogram(reinterpret_cast<const double*>(values), count, ends, bins, table, threads);
}

void flood_image(uintptr_t image, int64_t channels, Long3 size, int rule, double reach,
                 const std::vector<Long3>& displacements, uintptr_t paths) {
  unlocked([&](const Poll& poll) {
    flood(reinterpret_cast<const float*>(image), channels, size, Flood(rule), reach, displacements,
          reinterpret_cast<Path*>(paths), poll);
  });
}

void resize_part(uintptr_t image, Pair size, int64_t row_stride, Pair origin, Pair whole, std::array<double, 4> box,
                 uintptr_t out, Pair out_size, Pair out_origin, Pair out_whole, int threads) {
  unlocked([&](const Poll& poll) {
    const Plane plane{reinterpret_cast<const float*>(image), row_stride, size, origin, whole};
    resize(*chosen, plane, box, {reinterpret_cast<float*>(out), out_size, out_origin, out_whole}, threads, poll);
  });
}

void resize_image(uintptr_t image, Pair size, int64_t row_stride, std::array<double, 4> box, uintptr_t out,
                  Pair out_size, int threads) {
  resize_part(image, size, row_stride, {0, 0}, size, box, out, out_size, {0, 0}, out_size, threads);
}

void rotate_image(uintptr_t image, Pair size, int64_t row_stride, double degrees, uintptr_t out, Pair out_size) {
  nb::gil_scoped_release released;
  rotate(*chosen, reinterpret_cast<const float*>(image), row_stride, size, degrees, reinterpret_cast<float*>(out),
         out_size);
}

void add_groups_of(uintptr_t source, uintptr_t guide, uintptr_t marks, Pair size, std::array<int64_t, 3> numbers,
                   double power, Pair first_last, uintptr_t sums, uintptr_t weights, int threads) {
  const auto plane = [](uintptr_t at) { return reinterpret_cast<float*>(at); };
  unlocked([&](const Poll& poll) {
    const auto [reach, step, count] = numbers;
    const Groups of{plane(source), plane(guide), plane(marks), size, reach, step, count, float(power)};
    add_groups(*chosen, of, first_last[0], first_last[1], plane(sums), plane(weights), threads, poll);
  });
}

// The plane and the patches are read or written, as `add` says.
void turned_patches(bool add, uintptr_t plane, std::array<uintptr_t, 4> places_ways_means_tables, int64_t count,
                    int64_t length, uintptr_t patches, int64_t pitch) {
  nb::gil_scoped_release released;
  const auto [places, ways, means, tables] = places_ways_means_tables;
  const auto whole = [](uintptr_t at) { return reinterpret_cast<const int64_t*>(at); };
  const auto real = [](uintptr_t at) { return reinterpret_cast<float*>(at); };
  const Turns of{whole(places), whole(ways), real(means), count, whole(tables), length};
  if (add) add_turned(of, real(patches), real(plane));
  else gather_turned(of, real(plane), real(patches), pitch);
}

}  // namespace

NB_MODULE(_native, m) {
  m.def("available", [] {
    std::vector<std::string> names;
    for (const Rows* rows : available()) names.push_back(rows->name);
    return names;
  });
  m.def("use", &use);
  m.def("isa", [] { return std::string(chosen->name); });
  m.def(
      "multiply_adds", [](int64_t count) { return chosen->multiply_adds(count); },
      "Does about `count` multiply-adds of vectors in registers; returns the number of scalar ones.");
  m.attr("compiler") = SPEL_COMPILER;
  m.def("label", &label_mask);
  m.def("flood", &flood_image);
  m.def("gather", &gather_patches);
  m.def("histogram", &histogram_of);
  m.def("histogram_in_bins", &histogram_in_bins);
  m.def("add_groups", &add_groups_of);
  m.def("turned_patches", &turned_patches);
  m.def("resize", &resize_image);
  m.def("resize_part", &resize_part);
  m.def("rotate", &rotate_image);
  nb::class_<Program>(m, "Program")
      .def(nb::init<>())
      .def("source", &Program::source)
      .def("pool", &Program::pool)
      .def("divide_by_norm", &Program::divide_by_norm)
      .def("activate", &Program::activate)
      .def("residue", &Program::residue)
      .def("affine", &Program::affine)
      .def("mix", &Program::mix)
      .def("concatenate", &Program::concatenate)
      .def("convolve", &Program::convolve, "of"_a, "displacements"_a, "weights"_a, "bias"_a, "kernels"_a, "start"_a,
           "stride"_a, "size"_a, "border"_a, "fill"_a, "phi"_a, "parameter"_a, "groups"_a = 1)
      .def("join", &Program::join)
      .def("clip", &Program::clip)
      .def("channel_slopes", &Program::channel_slopes)
      .def("softmax", &Program::softmax)
      .def("argmax", &Program::argmax)
      .def("recolor", &Program::recolor)
      .def("pad", &Program::pad)
      .def("interleave", &Program::interleave)
      .def("size", &Program::size)
      .def("steps", &Program::steps)
      .def("rows_read", &Program::rows_read)
      .def("nodes", &Program::nodes)
      .def("output", &Program::output)
      .def("finish", &Program::finish)
      .def("run", &Program::run);
}
