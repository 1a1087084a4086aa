#include "unit/server/support/shop.hpp"

#include <mudi/server/backup.hpp>
#include <mudi/server/enrolment.hpp>

using namespace mudi;
using namespace mudi::test;

namespace {

constexpr std::chrono::minutes minute{1};

server::TillRow row_of(Shop& shop, std::int64_t till, Time now = noon) {
    for (auto& row : must(server::StatusReader{*shop.writer}.tills(now))) {
        if (row.till.value == till) return row;
    }
    FAIL("no till " << till);
    return {};
}

/// Says hello, and sells one thing when asked to.
void contact(Shop& shop, TillLife& life, Time now, int sold = 0) {
    must(shop.inbox->register_till(life.hello(now), now));
    if (sold == 0) return;
    const auto batch = life.batch({event_of(sale(key_of("n" + std::to_string(sold)), {{"tea", 1, 5000}}))});
    must(must(shop.inbox->append({&batch, 1}, now)).front());
}

} // namespace

TEST_CASE("what a hello says of its till is shown") {
    Shop shop{each_engine()};
    TillLife life{TillId{1}};
    auto said = life.hello(noon);
    said.last = EventSeq{12};
    said.version = "0.2.0";
    said.lead_url = "tls+tcp://till1:7411";
    must(shop.inbox->register_till(said, noon));
    const auto batch = life.batch({event_of(sale(key_of("a"), {{"tea", 1, 5000}}))});
    must(must(shop.inbox->append({&batch, 1}, noon + minute)).front());
    const auto row = row_of(shop, 1);
    CHECK(row.program == "0.2.0");
    CHECK(row.lead_url == "tls+tcp://till1:7411");
    CHECK(row.captured.value == 12);
    CHECK(row.acked.value == 1);
    CHECK(row.unsent == 11);
    CHECK(row.unsafe == 1);
    CHECK(row.lives == 1);
    CHECK(row.last_contact == noon + minute);
    CHECK_FALSE(row.forked.has_value());
    CHECK_FALSE(row.clone);
    CHECK_FALSE(row.enrolled);
    CHECK(row.quarantined == 0);
}

TEST_CASE("a mark beyond what the hello knew leaves nothing unsent") {
    Shop shop{each_engine()};
    TillLife life{TillId{1}};
    contact(shop, life, noon, 1);
    CHECK(row_of(shop, 1).captured.value == 1);
    CHECK(row_of(shop, 1).unsent == 0);
}

TEST_CASE("quarantine is counted at the till it came from") {
    Shop shop{each_engine()};
    sync::Event damaged;
    damaged.id = EventId{hash128("damaged")};
    damaged.kind = 1;
    damaged.body = "\xff";
    shop.push(1, {damaged});
    shop.push(2, std::vector{sale(key_of("a"), {{"tea", 1, 5000}})});
    shop.apply_all();
    CHECK(row_of(shop, 1).quarantined == 1);
    CHECK(row_of(shop, 2).quarantined == 0);
}

TEST_CASE("a new life is a fork unless the till was enrolled anew") {
    Shop shop{each_engine()};
    server::Enrolment enrolment{*shop.writer};
    const auto enrol = [&](const std::string& key, Time at) {
        must(enrolment.make_code(TillId{1}, {hash128(key), {}}, at));
        must(enrolment.enrol(hash128(key), {key, "ab", at + day * 90}, at));
    };
    must(enrolment.add_till({StoreId{"KOL01"}, WorkstationId{"1"}, std::nullopt, false}, noon));
    enrol("first disk", noon);
    TillLife first{TillId{1}, "KOL01", Incarnation{1}};
    TillLife second{TillId{1}, "KOL01", Incarnation{2}};
    TillLife third{TillId{1}, "KOL01", Incarnation{3}};
    contact(shop, first, noon + minute, 1);
    CHECK(row_of(shop, 1).enrolled);
    CHECK(row_of(shop, 1).certificate_until == noon + day * 90);
    enrol("second disk", noon + 2 * minute);
    contact(shop, second, noon + 3 * minute, 2);
    CHECK(row_of(shop, 1).lives == 2);
    CHECK_FALSE(row_of(shop, 1).forked.has_value());
    contact(shop, third, noon + 4 * minute);
    CHECK(row_of(shop, 1).forked == noon + 4 * minute);
    contact(shop, third, noon + 5 * minute);
    CHECK(row_of(shop, 1).forked == noon + 4 * minute);
    CHECK(row_of(shop, 1).incarnation.value == 3);
    CHECK_FALSE(row_of(shop, 1).clone);
    must(enrolment.revoke(TillId{1}, noon + 6 * minute));
    CHECK(row_of(shop, 1).revoked);
}

