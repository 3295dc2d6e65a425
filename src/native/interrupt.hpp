// How a long loop ends early: it polls every few milliseconds whether the user has pressed Ctrl-C.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace spel {

// Whether the work shall end now. Only the calling thread may ask, because it may run Python code.
using Poll = std::function<bool()>;

// Thrown by a loop that ends early; what it has written so far is incomplete.
struct Interrupted {};

// Ends all threads of a run: the calling one polls, and the others look at the flag.
class Stop {
 public:
  explicit Stop(const Poll& poll) : poll(poll) {}
  bool is_set() const { return set.load(std::memory_order_relaxed); }
  bool ask() {  // only in the calling thread
    if (!is_set() && poll()) set.store(true, std::memory_order_relaxed);
    return is_set();
  }

 private:
  const Poll& poll;
  std::atomic<bool> set{false};
};

// Counts the work of a loop and polls after each 2^20 units. A unit is a few operations: some nanoseconds.
class Pulse {
 public:
  explicit Pulse(const Poll& poll) : poll(poll) {}
  void operator()(int64_t work) {
    if ((done += work) < 1 << 20) return;
    done = 0;
    if (poll()) throw Interrupted();
  }

 private:
  const Poll& poll;
  int64_t done = 0;
};

}  // namespace spel
