#include <nlohmann/json.hpp>

#include "bench/wire_shop.hpp"

namespace mudi::bench {
namespace {

constexpr std::int64_t tills_of_chain = 30;
constexpr std::int64_t sales_before = 400;   ///< a till, in the backup
constexpr std::int64_t sales_of_day = 1'200; ///< a till, lost with the server: 24 h at 50 an hour
constexpr double back_seconds_max = 300;
constexpr std::chrono::seconds patience{900};

class Chain {
public:
    Chain(WireShop& shop, WireServer wire)
        : shop_(shop), grocery_(41, SystemClock{}.wall() - std::chrono::days{2}), all_(std::move(wire)) {
        for (std::int64_t till = 1; till <= tills_of_chain; ++till) outboxes_.emplace_back(till);
    }

    Status come() {
        for (std::int64_t till = 1; till <= tills_of_chain; ++till)
            MUDI_CHECK(all_.add(TillId{till}, WireShop::store(till), WireShop::workstation(till),
                                &outboxes_[index(till)]));
        return {};
    }
    void sell(std::int64_t sales) {
        for (std::int64_t till = 1; till <= tills_of_chain; ++till) {
            // The demo shop knows four tills; which of them rings it up is all the same to the server.
            for (std::int64_t i = 0; i < sales; ++i)
                outboxes_[index(till)].capture(grocery_.sale(till % tills + 1));
        }
        sold_ += sales * tills_of_chain;
        all_.captured();
    }
    /// Until the server has applied everything.
    Status drain() {
        std::int64_t looks = 0;
        return all_.run_until(
            [&] { return all_.linked() == all_.size() && (++looks % 20 == 0) && shop_.applied() == sold_; },
            patience);
    }
    [[nodiscard]] std::int64_t sold() const { return sold_; }

private:
    static std::size_t index(std::int64_t till) { return static_cast<std::size_t>(till - 1); }

    WireShop& shop_;
    Grocery grocery_;
    std::vector<Outbox> outboxes_;
    std::int64_t sold_{};
    WireTills all_;
};

} // namespace

Status measure_recovery(const Options& options, Sheet& sheet) {
    const std::int64_t share = options.quick ? 10 : 1;
    MUDI_TRY(auto shop, WireShop::make(options, "recovery", tills_of_chain));
    MUDI_CHECK(shop->start());
    MUDI_TRY(const WireServer wire, shop->server());
    Chain chain{*shop, wire};
    chain.sell(sales_before / share);
    MUDI_CHECK(chain.come());
    MUDI_CHECK(chain.drain());
    const auto copy = options.folder / "yesterday.db";
    MUDI_CHECK(shop->back_up(copy));
    const std::int64_t in_backup = chain.sold();
    chain.sell(sales_of_day / share);
    const Watch normal;
    MUDI_CHECK(chain.drain());
    const double first_time = normal.seconds();

    shop->kill();
    MUDI_CHECK(shop->restore(copy));
    const Watch watch;
    MUDI_CHECK(shop->start());
    MUDI_CHECK(chain.drain());
    const std::string what = std::to_string(tills_of_chain) + " tills, server put back by 24 h, " +
                             std::to_string(chain.sold() - in_backup) + " sales: all back and applied";
    sheet.add({.group = "recovery",
               .what = what,
               .value = watch.seconds(),
               .unit = "s",
               .anchor = first_time,
               .anchor_what = "the same sales for the first time",
               .aim = Aim::at_most,
               .target = back_seconds_max});
    return {};
}

} // namespace mudi::bench
