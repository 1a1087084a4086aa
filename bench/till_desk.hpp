#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include <mudi/base/random.hpp>
#include <mudi/till/desk.hpp>
#include <mudi/till/store.hpp>

#include "bench/grocery.hpp"

namespace mudi::bench {

/// A till without its process: the real database, durable, and the desk over it. Its folder is laid out as
/// mudi-till's, so that a real one can take it over afterwards.
class TillDesk {
public:
    static constexpr std::int64_t till = 1;

    static Result<std::unique_ptr<TillDesk>> open(const std::filesystem::path& folder);

    till::Desk& desk() { return *desk_; }
    [[nodiscard]] std::int64_t size_bytes() const { return store_->size_bytes(); }

    /// Settings, the shop's goods and `count` customers, as a server would send them: names in four scripts,
    /// a card and a phone each (card_number, phone_number of 1..count), two offers each.
    Status fill(const Grocery& grocery, std::int64_t count, Time now);

private:
    SeededRandom random_{5};
    std::unique_ptr<till::Store> store_;
    std::unique_ptr<till::Desk> desk_;
};

} // namespace mudi::bench
