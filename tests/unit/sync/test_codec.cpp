#include <catch2/catch.hpp>

#include <mudi/base/hash.hpp>
#include <mudi/sync/event.hpp>

#include "unit/sync/grocery.hpp"
#include "unit/sync/random_values.hpp"

using namespace mudi;
using namespace mudi::sync;

namespace {

Event event_of(EventKind kind, std::string body, EventId id = {}) {
    return {EventSeq{1}, id, 0, static_cast<std::uint32_t>(kind), event_schema, std::move(body)};
}

Result<crm::RetailTransaction> transaction_back(const crm::RetailTransaction& transaction) {
    MUDI_TRY(EventBody body,
             decode(event_of(EventKind::retail_transaction, encode(transaction), transaction.id)));
    return std::get<crm::RetailTransaction>(body);
}

/// Length-delimited field 12 (a line) or 13 (a tender) with the given content, as protobuf writes it.
std::string field(int number, const std::string& content) {
    return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(content.size())} + content;
}

std::string error_of(EventKind kind, const std::string& body) {
    const auto result = decode(event_of(kind, body));
    return result ? "" : result.error().name;
}

} // namespace

TEST_CASE("every field of a transaction comes back as it was, over its whole range", "[sync]") {
    SeededRandom random(11);
    for (int i = 0; i < 1500; ++i) {
        const crm::RetailTransaction transaction = test::random_transaction(random);
        CAPTURE(i);
        const auto back = transaction_back(transaction);
        REQUIRE(back);
        REQUIRE(*back == transaction);
    }
}

TEST_CASE("an everyday sale comes back, and its lines cost nothing beyond what the catalogue says",
          "[sync]") {
    test::Grocery shop(3);
    for (int i = 0; i < 200; ++i) {
        const crm::RetailTransaction sale = shop.transaction();
        REQUIRE(transaction_back(sale) == sale);
    }
    crm::RetailTransaction plain = shop.transaction(1);
    plain.member.reset();
    plain.ledger.clear();
    crm::RetailTransaction dearer = plain;
    dearer.lines.front().amount.minor += 1; // no longer price x quantity
    CHECK(encode(dearer).size() > encode(plain).size());
}

TEST_CASE("the smallest transaction comes back", "[sync]") {
    crm::RetailTransaction transaction;
    transaction.key.day = BusinessDay{20261121};
    REQUIRE(transaction_back(transaction) == transaction);
}

TEST_CASE("a transaction of the largest size allowed comes back", "[sync]") {
    SeededRandom random(5);
    crm::RetailTransaction transaction = test::random_transaction(random);
    crm::LineItem line;
    line.number = 0;
    line.amount = line.tax = Money{0, transaction.currency};
    transaction.lines.assign(2000, line);
    for (crm::LineItem& each : transaction.lines)
        each.number = static_cast<std::int32_t>(&each - transaction.lines.data()) + 1;
    REQUIRE(transaction_back(transaction) == transaction);
    line.number = 2001;
    transaction.lines.push_back(line);
    CHECK(transaction_back(transaction).error().name == "event.corrupt");
}

TEST_CASE("records, profiles and products come back as they were", "[sync]") {
    SeededRandom random(12);
    for (int i = 0; i < 500; ++i) {
        CAPTURE(i);
        const crm::SourceRecord record = test::random_source_record(random);
        const auto body = decode(event_of(EventKind::source_record, encode(record)));
        REQUIRE(body);
        REQUIRE(std::get<crm::SourceRecord>(*body) == record);
        const crm::ProfileSlice slice = test::random_profile(random);
        REQUIRE(decode_profile(encode(slice)) == slice);
        const crm::Product product = test::random_product(random);
        REQUIRE(decode_product(encode(product)) == product);
    }
}

TEST_CASE("a returned right comes back, with and without a hold", "[sync]") {
    RightReturned returned{ProfileId{7}, RightsHolder{~std::uint64_t{0}}, HoldId{hash128("hold")},
                           Points{40}};
    for (const bool hold : {true, false}) {
        if (!hold) returned.hold.reset();
        const auto body = decode(event_of(EventKind::right_returned, encode(returned)));
        REQUIRE(body);
        CHECK(std::get<RightReturned>(*body) == returned);
    }
    returned.points.value = 0;
    CHECK(error_of(EventKind::right_returned, encode(returned)) == "event.corrupt");
    CHECK(error_of(EventKind::right_returned, "") == "event.corrupt");
    CHECK(error_of(EventKind::right_returned, encode(RightReturned{ProfileId{0}, {}, {}, Points{1}})) ==
          "event.corrupt");
}

TEST_CASE("bodies without the fields that came after 0.1.0 are the bytes that 0.1.0 wrote", "[sync]") {
    std::string key;
    for (char c = 0; c < 32; ++c) key += c;
    crm::StoreSettings settings;
    settings.identifier_key = *key256_from_bytes(key);
    settings.member_code_key = settings.identifier_key.data;
    settings.offline_points = crm::OfflinePoints::escrow;
    const std::string old_settings =
        "0a20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f1220000102030405060708090a0b0c0d"
        "0e0f101112131415161718191a1b1c1d1e1f1a0708a09c0110e4022205083210e4022828309003";
    CHECK(to_hex(encode(settings)) == old_settings);
    CHECK(decode_settings(*from_hex(old_settings)) == settings);

    crm::ProfileSlice slice;
    slice.id.value = 17;
    slice.name = "Rina";
    slice.language = "bn";
    slice.tier = "gold";
    slice.balance.value = 250;
    slice.identifiers = {IdentifierHash{*bits128_from_bytes("0123456789abcdef")}};
    const std::string old_slice =
        "0811120452696e611a02626e2204676f6c6428f403321030313233343536373839616263646566";
    CHECK(to_hex(encode(slice)) == old_slice);
    CHECK(decode_profile(*from_hex(old_slice)) == slice);

    crm::RetailTransaction sale;
    sale.key.store.value = "A";
    sale.key.day = BusinessDay{20261121};
    crm::LedgerEntry& entry = sale.ledger.emplace_back();
    entry.kind = crm::LedgerKind::create_reward;
    entry.points.value = -20;
    entry.hold = HoldId{*bits128_from_bytes("0123456789abcdef")};
    const std::string old_ledger = "7a16080110271a1030313233343536373839616263646566";
    CHECK(to_hex(encode(sale)).ends_with(old_ledger));
}

