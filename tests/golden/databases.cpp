#include "golden/databases.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <mudi/crm/identifier.hpp>
#include <mudi/server/customers.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/server/purchases.hpp>
#include <mudi/server/quarantine.hpp>
#include <mudi/server/schema.hpp>
#include <mudi/server/status.hpp>

namespace mudi::golden {
namespace {

constexpr const char* cards[] = {"2900000000018", "2900000000025", "2900000000032", "2900000000049"};

Json captured_words(till::Replica& replica) {
    Json events = Json::array();
    for (EventSeq after{};;) {
        const auto read = must(replica.read_outbox(after, till::OutboxLimits{}));
        if (read.events.empty()) return events;
        for (const sync::Event& event : read.events) {
            events.push_back(describe(event));
            after = event.seq;
        }
    }
}

/// Members by card: what the till greets them with.
Json member_words(OpenTill& till, const Key256& identifier_key) {
    Json members = Json::object();
    for (const char* card : cards) {
        const auto hash =
            crm::identifier_hash(identifier_key, must(crm::parse_card(card, identifier_rules())));
        const auto held = must(till.store->storage().find_profile(hash));
        if (!held) continue;
        members[card] = {
            {"slice", describe(held->slice)}, {"local", held->local.value}, {"spent", held->spent.value}};
    }
    return members;
}

Json receipt_words(OpenTill& till) {
    Json receipts = Json::object();
    for (const char* number : {"1", "2", "3", "4", "5", "6", "7", "8"}) {
        const auto receipt = till.desk->receipt({number, {}}, selling);
        if (!receipt) continue;
        Json& words = receipts[number] = {{"seq", receipt->seq.value},
                                          {"event", to_hex(receipt->event.value)},
                                          {"kind", static_cast<int>(receipt->kind)},
                                          {"total", receipt->total.minor},
                                          {"earned", receipt->points_earned.value}};
        if (receipt->points_balance) words["balance"] = receipt->points_balance->value;
    }
    return receipts;
}

Json suspended_words(OpenTill& till) {
    const auto memory = must(till.store->storage().load());
    Json words = {{"hlc", memory.hlc}, {"suspended", Json::array()}, {"holds", Json::array()}};
    for (const auto& open : memory.suspended) words["suspended"].push_back(describe(open));
    for (const auto& hold : memory.holds)
        words["holds"].push_back({{"id", to_hex(hold.id.value)},
                                  {"number", hold.transaction.number},
                                  {"profile", hold.profile.value},
                                  {"points", hold.points.value},
                                  {"amount", hold.amount.minor}});
    if (memory.settings) words["settings"] = describe(*memory.settings);
    return words;
}

Json customer_words(OpenServer& server) {
    server::CustomerReader reader{*server.writer, server.keys.identifier_key, identifier_rules()};
    Json customers = Json::object();
    for (const char* card : cards) {
        for (const ProfileId id : must(reader.find(card))) {
            const auto profile = must(reader.profile(id));
            customers[card] = {{"id", id.value},
                               {"name", profile.golden.name},
                               {"phone", profile.golden.phone},
                               {"points", profile.points.value},
                               {"tier", profile.tier},
                               {"visits", profile.visits},
                               {"spent", profile.spent.minor},
                               {"records", profile.records.size()},
                               {"offers", profile.offers.size()}};
        }
    }
    return customers;
}

Json purchase_words(OpenServer& server) {
    Json purchases = Json::array();
    server::PurchaseReader reader{*server.writer};
    for (const auto& row : must(reader.list({}, 0, server::PurchaseReader::list_max)))
        purchases.push_back({{"arrival", row.arrival},
                             {"event", to_hex(row.event.value)},
                             {"till", row.till.value},
                             {"store", row.key.store.value},
                             {"number", row.key.number},
                             {"kind", static_cast<int>(row.kind)},
                             {"total", row.total.minor},
                             {"lines", row.lines},
                             {"flags", row.flags}});
    return purchases;
}

Json standing_words(OpenServer& server) {
    server::StatusReader reader{*server.writer};
    const auto counts = must(reader.counts(selling));
    Json words = {{"purchases", counts.purchases},   {"lines", counts.lines},
                  {"profiles", counts.profiles},     {"source_records", counts.source_records},
                  {"received", counts.received},     {"applied", counts.applied},
                  {"waiting", counts.waiting},       {"quarantined", counts.quarantined},
                  {"offers_out", counts.offers_out}, {"tills", Json::array()},
                  {"quarantine", Json::array()}};
    for (const auto& till : must(reader.tills(selling)))
        words["tills"].push_back({{"till", till.till.value},
                                  {"store", till.store.value},
                                  {"workstation", till.workstation.value},
                                  {"incarnation", to_hex(Bits128{0, till.incarnation.value})},
                                  {"acked", till.acked.value},
                                  {"received", till.received}});
    for (const auto& event : must(server::QuarantineReader{*server.writer}.list(100)))
        words["quarantine"].push_back(
            {{"id", event.id}, {"reason", event.reason}, {"event", to_hex(event.event.id.value)}});
    return words;
}

/// By kind and key; the versions are the server's own business.
Json feed_words(OpenServer& server) {
    Json feed = Json::object();
    for (const char* store : {"KOL01", "PUN02"}) {
        server::FeedReader reader{*server.writer};
        const auto page = must(reader.read(StoreId{store}, 0, 100'000'000));
        Json& rows = feed[store] = Json::object();
        for (const sync::FeedRow& row : page.rows) {
            if (row.deleted) continue;
            Json words = describe(row);
            words.erase("version");
            rows[std::to_string(row.kind) + " " + row.key] = std::move(words);
        }
    }
    return feed;
}

} // namespace

void give_up(const Error& error) {
    std::fprintf(stderr, "%s: %s\n", error.name.c_str(), error.what.c_str());
    std::abort();
}

crm::IdentifierRules identifier_rules() { return {{{"29", 13, 13}}, "91", {}}; }

till::DeskOptions desk_options() {
    till::DeskOptions options;
    options.till = TillId{3};
    options.store = StoreId{"KOL01"};
    options.workstation = WorkstationId{"2"};
    options.loyalty_ranges = identifier_rules().loyalty_ranges;
    return options;
}

till::StoreOptions till_options(const std::string& folder, const Key256& data_key) {
    till::StoreOptions options;
    options.path = folder + "/till.db";
    options.till = TillId{3};
    options.store = StoreId{"KOL01"};
    options.workstation = WorkstationId{"2"};
    options.data_key = data_key;
    options.durability = db::Durability::off;
    return options;
}

Key256 till_key(const std::string& folder) {
    std::ifstream in{folder + "/till.key"};
    std::string hex;
    in >> hex;
    const auto bytes = from_hex(hex);
    const auto key = bytes ? key256_from_bytes(*bytes) : std::nullopt;
    if (!key) give_up(Error{Code::corrupt, "golden.key", folder + "/till.key"});
    return *key;
}

OpenTill open_till(const std::string& folder) {
    OpenTill till;
    till.random = std::make_unique<SeededRandom>(3);
    till.store = must(till::Store::open(till_options(folder, till_key(folder)), *till.random));
    till.desk = must(till::Desk::open(desk_options(), till.store->storage(), *till.random));
    return till;
}

OpenServer open_server(const std::string& folder) {
    OpenServer server;
    db::Options options;
    options.target = folder + "/mudi.db";
    options.durability = db::Durability::off;
    server.writer = must(db::Connection::open(options));
    must(server::migrate(*server.writer));
    SeededRandom random{1};
    server.keys = must(server::load_or_make_keys(*server.writer, random));
    return server;
}

Json till_words(OpenTill& till, const Key256& identifier_key) {
    const auto counts = till.store->replica().counts();
    const auto state = till.store->replica().state();
    Json products = Json::array();
    for (const char* item : {"8901", "8902", "8904"}) {
        if (const auto product = must(till.store->storage().find_product(item)))
            products.push_back(describe(*product));
    }
    return {{"incarnation", to_hex(Bits128{0, state.incarnation.value})},
            {"last", state.last.value},
            {"acked", state.acked.value},
            {"captured", counts.captured},
            {"unsent", counts.unsent},
            {"profiles", counts.profiles},
            {"offers_held", counts.offers_held},
            {"products_held", counts.products},
            {"products", products},
            {"events", captured_words(till.store->replica())},
            {"receipts", receipt_words(till)},
            {"members", member_words(till, identifier_key)},
            {"memory", suspended_words(till)}};
}

Json server_words(OpenServer& server) {
    return {{"identifier_key", to_hex(view(server.keys.identifier_key))},
            {"standing", standing_words(server)},
            {"customers", customer_words(server)},
            {"purchases", purchase_words(server)},
            {"feed", feed_words(server)}};
}

} // namespace mudi::golden
