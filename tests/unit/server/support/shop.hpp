#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <mudi/base/db/statement.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/base/random.hpp>
#include <mudi/crm/loyalty.hpp>
#include <mudi/server/apply.hpp>
#include <mudi/server/customers.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/server/import.hpp>
#include <mudi/server/inbox.hpp>
#include <mudi/server/keys.hpp>
#include <mudi/server/offer_refresh.hpp>
#include <mudi/server/publish.hpp>
#include <mudi/server/purchases.hpp>
#include <mudi/server/quarantine.hpp>
#include <mudi/server/schema.hpp>
#include <mudi/server/status.hpp>

#include "unit/db/engines.hpp"

namespace mudi::test {

inline const Time noon = time_from_ms(1'795'240'800'000); // 2026-11-21T06:00Z
inline constexpr std::chrono::days day{1};

/// Fails the test with the error's name.
template <class T>
T must(Result<T> result) {
    INFO((result ? std::string{} : result.error().name + ": " + result.error().what));
    REQUIRE(result.has_value());
    return *std::move(result);
}
inline void must(Status result) {
    INFO((result ? std::string{} : result.error().name + ": " + result.error().what));
    REQUIRE(result.has_value());
}

struct Bought {
    std::string item;
    std::int64_t quantity{1}; ///< pieces
    std::int64_t price{};     ///< paise a piece
};

inline crm::BusinessKey key_of(const std::string& number, const std::string& store = "KOL01",
                               const std::string& workstation = "1") {
    return {StoreId{store}, WorkstationId{workstation}, BusinessDay{20261121}, number};
}

inline crm::Member card(const std::string& number) {
    return {{crm::IdentifierKind::card, number}, std::nullopt};
}

/// A sale that passes the rules, with the points a till would book.
inline crm::RetailTransaction sale(const crm::BusinessKey& key, std::vector<Bought> items,
                                   std::optional<crm::Member> member = {}, Time at = noon) {
    crm::RetailTransaction t;
    t.id = EventId{hash128("sale" + key.store.value + key.workstation.value + key.number)};
    t.kind = crm::TransactionKind::sale;
    t.key = key;
    t.begin = at;
    t.end = at;
    t.currency = inr;
    t.member = std::move(member);
    std::int64_t total = 0;
    for (const Bought& item : items) {
        crm::LineItem line;
        line.number = static_cast<std::int32_t>(t.lines.size()) + 1;
        line.item_id = item.item;
        line.description = "thing " + item.item;
        line.category = "groceries";
        line.unit = "EA";
        line.quantity = Quantity{item.quantity * 1000};
        line.unit_price = Money{item.price, inr};
        line.amount = Money{item.price * item.quantity, inr};
        line.tax = Money{0, inr};
        total += line.amount.minor;
        t.lines.push_back(std::move(line));
    }
    t.total = Money{total, inr};
    t.tax_total = Money{0, inr};
    t.tenders.push_back({crm::TenderKind::cash, t.total, ""});
    if (t.member) {
        const Points earned = *crm::points_earned(t, crm::LoyaltyRules{});
        if (earned.value > 0) t.ledger.push_back({crm::LedgerKind::accumulate_points, earned, std::nullopt});
    }
    return t;
}

/// Takes `pieces` of one line back, as a till that does not know what to reverse.
inline crm::RetailTransaction return_of(const crm::RetailTransaction& original, std::int32_t line_number,
                                        std::int64_t pieces, const std::string& number) {
    const crm::LineItem& sold = original.lines.at(static_cast<std::size_t>(line_number - 1));
    crm::RetailTransaction t =
        sale(key_of(number, original.key.store.value, original.key.workstation.value),
             {{sold.item_id, pieces, sold.unit_price->minor}}, original.member, original.end);
    t.kind = crm::TransactionKind::return_;
    t.ledger.clear();
    t.lines[0].type = crm::LineType::return_;
    t.lines[0].link = crm::LineLink{original.key, line_number};
    t.total.minor = -t.total.minor;
    t.tenders[0].amount = t.total;
    return t;
}

inline crm::RetailTransaction void_of(const crm::RetailTransaction& original, const std::string& number) {
    crm::RetailTransaction t;
    t.key = key_of(number, original.key.store.value, original.key.workstation.value);
    t.id = EventId{hash128("void" + t.key.store.value + t.key.workstation.value + number)};
    t.kind = crm::TransactionKind::post_void;
    t.begin = t.end = original.end;
    t.currency = inr;
    t.member = original.member;
    t.total = t.tax_total = Money{0, inr};
    t.link = original.key;
    return t;
}

inline crm::SourceRecord person(const std::string& key, const std::string& name) {
    crm::SourceRecord record;
    record.source = "import";
    record.source_key = key;
    record.name = name;
    return record;
}

inline sync::Event event_of(const crm::RetailTransaction& t) {
    sync::Event event;
    event.id = t.id;
    event.kind = static_cast<std::uint32_t>(sync::EventKind::retail_transaction);
    event.body = sync::encode(t);
    return event;
}
inline sync::Event event_of(const crm::SourceRecord& record, std::string_view id) {
    sync::Event event;
    event.id = EventId{hash128(id)};
    event.kind = static_cast<std::uint32_t>(sync::EventKind::source_record);
    event.body = sync::encode(record);
    return event;
}

/// One life of a till as the server sees it.
struct TillLife {
    TillId till;
    std::string store{"KOL01"};
    Incarnation incarnation{77};
    sync::HighWater mark{};

