#include "team.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace spel {
namespace {

using Task = std::function<void()>;
using Clock = std::chrono::steady_clock;
constexpr auto kLook = std::chrono::microseconds(50);  // about what it takes to wake a thread that sleeps
constexpr auto kPatience = std::chrono::seconds(5);

inline void pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// Looks again and again until `done` or the time is over. It does not yield: others may keep the core for milliseconds.
template <class Done>
void look(Done done) {
  for (const auto end = Clock::now() + kLook; !done() && Clock::now() < end;)
    for (int i = 0; i < 8; ++i) pause();
}

class Team {
 public:
  // Gives the task to a thread that waits, or to a new one; false if the system has no more threads.
  bool begin(Task task) {
    {
      std::lock_guard<std::mutex> hold(lock);
      if (waiting > int64_t(tasks.size())) {
        tasks.push_back(std::move(task));
        posted.store(int64_t(tasks.size()), std::memory_order_release);
        wake.notify_one();
        return true;
      }
    }
    try {
      std::thread([this, task = std::move(task)]() mutable { work(std::move(task)); }).detach();
    } catch (const std::system_error&) { return false; }
    return true;
  }

 private:
  void work(Task task) {
    std::unique_lock<std::mutex> hold(lock, std::defer_lock);
    while (true) {
      task();
      task = nullptr;
      hold.lock();
      ++waiting;
      hold.unlock();
      look([this] { return posted.load(std::memory_order_acquire) > 0; });
      hold.lock();
      const bool found = wake.wait_for(hold, kPatience, [this] { return !tasks.empty(); });
      --waiting;
      if (!found) return;
      task = std::move(tasks.front());
      tasks.pop_front();
      posted.store(int64_t(tasks.size()), std::memory_order_release);
      hold.unlock();
    }
  }

  std::mutex lock;
  std::condition_variable wake;
  std::deque<Task> tasks;
  std::atomic<int64_t> posted{0};  // the number of tasks, to look at without the lock
  int64_t waiting = 0;             // threads without a task
};

// Never destroyed: its threads may outlive everything. A child process has no threads, so it gets a new team.
Team*& the_team() {
  static Team* team = [] {
#if defined(__unix__) || defined(__APPLE__)
    pthread_atfork(nullptr, nullptr, [] { the_team() = new Team; });
#endif
    return new Team;
  }();
  return team;
}

// What the parts of a run share; it lives until the last of them has let go.
struct Shared {
  std::atomic<int64_t> running{0};
  std::mutex lock;
  std::condition_variable ended;
  std::exception_ptr failure;
};

}  // namespace

void in_parts(int64_t count, const std::function<void(int64_t)>& part, const std::function<void()>& waiting) {
  auto shared = std::make_shared<Shared>();
  const auto guarded = [&part](Shared& all, int64_t index) {
    try {
      part(index);
    } catch (...) {
      std::lock_guard<std::mutex> hold(all.lock);
      all.failure = std::current_exception();
    }
  };
  std::vector<int64_t> left;  // parts that got no thread
  for (int64_t index = 1; index < count; ++index) {
    shared->running.fetch_add(1);
    const bool begun = the_team()->begin([shared, guarded, index] {
      guarded(*shared, index);
      std::lock_guard<std::mutex> hold(shared->lock);
      if (shared->running.fetch_sub(1) == 1) shared->ended.notify_one();
    });
    if (begun) continue;
    shared->running.fetch_sub(1);
    left.push_back(index);
  }
  guarded(*shared, 0);
  for (int64_t index : left) guarded(*shared, index);
  look([&] { return shared->running.load() == 0; });
  std::unique_lock<std::mutex> hold(shared->lock);
  while (shared->running.load() > 0) {
    shared->ended.wait_for(hold, std::chrono::milliseconds(50));
    hold.unlock();
    waiting();
    hold.lock();
  }
  if (shared->failure) std::rethrow_exception(shared->failure);
}

void in_bands(int64_t count, const Poll& poll, const std::function<void(int64_t, Pulse&)>& band) {
  Stop stop(poll);
  const Poll asked = [&] { return stop.ask(); }, seen = [&] { return stop.is_set(); };
  const auto caller = std::this_thread::get_id();
  const auto part = [&](int64_t index) {
    Pulse pulse(std::this_thread::get_id() == caller ? asked : seen);
    band(index, pulse);
  };
  in_parts(count, part, asked);
}

}  // namespace spel
