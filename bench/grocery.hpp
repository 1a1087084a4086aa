#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <mudi/base/random.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/sync/event.hpp>
#include <mudi/sync/server_sync.hpp>

#include "cli/demo_shop/demo_shop.hpp"

namespace mudi::bench {

inline constexpr std::size_t lines_per_sale = 8;
/// Tills 1 and 2 stand in Kolkata, 3 and 4 in Pune.
inline constexpr std::int64_t tills = 4;

/// Sales of eight lines as the demo shop's people would make them: their habits first, then what else there
/// is. The same seed gives the same sales.
class Grocery {
public:
    Grocery(std::uint64_t seed, Time begin);

    [[nodiscard]] const cli::DemoShop& shop() const { return shop_; }
    std::vector<crm::LineItem> basket();
    /// The next sale of the chain, some minutes after the one before; 7 of 10 with a card. A till has booked
    /// its points.
    crm::RetailTransaction sale(std::int64_t till);
    [[nodiscard]] Time now() const { return now_; }
    Random& random() { return random_; }

private:
    std::vector<crm::LineItem> basket_of(const cli::ShopPerson& person);

    SeededRandom random_;
    cli::DemoShop shop_;
    Time now_;
    std::int64_t numbers_[tills + 1]{};
};

/// What one till has captured and how the server is told: dense seqs, one chain.
class Outbox {
public:
    explicit Outbox(std::int64_t till) : till_{till} {}

    void capture(const crm::RetailTransaction& sale);
    [[nodiscard]] sync::TillHello hello(Time wall) const;
    [[nodiscard]] EventSeq last() const { return {static_cast<std::int64_t>(events_.size())}; }
    [[nodiscard]] Bits128 chain_at(EventSeq seq) const;
    [[nodiscard]] std::vector<sync::Event> events_after(EventSeq seq, std::size_t count_max) const;
    /// At most `count_max` events that no batch has had.
    sync::PushedBatch next_batch(std::size_t count_max);

    static constexpr Incarnation incarnation{77};

private:
    TillId till_;
    std::vector<sync::Event> events_;
    std::vector<Bits128> chains_;
    EventSeq batched_{};
};

StoreId store_of(std::int64_t till);
WorkstationId workstation_of(std::int64_t till);

/// EAN-13 in the shop's own range, and an Indian mobile: one of each for every number.
std::string card_number(std::int64_t serial);
std::string phone_number(std::int64_t serial);

/// The shop's goods as a till gets them.
crm::Product product_of(const cli::ShopProduct& goods);

} // namespace mudi::bench
