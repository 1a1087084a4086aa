#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <mudi/crm/transaction_rules.hpp>
#include <mudi/till/desk.hpp>
#include <mudi/till/store.hpp>

#include "support/temp_dir.hpp"

/// A till of a shop in Kolkata, with a real database in a folder of its own.
namespace mudi::till::fixture {

inline Money rupees(std::int64_t amount) { return {amount * 100, inr}; }
inline Time at(std::string_view text) { return *parse_time(text); }
inline const Time morning = at("2026-11-21T05:00:00Z"); // half past ten in the shop

inline StoreOptions store_options(std::string path) {
    StoreOptions options;
    options.path = std::move(path);
    options.till = TillId{3};
    options.store = StoreId{"KOL01"};
    options.workstation = WorkstationId{"2"};
    options.data_key.data.fill(7);
    options.durability = db::Durability::off;
    return options;
}

inline DeskOptions desk_options() {
    DeskOptions options;
    options.till = TillId{3};
    options.store = StoreId{"KOL01"};
    options.workstation = WorkstationId{"2"};
    options.loyalty_ranges = {{"29", 13, 13}};
    return options;
}

inline crm::StoreSettings settings() {
    crm::StoreSettings out;
    out.identifier_key.data.fill(9);
    out.offline_points = crm::OfflinePoints::floor_limit;
    return out;
}

inline const std::string kamala_card = "2900000000018";
inline const std::string kamala_phone = "9830012345";
inline const std::string rahim_card = "2900000000025";

inline crm::Identifier card_of(const std::string& number) {
    return *crm::parse_card(number, {{{"29", 13, 13}}, "91", {}});
}
inline IdentifierHash hash_of(const crm::Identifier& identifier) {
    return crm::identifier_hash(settings().identifier_key, identifier);
}

inline crm::Offer tea_offer() {
    crm::Offer offer;
    offer.id = OfferId{{1, 1}};
    offer.kind = crm::OfferKind::usual_item;
    offer.item_id = "8901030865275";
    offer.percent = BasisPoints{1000};
    offer.amount_off = {0, inr};
    offer.basket_min = rupees(50);
    offer.discount_max = {0, inr};
    offer.valid_from = morning - std::chrono::hours{24};
    offer.valid_to = morning + std::chrono::hours{24};
    return offer;
}

inline crm::ProfileSlice kamala(std::int64_t balance = 120) {
    crm::ProfileSlice slice;
    slice.id = ProfileId{17};
    slice.name = "কমলা দাস";
    slice.language = "bn";
    slice.tier = "silver";
    slice.balance = Points{balance};
    slice.identifiers = {hash_of(card_of(kamala_card)), hash_of(*crm::parse_phone(kamala_phone, {}))};
    slice.offers = {tea_offer()};
    return slice;
}

inline crm::ProfileSlice rahim() {
    crm::ProfileSlice slice;
    slice.id = ProfileId{18};
    slice.name = "Rahim Sheikh";
    slice.language = "en";
    slice.balance = Points{1000};
    slice.identifiers = {hash_of(card_of(rahim_card))};
    return slice;
}

/// `applied`: the slice contains all events up to this arrival number.
inline sync::FeedRow row_of(const crm::ProfileSlice& slice, std::int64_t version, std::int64_t applied = 0) {
    return {version,
            static_cast<std::uint32_t>(sync::FeedKind::profile),
            std::to_string(slice.id.value),
            false,
            sync::encode(slice),
            applied};
}
inline sync::FeedRow gone(ProfileId id, std::int64_t version) {
    return {version, static_cast<std::uint32_t>(sync::FeedKind::profile), std::to_string(id.value), true, {}};
}
inline sync::FeedRow row_of(const crm::Product& product, std::int64_t version) {
    return {version, static_cast<std::uint32_t>(sync::FeedKind::product), product.item_id, false,
            sync::encode(product)};
}
inline sync::FeedRow row_of(const crm::StoreSettings& store_settings, std::int64_t version) {
    return {version, static_cast<std::uint32_t>(sync::FeedKind::settings), "settings", false,
            sync::encode(store_settings)};
}

inline crm::LineItem tea(std::int64_t pieces = 2) {
    crm::LineItem line;
    line.item_id = "8901030865275";
    line.description = "Tea 250 g";
    line.category = "tea";
    line.quantity = Quantity{pieces * 1000};
    line.unit_price = rupees(100);
    line.amount = rupees(100 * pieces);
    line.tax = {0, inr};
    return line;
}

inline TransactionName named(std::string number) { return {std::move(number), {}}; }

inline SaleDocument sale(std::string number, std::vector<crm::LineItem> lines) {
    SaleDocument document;
    document.name = named(std::move(number));
    const Money total = *crm::total_of(lines, inr, true);
    document.lines = std::move(lines);
    document.tenders = {{crm::TenderKind::cash, total, {}}};
    document.total = total;
    return document;
}

inline crm::BusinessKey key_of(const std::string& number, BusinessDay day = BusinessDay{20261121}) {
    return {StoreId{"KOL01"}, WorkstationId{"2"}, day, number};
}

inline crm::LineItem back(crm::LineItem line, const std::string& number, std::int32_t of = 1) {
    line.type = crm::LineType::return_;
    line.link = crm::LineLink{key_of(number), of};
    return line;
}

inline SaleDocument taken_back(std::string number, std::vector<crm::LineItem> lines) {
    SaleDocument document = sale(std::move(number), std::move(lines));
    document.kind = crm::TransactionKind::return_;
    return document;
}

template <class T>
std::string error_of(const Result<T>& result) {
    return result ? "none" : result.error().name;
}

/// A bucket as a server has it.
struct Bucket {
    std::vector<sync::FeedRow> rows;

