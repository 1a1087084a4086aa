#include <algorithm>
#include <iterator>

#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

/// Earns four points (event 1) and spends a hundred (event 2): from 120 to 25 with the one earned beside it.
struct Spent : Till {
    explicit Spent(StoreOptions options) : Till(std::move(options)) { run(); }
    Spent() { run(); }
    void run() {
        know_customers();
        auto document = sale("0001", {tea(4)});
        document.customer = Presented{PresentedKind::card, kamala_card};
        REQUIRE(desk->complete(document, morning));
        REQUIRE(desk->begin({named("0002"), {}, {}, {}}, morning));
        REQUIRE(desk->identify(named("0002"), {PresentedKind::phone, kamala_phone}, morning));
        const auto hold = desk->redeem(named("0002"), Points{100}, morning)->hold;
        auto paid = sale("0002", {tea(2)});
        paid.tenders = {{crm::TenderKind::loyalty_points, hold.amount, {}},
                        {crm::TenderKind::cash, rupees(175), {}}};
        REQUIRE(desk->complete(paid, morning));
        REQUIRE(points() == 25);
    }
    [[nodiscard]] std::int64_t points() const { return points_of(kamala_card).value; }
    void send_all() { REQUIRE(store->replica().read_outbox(EventSeq{0}, {})); }
};

} // namespace

TEST_CASE("what was never sent counts whole whatever slice comes") {
    Spent till;
    till.feed({row_of(kamala(120), 5)});
    CHECK(till.points() == 25);
    till.feed({row_of(kamala(500), 6)});
    CHECK(till.points() == 405);
}

TEST_CASE(
    "what may have reached the server is never counted twice as income, and as spent until it surely is") {
    Spent till;
    till.send_all();
    CHECK(till.points() == 25);          // the slice is from before
    till.feed({row_of(kamala(120), 5)}); // made before the server had anything
    CHECK(till.points() == 20);
    till.feed({row_of(kamala(25), 6)}); // contains both, but we cannot know
    CHECK(till.points() == -75);
    till.acked(2);
    CHECK(till.points() == -75);
    till.feed({row_of(kamala(25), 7)});
    CHECK(till.points() == 25);
}

TEST_CASE("a slice is taken for what it says, by the numbers under which our events arrived") {
    test::TempDir folder;
    Spent till(store_options(folder.file("till.db")));
    till.send_all();
    till.acked(2, 9);
    till.feed({row_of(kamala(124), 5, 8)}); // accepted, but the second not applied yet
    CHECK(till.points() == 24);
    till.feed({row_of(kamala(25), 6, 9)});
    CHECK(till.points() == 25);
    till.feed({row_of(kamala(25), 7, 99)});
    CHECK(till.points() == 25);
    till.reopen();
    CHECK(till.points() == 25);
}

TEST_CASE("a slice from before anything arrived contains nothing of ours, though it is acknowledged since") {
    Spent till;
    till.send_all();
    till.acked(2, 9);
    till.feed({row_of(kamala(120), 5, 0)});
    CHECK(till.points() == 20);
}

TEST_CASE("a slice that overtook the acknowledgement is understood when that comes") {
    Spent till;
    till.acked(0); // greeted
    till.send_all();
    till.feed({row_of(kamala(25), 5, 9)});
    CHECK(till.points() == -75); // not yet sure
    till.acked(2, 9);
    CHECK(till.points() == 25);
}

TEST_CASE("a server restored from a backup has forgotten: what was spent counts again") {
    Spent till;
    till.send_all();
    till.acked(2, 9);
    till.feed({row_of(kamala(25), 5, 9)});
    REQUIRE(till.points() == 25);
    till.acked(0, 0, 2);
    CHECK(till.points() == 25); // the slice still has it
    till.level_with({{row_of(settings(), 1), row_of(kamala(120), 2, 3)}});
    CHECK(till.points() == 20);
}

TEST_CASE("a slice of a history that a restore ended is not believed about numbers given out anew") {
    Till till;
    till.know_customers();
    auto document = sale("0001", {tea(4)});
    document.customer = Presented{PresentedKind::card, kamala_card};
    REQUIRE(till.desk->complete(document, morning));
    REQUIRE(till.store->replica().read_outbox(EventSeq{0}, {}));
    till.acked(1, 5);
    till.feed({row_of(kamala(200), 6, 100)}); // the server was busy with other tills
    REQUIRE(till.points_of(kamala_card) == Points{200});
    REQUIRE(till.desk->begin({named("0002"), {}, {}, {}}, morning));
    REQUIRE(till.desk->identify(named("0002"), {PresentedKind::card, kamala_card}, morning));
    const auto hold = till.desk->redeem(named("0002"), Points{100}, morning)->hold;
    auto paid = sale("0002", {tea(2)});
    paid.tenders = {{crm::TenderKind::loyalty_points, hold.amount, {}},
                    {crm::TenderKind::cash, rupees(175), {}}};
    REQUIRE(till.desk->complete(paid, morning));
    till.acked(1, 5, 2); // restored
    REQUIRE(till.store->replica().read_outbox(EventSeq{1}, {}));
    till.acked(2, 60, 2); // number 60 was another's in the history that the slice knows
    CHECK(till.points_of(kamala_card).value <= 101);
}