    sync::TillHello hello(Time wall = noon) const {
        sync::TillHello said;
        said.till = till;
        said.store = StoreId{store};
        said.workstation = WorkstationId{"1"};
        said.incarnation = incarnation;
        said.last = mark.seq;
        said.wall = wall;
        said.schema = sync::event_schema;
        return said;
    }
    /// The next events of this life, in a batch of their own.
    sync::PushedBatch batch(std::vector<sync::Event> events) {
        sync::PushedBatch out{till, incarnation, mark.chain, std::move(events)};
        for (sync::Event& event : out.events) {
            event.seq = EventSeq{++mark.seq.value};
            mark.chain = chain_next(mark.chain, event.body);
        }
        return out;
    }
};

/// A server's data side on one engine.
struct Shop {
    explicit Shop(db::Engine engine) : database(engine), writer(database.open()) {
        must(server::migrate(*writer));
        SeededRandom random{1};
        keys = must(server::load_or_make_keys(*writer, random));
        start(2);
    }
    /// As a server does it; the seed stands for the drawn generation.
    void start(std::uint64_t seed, Time now = noon) {
        SeededRandom random{seed};
        lineage = must(server::begin_generation(*writer, random, now));
        open();
    }
    /// As after a restart: nothing remembered.
    void open() {
        rules.identifier_key = keys.identifier_key;
        rules.identifiers.loyalty_ranges = {{"29", 13, 13}, {"C", 2, 12}};
        inbox = std::make_unique<server::Inbox>(*writer);
        apply = std::make_unique<server::Apply>(*writer, rules);
        import = std::make_unique<server::Import>(*writer, *inbox, rules);
        refresh = std::make_unique<server::OfferRefresh>(*writer, keys.identifier_key, crm::OfferPolicy{});
    }
    TillLife& till(std::int64_t number, const std::string& store = "KOL01", Time wall = noon) {
        auto& life = lives[number];
        if (life.till.value == 0) {
            life.till = TillId{number};
            life.store = store;
            must(inbox->register_till(life.hello(wall), noon));
        }
        return life;
    }
    void push(std::int64_t number, std::vector<sync::Event> events) {
        const auto batch = till(number).batch(std::move(events));
        must(must(inbox->append({&batch, 1}, noon)).front());
    }
    void push(std::int64_t number, const std::vector<crm::RetailTransaction>& transactions) {
        std::vector<sync::Event> events;
        for (const auto& t : transactions) events.push_back(event_of(t));
        push(number, std::move(events));
    }
    server::ApplyReport apply_all(std::size_t chunk = server::Apply::chunk) {
        server::ApplyReport total;
        for (bool more = true; more;) {
            const auto report = must(apply->apply_some(chunk, noon));
            total.applied += report.applied;
            total.duplicates += report.duplicates;
            total.quarantined += report.quarantined;
            total.breached.value += report.breached.value;
            more = report.more;
        }
        return total;
    }
    std::vector<server::FeedMoved> refresh_all(Time now = noon) {
        std::map<StoreId, std::int64_t> newest;
        for (bool more = true; more;) {
            const auto report = must(refresh->refresh_some(server::OfferRefresh::chunk, now));
            for (const auto& moved : report.moved) newest[moved.store] = moved.newest;
            more = report.more;
        }
        std::vector<server::FeedMoved> moved;
        for (const auto& [store, version] : newest) moved.push_back({store, version});
        return moved;
    }
    server::ProfileView profile(const std::string& query) {
        server::CustomerReader reader{*writer, keys.identifier_key, rules.identifiers};
        const auto found = must(reader.find(query));
        REQUIRE(found.size() == 1);
        return must(reader.profile(found.front()));
    }
    std::vector<server::PurchaseRow> purchases() {
        return must(server::PurchaseReader{*writer}.list({}, 0, 1000));
    }
    std::uint32_t flags(const std::string& number) {
        for (const auto& row : purchases()) {
            if (row.key.number == number) return row.flags;
        }
        FAIL("no purchase " << number);
        return 0;
    }
    server::StatusCounts status() { return must(server::StatusReader{*writer}.counts(noon)); }
    std::vector<sync::FeedRow> feed(const std::string& store, std::int64_t after = 0) {
        return must(server::FeedReader{*writer}.read(StoreId{store}, after, 100'000'000)).rows;
    }
    /// Slices that a till of the store holds after reading all of its bucket.
    std::map<std::int64_t, crm::ProfileSlice> slices(const std::string& store) {
        std::map<std::int64_t, crm::ProfileSlice> held;
        for (const auto& row : feed(store)) {
            if (row.kind != static_cast<std::uint32_t>(sync::FeedKind::profile)) continue;
            if (!row.deleted) held[std::stoll(row.key)] = must(sync::decode_profile(row.body));
        }
        return held;
    }

