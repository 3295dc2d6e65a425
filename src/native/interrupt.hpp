#pragma once

#include <functional>

namespace spel {

// Asked now and then by the calling thread of a long loop: whether the work is to end (Ctrl-C).
using Poll = std::function<bool()>;

// Thrown by a loop that was told to end; what it has written so far means nothing.
struct Interrupted {};

}  // namespace spel