TEST_CASE("a part that brings the same slice again brings what it contains now") {
    Spent till;
    till.send_all();
    till.acked(2, 9);
    till.feed({row_of(kamala(25), 5, 8)});
    CHECK(till.points() == -75);
    auto bucket = Bucket{{row_of(kamala(25), 9, 9)}};
    REQUIRE(till.store->replica().apply_part(bucket.part(1, 0)));
    CHECK(till.points() == 25);
}

namespace {

/// The truth beside a till: what the server has of it, and the balance after each event.
struct Shop {
    explicit Shop(std::uint64_t seed) : till(store_options(folder.file("till.db")), seed), dice(seed) {
        till.feed({row_of(settings(), 1), row_of(slice, 2)});
        till.desk->server_seen({true, morning});
    }

    void earn() {
        auto document = sale(std::to_string(++number), {tea(1 + static_cast<std::int64_t>(dice.below(5)))});
        document.customer = Presented{PresentedKind::card, kamala_card};
        const auto receipt = till.desk->complete(document, morning);
        REQUIRE(receipt);
        after_event.push_back(after_event.back() + receipt->points_earned.value);
    }
    void spend() {
        const auto name = named(std::to_string(++number));
        REQUIRE(till.desk->begin({name, {}, {}, {}}, morning));
        REQUIRE(till.desk->identify(name, {PresentedKind::card, kamala_card}, morning));
        const auto hold = till.desk->redeem(name, Points{20}, morning);
        if (!hold) {
            REQUIRE(till.desk->cancel(name, morning));
            return;
        }
        auto paid = sale(name.number, {tea(1)});
        paid.tenders = {{crm::TenderKind::loyalty_points, hold->hold.amount, {}},
                        {crm::TenderKind::cash, rupees(95), {}}};
        REQUIRE(till.desk->complete(paid, morning));
        after_event.push_back(after_event.back() - 20);
    }
    void send() {
        const auto read = till.store->replica().read_outbox(EventSeq{stored}, {1 + dice.below(5), 1 << 20});
        REQUIRE(read);
        if (!read->events.empty()) sent = std::max(sent, read->events.back().seq.value);
    }
    /// The server stores some of what was sent; other tills' events come in between.
    void arrive() {
        if (sent <= stored) return;
        const auto more = 1 + dice.below(static_cast<std::uint64_t>(sent - stored));
        for (std::uint64_t i = 0; i < more; ++i) {
            arrivals += 1 + static_cast<std::int64_t>(dice.below(3));
            arrival_of.push_back(arrivals);
        }
        stored += static_cast<std::int64_t>(more);
    }
    void apply() { applied = stored; }
    void acknowledge() {
        till.acked(stored, stored == 0 ? 0 : arrival_of[static_cast<std::size_t>(stored)], generation);
    }
    void send_slice() {
        slice.balance = Points{after_event[static_cast<std::size_t>(applied)]};
        till.feed({row_of(slice, ++version, arrival_of[static_cast<std::size_t>(applied)])});
    }
    /// Of a backup; greeted before anything else is said.
    void restore() {
        stored = static_cast<std::int64_t>(dice.below(static_cast<std::uint64_t>(stored) + 1));
        arrival_of.resize(static_cast<std::size_t>(stored) + 1);
        arrivals = arrival_of.back();
        applied = std::min(applied, stored);
        sent = stored;
        ++generation;
        acknowledge();
    }
    void restart() {
        till.reopen();
        till.desk->server_seen({true, morning});
    }

    test::TempDir folder;
    Till till;
    SeededRandom dice;
    crm::ProfileSlice slice = kamala(150);
    std::vector<std::int64_t> after_event{150};
    std::int64_t sent{};
    std::int64_t stored{};
    std::int64_t applied{};
    std::int64_t arrivals{};
    std::vector<std::int64_t> arrival_of{0};
    std::uint64_t generation{1};
    std::int64_t version{10};
    int number{};
};

} // namespace

TEST_CASE("spendable points are never overstated, whatever the order of sending, acks, slices, restarts and "
          "restores") {
    void (Shop::*const steps[])() = {&Shop::earn,       &Shop::spend,   &Shop::send,
                                     &Shop::arrive,     &Shop::apply,   &Shop::acknowledge,
                                     &Shop::send_slice, &Shop::restart, &Shop::restore};
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        Shop shop(seed);
        for (int step = 0; step < 80; ++step) {
            (shop.*steps[shop.dice.below(std::size(steps))])();
            CAPTURE(seed, step);
            CHECK(shop.till.points_of(kamala_card).value <= shop.after_event.back());
        }
    }
}