    [[nodiscard]] static std::size_t part_of(const sync::FeedRow& row, std::size_t parts) {
        return sync::part_of(row.kind, row.key) * parts / sync::parts_max;
    }
    [[nodiscard]] sync::Manifest manifest(std::size_t parts) const {
        sync::Manifest out;
        out.digests.resize(parts);
        for (const sync::FeedRow& row : rows)
            out.digests[part_of(row, parts)] += sync::row_digest(row.kind, row.key, row.body);
        return out;
    }
    [[nodiscard]] sync::till_out::ApplyPart part(std::size_t parts, std::uint32_t part) const {
        sync::till_out::ApplyPart out{static_cast<std::uint32_t>(parts), part, {}};
        for (const sync::FeedRow& row : rows)
            if (part_of(row, parts) == part) out.rows.push_back(row);
        return out;
    }
};

struct Till {
    explicit Till(StoreOptions options, std::uint64_t seed = 1)
        : random(seed), store_options(std::move(options)) {
        reopen();
    }
    Till() : Till(fixture::store_options(":memory:")) {}

    void reopen() {
        desk.reset();
        store.reset();
        auto opened = Store::open(store_options, random);
        REQUIRE(opened);
        store = *std::move(opened);
        auto made = Desk::open(desk_options(), store->storage(), random);
        REQUIRE(made);
        desk = *std::move(made);
    }
    FeedOutcome feed(std::vector<sync::FeedRow> rows) {
        FeedBatch batch;
        batch.cursor = {5, rows.empty() ? 0 : rows.back().version};
        batch.rows = std::move(rows);
        batch.complete = true;
        auto outcome = store->replica().apply_feed(batch);
        REQUIRE(outcome);
        REQUIRE(desk->feed_applied(outcome->changed, outcome->settings_changed, morning));
        return *outcome;
    }
    /// `server` has our events up to `acked`, the last of which came as number `arrival` of all.
    void acked(std::int64_t acked, std::int64_t arrival = 0, std::uint64_t server = 1,
               std::int64_t safe = 0) {
        REQUIRE(store->replica().save_ack({EventSeq{acked}, server, EventSeq{safe}, arrival}));
    }
    void know_customers() { feed({row_of(settings(), 1), row_of(kamala(), 2), row_of(rahim(), 3)}); }

    /// Compares and mends. Gives how many parts differed.
    std::size_t level_with(const Bucket& bucket, std::size_t parts = 16) {
        auto& replica = store->replica();
        const auto differing = replica.compare(bucket.manifest(parts));
        REQUIRE(differing);
        for (const std::uint32_t part : *differing) {
            const auto outcome = replica.apply_part(bucket.part(parts, part));
            REQUIRE(outcome);
            REQUIRE(desk->feed_applied(outcome->changed, outcome->settings_changed, morning));
        }
        REQUIRE(replica.apply_feed({{}, {5, 1000}, false}));
        return differing->size();
    }

    [[nodiscard]] Points points_of(const std::string& card, Time now = morning) const {
        auto found = desk->search(card, now);
        REQUIRE(found);
        REQUIRE(found->size() == 1);
        return found->front().points;
    }

    SeededRandom random;
    StoreOptions store_options;
    std::unique_ptr<Store> store;
    std::unique_ptr<Desk> desk;
};

} // namespace mudi::till::fixture
