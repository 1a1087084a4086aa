#pragma once

namespace mudi {

/// Prints the broken promise to stderr and aborts: a bug, never bad input. systemd starts us again.
[[noreturn]] void assert_failed(const char* expression, const char* file, int line);

} // namespace mudi

/// Always on, in every build.
#define MUDI_ASSERT(expression)                                                                              \
    ((expression) ? static_cast<void>(0) : ::mudi::assert_failed(#expression, __FILE__, __LINE__))
