#include "support/alloc_meter.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>

#include <malloc.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MUDI_COUNTS_ALLOCATIONS 0
#else
#define MUDI_COUNTS_ALLOCATIONS 1
#endif

namespace mudi::test {
namespace {

constinit std::atomic<bool> metering{false};
constinit std::atomic<std::int64_t> held{0};
constinit std::atomic<std::int64_t> held_max{0};
constinit std::atomic<std::int64_t> piece_max{0};

void raise(std::atomic<std::int64_t>& most, std::int64_t value) {
    std::int64_t before = most.load(std::memory_order_relaxed);
    while (before < value && !most.compare_exchange_weak(before, value, std::memory_order_relaxed)) {
    }
}

} // namespace

void* took(void* piece) {
    if (piece != nullptr && metering.load(std::memory_order_relaxed)) {
        const auto size = static_cast<std::int64_t>(::malloc_usable_size(piece));
        raise(held_max, held.fetch_add(size, std::memory_order_relaxed) + size);
        raise(piece_max, size);
    }
    return piece;
}

void gave_back(void* piece) {
    if (piece != nullptr && metering.load(std::memory_order_relaxed))
        held.fetch_sub(static_cast<std::int64_t>(::malloc_usable_size(piece)), std::memory_order_relaxed);
}

AllocMeter::AllocMeter() {
    held = 0;
    held_max = 0;
    piece_max = 0;
    metering = true;
}
AllocMeter::~AllocMeter() { metering = false; }
std::size_t AllocMeter::peak() const { return static_cast<std::size_t>(held_max.load()); }
std::size_t AllocMeter::largest() const { return static_cast<std::size_t>(piece_max.load()); }
bool AllocMeter::counts() { return MUDI_COUNTS_ALLOCATIONS != 0; }

} // namespace mudi::test

#if MUDI_COUNTS_ALLOCATIONS
// The C library's own names for what it does.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* piece, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* piece);

void* malloc(std::size_t size) { return mudi::test::took(__libc_malloc(size)); }
void* calloc(std::size_t count, std::size_t size) { return mudi::test::took(__libc_calloc(count, size)); }
void* realloc(void* piece, std::size_t size) {
    mudi::test::gave_back(piece);
    return mudi::test::took(__libc_realloc(piece, size));
}
void* memalign(std::size_t alignment, std::size_t size) {
    return mudi::test::took(__libc_memalign(alignment, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }
int posix_memalign(void** piece, std::size_t alignment, std::size_t size) {
    void* taken = memalign(alignment, size);
    if (taken == nullptr) return ENOMEM;
    *piece = taken;
    return 0;
}
void free(void* piece) {
    mudi::test::gave_back(piece);
    __libc_free(piece);
}
}
#endif
