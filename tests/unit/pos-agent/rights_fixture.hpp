#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "till_fixture.hpp"

namespace mudi::till::fixture {

using std::chrono::hours;
using std::chrono::minutes;

/// What a machine remembers while it runs.
struct Witness final : RightsWitness {
    std::optional<Seen> read() override { return seen; }
    void write(const Seen& now) override {
        if (works) seen = now;
    }
    std::optional<Seen> seen;
    bool works{true};
};

struct Remembering {
    Witness witness;
};

inline crm::StoreSettings escrow_settings(TillId lead = TillId{3}) {
    crm::StoreSettings out = settings();
    out.offline_points = crm::OfflinePoints::escrow;
    out.lead = {lead, "tcp://192.168.1.10:7444"};
    return out;
}

/// A till of a store where points are in escrow, by default its lead; it heard the server in the morning.
struct Holding : Remembering, Till {
    explicit Holding(const std::string& path = ":memory:", TillId lead = TillId{3})
        : Till(options(path, witness)) {
        feed({row_of(escrow_settings(lead), ++version), row_of(rahim(), ++version)});
        desk->server_seen({false, morning});
    }
    static StoreOptions options(const std::string& path, Witness& witness) {
        StoreOptions out = fixture::store_options(path);
        out.machine = {4, 2};
        out.witness = &witness;
        return out;
    }

    [[nodiscard]] RightsHolder holder() const { return store->replica().state().holder; }
    [[nodiscard]] std::int64_t held() const { return store->replica().counts().rights_held.value; }

    void grant(std::int64_t granted, std::int64_t recalled = 0, std::int64_t balance = 1000) {
        crm::ProfileSlice slice = kamala(balance);
        slice.rights = {{RightsHolder{77}, {500}, {}}, {holder(), {granted}, {recalled}}};
        feed({row_of(slice, ++version)});
    }
    void serve(const std::string& number) const {
        REQUIRE(desk->begin({named(number), {}, {}, {}}, morning));
        REQUIRE(desk->identify(named(number), {PresentedKind::card, kamala_card}, morning));
    }
    [[nodiscard]] Result<Receipt> pay(const std::string& number, const Hold& hold, Time now = morning) const {
        auto document = sale(number, {tea(5)});
        document.tenders = {{crm::TenderKind::loyalty_points, hold.amount, {}},
                            {crm::TenderKind::upi, {rupees(500).minor - hold.amount.minor, inr}, {}}};
        document.hold = hold.id;
        document.customer = Presented{PresentedKind::card, kamala_card};
        document.end = now;
        document.begin = morning;
        return desk->complete(document, now);
    }
    /// Asks the server or the lead, who grants.
    [[nodiscard]] Hold granted(const std::string& number, std::int64_t points, AskedOf asked,
                               RightsHolder lender) const {
        const auto question = desk->prepare_redeem(named(number), {points}, asked, morning);
        REQUIRE(question);
        const auto hold = desk->hold_granted(named(number), *question, lender, morning);
        REQUIRE(hold);
        return hold->hold;
    }

    /// Everything that was said to be free again.
    [[nodiscard]] std::vector<sync::RightReturned> returned() const {
        std::vector<sync::RightReturned> out;
        const auto read = store->replica().read_outbox(EventSeq{0}, {});
        REQUIRE(read);
        for (const auto& event : read->events) {
            const auto body = sync::decode(event);
            REQUIRE(body);
            if (const auto* back = std::get_if<sync::RightReturned>(&*body)) out.push_back(*back);
        }
        return out;
    }
    /// Points that the books close under `lender`, by sales and by what went back.
    [[nodiscard]] std::int64_t closed_under(RightsHolder lender) const {
        std::int64_t sum = 0;
        const auto read = store->replica().read_outbox(EventSeq{0}, {});
        for (const auto& event : read->events) {
            const auto body = sync::decode(event);
            if (const auto* back = std::get_if<sync::RightReturned>(&*body); back && back->lender == lender)
                sum += back->points.value;
            const auto* sold = std::get_if<crm::RetailTransaction>(&*body);
            if (sold == nullptr) continue;
            for (const auto& entry : sold->ledger)
                if (entry.lender == lender) sum -= entry.points.value;
        }
        return sum;
    }

    std::int64_t version{};
};

} // namespace mudi::till::fixture
