// The threads of the process that wait for parts of a run.
//
// The idea: to make a thread takes longer than to pool a small image. So threads stay when their part is done, look
// for the next one for some microseconds, then sleep, and end after some seconds without work. They are never joined:
// a run waits for its parts, not for threads, and a process may end while they sleep.
#pragma once

#include <cstdint>
#include <functional>

#include "interrupt.hpp"

namespace spel {

// Does part(0) .. part(count - 1), the first in this thread and the others in threads of the team as far as the system
// has them, and returns when all are done. `waiting` is called now and then while only others still work. An exception
// of a part is thrown again here, after all parts have ended.
void in_parts(int64_t count, const std::function<void(int64_t)>& part, const std::function<void()>& waiting);

// The same for bands of a loop; each has a pulse, and once `poll` is true, all throw Interrupted.
void in_bands(int64_t count, const Poll& poll, const std::function<void(int64_t, Pulse&)>& band);

}  // namespace spel
