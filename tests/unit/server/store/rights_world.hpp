#pragma once

#include "unit/server/support/shop.hpp"

#include <mudi/server/enrolment.hpp>
#include <mudi/server/rights.hpp>

namespace mudi::test {

inline HoldId hold_of(std::uint64_t number) { return HoldId{Bits128{9, number}}; }

/// A sale of next to nothing that spends points which were held.
inline crm::RetailTransaction redemption(const std::string& number, const std::string& card_number,
                                         std::int64_t profile, std::int64_t points, HoldId hold,
                                         RightsHolder lender = {}) {
    auto member = card(card_number);
    member.profile = ProfileId{profile};
    auto t = sale(key_of(number), {{"bag", 1, 100}}, member);
    t.ledger.push_back({crm::LedgerKind::redeem_reward, Points{-points}, hold, lender});
    return t;
}

inline sync::Event event_of(const sync::RightReturned& returned, std::string_view id) {
    sync::Event event;
    event.id = EventId{hash128(id)};
    event.kind = static_cast<std::uint32_t>(sync::EventKind::right_returned);
    event.body = sync::encode(returned);
    return event;
}

/// A server with its books of rights. Store KOL01; its till 1 leads.
struct Bank {
    explicit Bank(db::Engine engine) : shop(engine), book(*shop.writer), enrolment(*shop.writer) {
        add_till(1, "KOL01", true);
        add_till(2, "KOL01", false);
        hello(1, 11);
        hello(2, 21);
    }
    void add_till(std::int64_t number, const std::string& store, bool lead) {
        must(enrolment.add_till({StoreId{store}, WorkstationId{std::to_string(number)}, TillId{number}, lead},
                                noon));
        auto& life = shop.lives[number];
        life.till = TillId{number};
        life.store = store;
    }
    sync::TillHello greeting(std::int64_t till, std::uint64_t holder, std::uint64_t machine = 5) {
        auto said = shop.lives.at(till).hello();
        said.workstation = WorkstationId{std::to_string(till)};
        said.holder = RightsHolder{holder};
        said.machine = Bits128{1, machine};
        return said;
    }
    void hello(std::int64_t till, std::uint64_t holder, Time now = noon, std::uint64_t machine = 5) {
        must(shop.inbox->register_till(greeting(till, holder, machine), now));
    }
    /// As a till that signed what it says, asked at `asked`.
    void hello(std::int64_t till, std::uint64_t holder, Time now, Time asked, sync::OnHold holds,
               std::uint64_t machine = 5) {
        auto said = greeting(till, holder, machine);
        said.on_hold = holds;
        must(shop.inbox->register_till(said, now, asked));
    }
    /// Profiles are numbered in the order in which their cards first come.
    void earn(const std::string& card_number, std::int64_t points) {
        shop.push(1, std::vector{sale(key_of("earn" + std::to_string(++sales)), {{"tea", 1, points * 10'000}},
                                      card(card_number))});
        shop.apply_all();
    }
    server::ApplyReport tell(std::int64_t till, std::vector<sync::Event> events) {
        shop.push(till, std::move(events));
        return shop.apply_all();
    }
    /// Under a right, without a hold of the server's.
    sync::RightReturned back(std::int64_t profile, std::uint64_t lender, std::int64_t points) {
        return {ProfileId{profile}, RightsHolder{lender}, std::nullopt, Points{points}};
    }
    Result<sync::ReserveAnswer> ask(std::int64_t till, std::uint64_t hold, std::int64_t profile,
                                    std::int64_t points, Time now = noon) {
        return book.reserve({TillId{till}, hold_of(hold), ProfileId{profile}, Points{points}}, now);
    }
    void policy(const server::PointsPolicy& points) {
        shop.refresh = std::make_unique<server::OfferRefresh>(*shop.writer, shop.keys.identifier_key,
                                                              crm::OfferPolicy{}, points);
        must(book.adopt(points, noon));
    }
    /// What the slice says that this holder has.
    crm::Right right(std::int64_t profile, std::uint64_t holder, const std::string& store = "KOL01") {
        const auto slices = shop.slices(store);
        const auto slice = slices.find(profile);
        if (slice == slices.end()) return {};
        for (const auto& one : slice->second.rights) {
            if (one.holder.value == holder) return one;
        }
        return {};
    }
    server::PointsExposure exposure(std::int64_t floor_limit = 200) {
        return must(server::RightsReader{*shop.writer}.exposure(Points{floor_limit}));
    }

    Shop shop;
    server::RightsBook book;
    server::Enrolment enrolment;
    int sales{};
};

} // namespace mudi::test