TEST_CASE("store settings come back with their keys", "[sync]") {
    SeededRandom random(1);
    crm::StoreSettings settings;
    settings.identifier_key = random.key256();
    settings.member_code_key = random.key256().data;
    settings.loyalty.redeem_min = Points{7};
    settings.loyalty.point_value = Money{33, inr};
    settings.offline_points = crm::OfflinePoints::floor_limit;
    settings.lead = {TillId{4}, "http://10.0.0.4:8077"};
    REQUIRE(decode_settings(encode(settings)) == settings);
    CHECK(decode_settings("").error().name == "feed.corrupt"); // without keys there are no settings
}

TEST_CASE("a body of a newer program or of an unknown kind is told from a damaged one", "[sync]") {
    Event event = event_of(EventKind::source_record, encode(crm::SourceRecord{}));
    event.schema = event_schema + 1;
    CHECK(decode(event).error().name == "event.newer_schema");
    CHECK(decode(event).error().code == Code::unavailable);
    event.schema = event_schema;
    event.kind = 77;
    CHECK(decode(event).error().name == "event.unknown_kind");
    event.kind = 1;
    event.schema = 0;
    CHECK(decode(event).error().code == Code::corrupt);
}

TEST_CASE("values outside their range are refused, not bent", "[sync]") {
    const std::string day{"\x28\xe5\xc6\xd4\x09", 5}; // field 5: 20259685 is no date
    CHECK(error_of(EventKind::retail_transaction, day) == "event.corrupt");
    crm::RetailTransaction valid;
    valid.key.day = BusinessDay{20261121};
    const std::string body = encode(valid);
    REQUIRE(error_of(EventKind::retail_transaction, body) == "");
    CHECK(error_of(EventKind::retail_transaction, body + "\x30\x07") == "event.corrupt"); // kind 8
    CHECK(error_of(EventKind::retail_transaction, body + field(12, "\x50\x05")) ==
          "event.corrupt"); // line type 6
    CHECK(error_of(EventKind::retail_transaction, body + field(13, "\x08\x0c")) ==
          "event.corrupt"); // tender kind 13
    CHECK(error_of(EventKind::retail_transaction, body + field(12, "\x0a\x02\xc3\x28")) ==
          "event.corrupt"); // not UTF-8
    CHECK(error_of(EventKind::retail_transaction, body + field(12, "\x6a\x03\x12\x01x")) ==
          "event.corrupt"); // offer of 1 byte
    CHECK(error_of(EventKind::retail_transaction, body + field(14, "123")) == "event.corrupt");
    CHECK(error_of(EventKind::retail_transaction, body + "\x7a\x01") == "event.corrupt"); // cut short
    crm::RetailTransaction dear = valid;
    dear.total.minor = money_minor_max + 1;
    dear.total.currency = dear.currency;
    CHECK(error_of(EventKind::retail_transaction, encode(dear)) == "event.corrupt");
    CHECK(error_of(EventKind::retail_transaction, std::string(event_body_bytes_max + 1, '\0')) ==
          "event.corrupt");
    CHECK(error_of(EventKind::source_record, "\x1a\x02\xc3\x28") == "event.corrupt");
    CHECK(decode_product("\x0a\x02\xc3\x28").error().name == "feed.corrupt");
    CHECK(decode_profile("").error().name == "feed.corrupt"); // a profile without an id
}

TEST_CASE("fields of a newer program in our own schema are passed over", "[sync]") {
    crm::RetailTransaction valid;
    valid.key.day = BusinessDay{20261121};
    const std::string unknown{"\xfa\x7f\x03new", 6}; // field 2047
    const auto body = decode(event_of(EventKind::retail_transaction, encode(valid) + unknown));
    REQUIRE(body);
    CHECK(std::get<crm::RetailTransaction>(*body) == valid);
}

TEST_CASE("no body crashes the decoder, whatever is done to its bytes", "[sync]") {
    SeededRandom random(21);
    test::Grocery shop(4);
    for (int i = 0; i < 3000; ++i) {
        Event event = shop.sale(3);
        for (std::uint64_t flips = random.below(4); flips > 0; --flips) {
            event.body[random.below(event.body.size())] ^= static_cast<char>(1 << random.below(8));
        }
        if (random.below(3) == 0) event.body.resize(random.below(event.body.size()));
        event.kind = 1 + static_cast<std::uint32_t>(random.below(3));
        const auto result = decode(event);
        if (!result) CHECK(result.error().name == "event.corrupt");
        static_cast<void>(decode_profile(event.body));
        static_cast<void>(decode_product(event.body));
        static_cast<void>(decode_settings(event.body));
    }
}