    Database database;
    std::unique_ptr<db::Connection> writer;
    server::ServerKeys keys;
    sync::Lineage lineage;
    server::ApplyRules rules;
    std::unique_ptr<server::Inbox> inbox;
    std::unique_ptr<server::Apply> apply;
    std::unique_ptr<server::Import> import;
    std::unique_ptr<server::OfferRefresh> refresh;
    std::map<std::int64_t, TillLife> lives;
};

inline void print(std::string& out, std::int64_t value) { out += std::to_string(value) + "|"; }
inline void print(std::string& out, const std::string& value) { out += value + "|"; }
inline void print(std::string& out, const Bytes& value) { out += to_hex(value.data) + "|"; }
template <class T>
void print(std::string& out, const std::optional<T>& value) {
    if (value)
        print(out, *value);
    else
        out += "-|";
}

template <class... C>
std::string rows(db::Connection& connection, const std::string& sql) {
    std::string out;
    db::Query<db::Columns<C...>, db::Params<>> query{connection, sql};
    must(query.each([&](const C&... columns) {
        (print(out, columns), ...);
        out += '\n';
    }));
    return out;
}

/// Every projection as text; with `feed`, the feed up to its version numbers.
inline std::string dump(db::Connection& c, bool feed) {
    using I = std::int64_t;
    using S = std::string;
    using B = Bytes;
    std::string out;
    out += rows<I, B, I, S, S, I, S, I, I, I, I, std::optional<B>, I, I, I, I>(
        c, "SELECT id, event, till, store, workstation, day, number, kind, training, end_ms, at_ms, "
           "member_hash, record, total, "
           "lines, flags FROM purchase ORDER BY id");
    out += rows<I, I, I, S, I, I>(
        c, "SELECT purchase, line, type, item, quantity, amount FROM purchase_line ORDER BY purchase, line");
    out += rows<I, I, I, I, S>(
        c, "SELECT purchase, ordinal, kind, amount, reference FROM tender ORDER BY purchase, ordinal");
    out += rows<I, I>(c, "SELECT hash, purchase FROM business_key ORDER BY hash");
    out += rows<I, I>(c, "SELECT original, purchase FROM purchase_link ORDER BY original, purchase");
    out += rows<I, I, I, I, I>(
        c, "SELECT account, posting, kind, points, at_ms FROM ledger_entry ORDER BY account, posting");
    out += rows<I, S, S, S, S, S, S, I>(
        c, "SELECT id, source, source_key, name, phone, phone_raw, cards, superseded_by "
           "FROM source_record ORDER BY id");
    out += rows<B, I, I>(c, "SELECT hash, record, kind FROM record_identifier ORDER BY hash, record");
    out += rows<I, I>(c, "SELECT record, profile FROM profile_member ORDER BY record");
    out += rows<I, I, I>(c, "SELECT a, b, reason FROM merge_link ORDER BY a, b, reason");
    out += rows<I, S, I, I, I, I>(
        c, "SELECT record, item, times, first_ms, last_ms, spent FROM item_habit ORDER BY record, item");
    out +=
        rows<I, S, I, I, I, I>(c, "SELECT record, store, visits, first_ms, last_ms, spent FROM record_visit "
                                  "ORDER BY record, store");
    out += rows<S, S, S>(c, "SELECT item, description, category FROM item_word ORDER BY item");
    out += rows<I, S, I>(c, "SELECT id, reason, attempts FROM quarantine ORDER BY id");
    out += rows<S, I>(c, "SELECT name, value FROM counter WHERE value <> 0 ORDER BY name");
    if (feed) {
        out += rows<I, I>(c, "SELECT record, since_ms FROM dirty_record ORDER BY record");
        out += rows<I, B, I, S, S, I, I>(
            c, "SELECT profile, offer, kind, item, category, from_ms, to_ms FROM offer "
               "ORDER BY profile, offer");
        out += rows<S, I>(c, "SELECT store, newest FROM bucket ORDER BY store");
        out += rows<S, I, I, S, I, B>(
            c, "SELECT store, version, kind, key, deleted, body FROM feed ORDER BY store, version");
    }
    return out;
}

} // namespace mudi::test
