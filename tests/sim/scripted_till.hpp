#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <mudi/base/hash.hpp>
#include <mudi/base/random.hpp>
#include <mudi/till/store.hpp>

#include "disk.hpp"
#include "vfs.hpp"

/// A till's real store on a simulated disk, driven by a script of numbered sales.
namespace mudi::sim {

inline const Time shop_opens = *parse_time("2026-11-21T05:00:00Z");

inline EventId sale_event(int number) { return EventId{hash128("sale " + std::to_string(number))}; }

/// Bytes like those of an encoded sale: 600 or so, told by the number alone.
inline std::string sale_body(int number) {
    SeededRandom random(static_cast<std::uint64_t>(number));
    std::string body(560 + random.below(80), '\0');
    for (char& c : body) c = static_cast<char>(random.next());
    return body;
}

inline till::SaleToRecord numbered_sale(int number) {
    till::SaleToRecord sale;
    sale.event.id = sale_event(number);
    sale.event.hlc = number;
    sale.event.kind = static_cast<std::uint32_t>(sync::EventKind::retail_transaction);
    sale.event.body = sale_body(number);
    sale.captured = shop_opens + Duration{number * 1000};
    auto& rows = sale.sale.emplace();
    rows.key = {BusinessDay{20261121}, std::to_string(number)};
    rows.content_hash = hash128(sale.event.body);
    rows.total = {number * 100, inr};
    till::LedgerRow earned;
    earned.member = IdentifierHash{hash128("member " + std::to_string(number % 5))};
    earned.profile = ProfileId{number % 5 + 1};
    earned.entry.points = Points{number};
    rows.ledger.push_back(earned);
    return sale;
}

inline till::Hold numbered_hold(int number) {
    till::Hold hold;
    hold.id = HoldId{hash128("hold " + std::to_string(number))};
    hold.transaction = {BusinessDay{20261121}, std::to_string(number)};
    hold.profile = ProfileId{1};
    hold.points = Points{10};
    hold.amount = {100, inr};
    hold.expires = shop_opens;
    return hold;
}

/// What a rebooted till finds.
struct TillFound {
    std::string refused; ///< name of the error when the store does not open
    std::string damage;  ///< what is wrong with the outbox; empty: a whole chain of the script's sales from 1
    std::int64_t sales{};
};

class ScriptedTill {
public:
    explicit ScriptedTill(Disk& disk, const std::string& name = "till") : mount_(name, disk) {
        options.path = mount_.path("till.db");
        options.vfs = vfs_name;
        options.till = TillId{3};
        options.store = StoreId{"KOL01"};
        options.workstation = WorkstationId{"2"};
        options.data_key.data.fill(7);
    }

    [[nodiscard]] Status start() {
        store.reset();
        auto opened = till::Store::open(options, random_);
        if (!opened) return tl::make_unexpected(std::move(opened).error());
        store = *std::move(opened);
        return {};
    }
    /// Every third sale has a hold before it: commits without fsync among those with.
    [[nodiscard]] Status sell(int number) {
        if (number % 3 == 0) {
            const till::Hold hold = numbered_hold(number);
            auto kept = store->storage().keep(till::HoldReleased{hold.id}); // of an attempt before
            if (kept) kept = store->storage().keep(hold);
            // A full disk may cost the customer the points, never the sale.
            if (!kept && kept.error().name != "till.disk_pressure") return kept;
        }
        auto recorded = store->storage().record(numbered_sale(number));
        if (!recorded) return tl::make_unexpected(std::move(recorded).error());
        return {};
    }

    /// Starts the machine and reads its whole outbox.
    TillFound look() {
        TillFound found;
        if (auto started = start(); !started) {
            found.refused = started.error().name;
            return found;
        }
        Bits128 chain;
        EventSeq after;
        for (;;) {
            auto read = store->replica().read_outbox(after, {});
            if (!read) {
                found.damage = read.error().name;
                break;
            }
            if (read->chain_before != chain) found.damage = "chain";
            if (read->events.empty()) break;
            for (const auto& event : read->events) {
                const auto number = static_cast<int>(++after.value);
                if (event.seq != after) found.damage = "gap";
                if (event.id != sale_event(number) || event.body != sale_body(number)) found.damage = "other";
                chain = chain_next(chain, event.body);
            }
        }
        found.sales = after.value;
        if (found.damage.empty() && store->replica().state().last != after) found.damage = "end";
        return found;
    }

    till::StoreOptions options;
    std::unique_ptr<till::Store> store;

private:
    Mount mount_;
    SeededRandom random_{11};
};

} // namespace mudi::sim