TEST_CASE("a machine that was only given a new key forks like any other") {
    Shop shop{each_engine()};
    TillLife first{TillId{1}, "KOL01", Incarnation{1}};
    TillLife second{TillId{1}, "KOL01", Incarnation{2}};
    contact(shop, first, noon, 1);
    server::Enrolment enrolment{*shop.writer};
    must(enrolment.make_code(TillId{1}, {hash128("code"), {}}, noon + minute));
    must(enrolment.enrol(hash128("code"), {"key", "ab", noon + day}, noon + minute));
    contact(shop, first, noon + 2 * minute, 2);
    contact(shop, second, noon + 3 * minute);
    CHECK(row_of(shop, 1).forked == noon + 3 * minute);
}

TEST_CASE("two machines that take turns are a clone") {
    Shop shop{each_engine()};
    TillLife one{TillId{1}, "KOL01", Incarnation{1}};
    TillLife two{TillId{1}, "KOL01", Incarnation{2}};
    contact(shop, one, noon, 1);
    contact(shop, two, noon + minute, 2);
    contact(shop, one, noon + 2 * minute, 3);
    CHECK_FALSE(row_of(shop, 1).clone); // one that came back
    if (GENERATE(false, true)) shop.open();
    contact(shop, two, noon + 3 * minute, 4);
    CHECK(row_of(shop, 1, noon + 3 * minute).clone);
    CHECK(row_of(shop, 1, noon + std::chrono::hours{23}).clone);
    CHECK_FALSE(row_of(shop, 1, noon + std::chrono::hours{25}).clone);
    CHECK(row_of(shop, 1).received == 4);
}

TEST_CASE("an image put back, or turns far apart, are no clone") {
    Shop shop{each_engine()};
    TillLife one{TillId{1}, "KOL01", Incarnation{1}};
    TillLife two{TillId{1}, "KOL01", Incarnation{2}};
    TillLife three{TillId{1}, "KOL01", Incarnation{3}};
    contact(shop, one, noon, 1);
    contact(shop, two, noon + minute, 2);
    contact(shop, one, noon + 2 * minute); // the image
    contact(shop, three, noon + 3 * minute, 3);
    contact(shop, three, noon + 4 * minute, 4);
    CHECK_FALSE(row_of(shop, 1, noon + 4 * minute).clone);
    Time now = noon + std::chrono::hours{5};
    for (int turn = 0; turn < 6; ++turn) {
        contact(shop, turn % 2 == 0 ? one : two, now, 10 + turn);
        now += 11 * minute;
    }
    CHECK_FALSE(row_of(shop, 1, now).clone);
}

TEST_CASE("late copies of an old life's push are no turn") {
    Shop shop{each_engine()};
    TillLife one{TillId{1}, "KOL01", Incarnation{1}};
    must(shop.inbox->register_till(one.hello(noon), noon));
    const auto push = one.batch({event_of(sale(key_of("a"), {{"tea", 1, 5000}}))});
    must(must(shop.inbox->append({&push, 1}, noon)).front());
    TillLife two{TillId{1}, "KOL01", Incarnation{2}};
    for (int turn = 1; turn < 6; ++turn) {
        contact(shop, two, noon + turn * minute, turn);
        must(must(shop.inbox->append({&push, 1}, noon + turn * minute)).front());
    }
    CHECK_FALSE(row_of(shop, 1, noon + 6 * minute).clone);
    CHECK(row_of(shop, 1).incarnation.value == 2);
}
