// The Python module: a plan that is built node by node and run on images; label and flood.
//
// Arrays come as (address, type, swapped, shape, strides), five axes; kernels/native.py holds them
// alive and has checked them. All work happens without the interpreter's lock.
#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <mutex>

#include "flood.hpp"
#include "label.hpp"
#include "stages.hpp"

namespace nb = nanobind;
using namespace spel;

namespace {

using Array = std::tuple<uintptr_t, int, bool, std::array<long, 5>, std::array<long, 5>>;
using Long3 = std::array<long, 3>;

std::vector<const Rows*> available() {
  std::vector<const Rows*> list;
#if defined(__x86_64__)
  __builtin_cpu_init();
  list.push_back(&v2::rows);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    list.push_back(&v3::rows);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd"))
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

Image image_of(const Array& a) {
  Image image;
  image.data = reinterpret_cast<char*>(std::get<0>(a));
  image.type = Type(std::get<1>(a));
  image.swapped = std::get<2>(a);
  std::copy_n(std::get<3>(a).begin(), 5, image.shape);
  std::copy_n(std::get<4>(a).begin(), 5, image.stride);
  return image;
}

std::vector<Triple> triples(const std::vector<Long3>& list) {
  std::vector<Triple> result;
  for (const Long3& d : list) result.push_back({d[0], d[1], d[2]});
  return result;
}

Window window_of(const std::vector<Long3>& displacements, Long3 start, Long3 stride, Long3 out) {
  return {triples(displacements),
          {start[0], start[1], start[2]},
          {stride[0], stride[1], stride[2]},
          {out[0], out[1], out[2]}};
}

class Program {
 public:
  Program() : plan(chosen) {}

  int source(long channels, Long3 size) {
    return index(plan.add<Source>(channels, Grid{size[0], size[1], size[2]}));
  }
  int convolve(int input, const std::vector<Long3>& displacements, uintptr_t weights, uintptr_t bias,
               long kernels, Long3 start, Long3 stride, Long3 out, int border, const std::vector<float>& fill,
               int phi, float parameter) {
    return index(spel::convolve(plan, node(input), window_of(displacements, start, stride, out),
                                reinterpret_cast<const float*>(weights), reinterpret_cast<const float*>(bias),
                                kernels, Border(border), fill, Phi(phi), parameter));
  }
  int pool(int input, const std::vector<Long3>& displacements, int op, int finish, Long3 start, Long3 stride,
           Long3 out) {
    return index(spel::pool(plan, node(input), window_of(displacements, start, stride, out), Reduce(op),
                            Combine::Finish(finish)));
  }
  int divide_by_norm(int input, const std::vector<Long3>& displacements, bool across) {
    return index(spel::divide_by_norm(plan, node(input), triples(displacements), across));
  }
  int activate(int input, int phi, float parameter) {
    return index(plan.add<Activate>(node(input), Phi(phi), parameter));
  }
  void output(int of) { plan.output(node(of)); }
  void finish() { plan.finish(); }
  void run(const Array& image, const std::vector<Array>& outs, int threads) const {
    const Image in = image_of(image);
    std::vector<Image> to;
    for (const Array& a : outs) to.push_back(image_of(a));
    nb::gil_scoped_release unlocked;
    plan.run(in, to, threads);
  }

 private:
  Node* node(int id) { return plan.nodes.at(id).get(); }
  static int index(Node* node) { return node->id; }
  Plan plan;
};

long label_mask(uintptr_t mask, Long3 shape, Long3 stride, const std::vector<Long3>& displacements,
                uintptr_t labels) {
  nb::gil_scoped_release unlocked;
  return label(reinterpret_cast<const uint8_t*>(mask), shape[0], shape[1], shape[2], stride.data(),
               displacements, reinterpret_cast<int32_t*>(labels));
}

void flood_image(uintptr_t image, long channels, Long3 size, int rule, double reach,
                 const std::vector<Long3>& displacements, uintptr_t labels, uintptr_t costs) {
  nb::gil_scoped_release unlocked;
  flood(reinterpret_cast<const float*>(image), channels, size, Flood(rule), reach, displacements,
        reinterpret_cast<int32_t*>(labels), reinterpret_cast<double*>(costs));
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
  m.attr("compiler") = SPEL_COMPILER;
  m.def("label", &label_mask);
  m.def("flood", &flood_image);
  nb::class_<Program>(m, "Program")
      .def(nb::init<>())
      .def("source", &Program::source)
      .def("convolve", &Program::convolve)
      .def("pool", &Program::pool)
      .def("divide_by_norm", &Program::divide_by_norm)
      .def("activate", &Program::activate)
      .def("output", &Program::output)
      .def("finish", &Program::finish)
      .def("run", &Program::run);
}
