#include <mudi/base/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace mudi {

void assert_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "mudi: broken promise: %s (%s:%d)\n", expression, file, line);
    std::abort();
}

} // namespace mudi
