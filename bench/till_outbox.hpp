#pragma once

#include <filesystem>
#include <memory>

#include <mudi/till/store.hpp>

#include "bench/grocery.hpp"

namespace mudi::bench {

/// A till's own database with events in its outbox and nothing else, so that a drain begins where a till's
/// does: on the disk. A fresh copy for every run, as a run writes down what was acknowledged.
class TillOutbox {
public:
    /// Writes all of `events` to `file`, and closes it.
    static Result<TillOutbox> fill(std::filesystem::path file, TillId till, const Outbox& events);
    /// A copy of the file, opened durable with the till's own settings; the copy is overwritten next time.
    [[nodiscard]] Result<std::unique_ptr<till::Store>> open_copy(Random& random) const;

private:
    TillOutbox(std::filesystem::path file, TillId till) : file_(std::move(file)), till_(till) {}
    [[nodiscard]] till::StoreOptions options(const std::filesystem::path& file) const;

    std::filesystem::path file_;
    TillId till_;
};

} // namespace mudi::bench
