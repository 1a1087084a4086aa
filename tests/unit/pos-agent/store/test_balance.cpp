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
    REQUIRE(till.store->replica().save_ack(EventSeq{2}, 1));
    CHECK(till.points() == -75);
    till.feed({row_of(kamala(25), 7)});
    CHECK(till.points() == 25);
}

TEST_CASE("with the server's own mark a slice is taken for what it contains") {
    Spent till;
    till.send_all();
    REQUIRE(till.store->replica().save_ack(EventSeq{2}, 1));
    till.feed({row_of(kamala(124), 5)}, false, true, EventSeq{1}); // accepted, but the second not applied yet
    CHECK(till.points() == 24);
    till.feed({row_of(kamala(25), 6)}, false, true, EventSeq{2});
    CHECK(till.points() == 25);
    till.feed({row_of(kamala(25), 7)}, false, true, EventSeq{99});
    CHECK(till.points() == 25);
}

TEST_CASE("a server restored from a backup has forgotten: what was spent counts again") {
    Spent till;
    till.send_all();
    REQUIRE(till.store->replica().save_ack(EventSeq{2}, 1));
    till.feed({row_of(kamala(25), 5)});
    REQUIRE(till.points() == 25);
    REQUIRE(till.store->replica().save_ack(EventSeq{0}, 2));
    till.feed({row_of(settings(), 1), row_of(kamala(120), 2)}, true);
    CHECK(till.points() == 20);
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
    /// The server stores some of what was sent and applies it at once.
    void arrive() {
        if (sent > stored)
            stored += 1 + static_cast<std::int64_t>(dice.below(static_cast<std::uint64_t>(sent - stored)));
    }
    void acknowledge() { REQUIRE(till.store->replica().save_ack(EventSeq{stored}, 1)); }
    void send_slice() {
        slice.balance = Points{after_event[static_cast<std::size_t>(stored)]};
        till.feed({row_of(slice, ++version)});
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
    std::int64_t version{10};
    int number{};
};

} // namespace

TEST_CASE("spendable points are never overstated, whatever the order of sending, acks, slices and restarts") {
    void (Shop::*const steps[])() = {&Shop::earn,        &Shop::spend,      &Shop::send,   &Shop::arrive,
                                     &Shop::acknowledge, &Shop::send_slice, &Shop::restart};
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        Shop shop(seed);
        for (int step = 0; step < 80; ++step) {
            (shop.*steps[shop.dice.below(std::size(steps))])();
            CAPTURE(seed, step);
            CHECK(shop.till.points_of(kamala_card).value <= shop.after_event.back());
        }
    }
}
