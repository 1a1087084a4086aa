#include <algorithm>
#include <deque>
#include <map>
#include <vector>

#include <catch2/catch.hpp>

#include <mudi/base/random.hpp>
#include <mudi/crm/rights.hpp>

using namespace mudi;
using namespace mudi::crm;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

constexpr Points store_max{200};
constexpr Points useful_min{20};

/// What reaches the server, in the order in which one till wrote it.
struct Told {
    RightsHolder lender; ///< 0: a hold of the server
    std::int64_t hold{}; ///< of the server
    Points spent;
    Points returned;
};

/// One till's memory of its right, with what it has not told yet.
struct Holder {
    RightsHolder id;
    Right seen; ///< newest slice that arrived
    Points used;
    std::deque<Told> outbox;
};

/// One customer, a server that keeps the books, tills that are reached now and then.
struct World {
    explicit World(std::uint64_t seed) : random(seed) {
        for (std::uint64_t i = 1; i <= 3; ++i) {
            holders.push_back({RightsHolder{i}, {}, {}, {}});
            accounts.push_back({RightsHolder{i}, {}, {}, {}, false});
        }
    }

    std::uint64_t below(std::uint64_t n) { return random.below(n); }
    RightsAccount& account(RightsHolder id) {
        return *std::find_if(accounts.begin(), accounts.end(), [&](const auto& a) { return a.holder == id; });
    }
    [[nodiscard]] Points held() const {
        Points sum;
        for (const auto& [hold, points] : holds) sum.value += points.value;
        return sum;
    }
    [[nodiscard]] Points free() const { return free_points(balance, held(), accounts); }

    void earn() {
        const auto points = static_cast<std::int64_t>(below(120));
        balance.value += points;
        earned.value += points;
    }
    void grant() {
        for (RightsAccount& each : accounts) top_up(each, store_max, useful_min, free());
    }
    void slice_arrives(Holder& holder) {
        const RightsAccount& books = account(holder.id);
        holder.seen = {holder.id, books.granted, books.recalled};
        const Points back = to_return({holder.seen, holder.used});
        if (back.value == 0) return;
        holder.used.value += back.value;
        holder.outbox.push_back({holder.id, 0, {}, back});
    }
    /// Spent by the holder's own till, or lent to a neighbour whose telling takes another way.
    void spend_offline(Holder& holder) {
        const Points can = usable({holder.seen, holder.used}, hours{1});
        if (can.value == 0) return;
        const Points points{1 + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(can.value)))};
        holder.used.value += points.value;
        Holder& teller = holders[below(holders.size())];
        const bool abandoned = below(4) == 0;
        teller.outbox.push_back({holder.id, 0, abandoned ? Points{} : points, abandoned ? points : Points{}});
        if (!abandoned) spent.value += points.value;
    }
    void reserve_at_server(Holder& holder) {
        const Points wanted{1 + static_cast<std::int64_t>(below(300))};
        if (free() < wanted) {
            recall(accounts, {wanted.value - free().value});
            return;
        }
        holds.emplace(++last_hold, wanted);
        const bool abandoned = below(3) == 0;
        if (!abandoned) spent.value += wanted.value;
        holder.outbox.push_back(
            {{}, last_hold, abandoned ? Points{} : wanted, abandoned ? wanted : Points{}});
    }
    void hear(Holder& holder) {
        if (holder.outbox.empty()) return;
        const Told told = holder.outbox.front();
        holder.outbox.pop_front();
        balance.value -= told.spent.value;
        if (told.hold != 0) {
            holds.erase(told.hold);
        } else {
            breaches.value += close(account(told.lender), {told.spent.value + told.returned.value}).value;
        }
    }
    /// A new memory on the same machine; what it wrote before is still on its disk.
    void lose_memory(Holder& holder) {
        account(holder.id).dead = true;
        holder.id = RightsHolder{++last_holder};
        holder.seen = {holder.id, {}, {}};
        holder.used = {};
        accounts.push_back({holder.id, {}, {}, {}, false});
    }

    void step() {
        Holder& holder = holders[below(holders.size())];
        switch (below(8)) {
        case 0: return earn();
        case 1: return grant();
        case 2: return slice_arrives(holder);
        case 3:
        case 4: return spend_offline(holder);
        case 5: return reserve_at_server(holder);
        case 6: return hear(holder);
        default:
            if (below(10) == 0) lose_memory(holder);
        }
    }

    SeededRandom random;
    Points balance;
    std::vector<RightsAccount> accounts;
    std::map<std::int64_t, Points> holds;
    std::vector<Holder> holders;
    std::int64_t last_hold{};
    std::uint64_t last_holder{100};
    Points earned;
    Points spent; ///< whether told or not
    Points breaches;
};

} // namespace

TEST_CASE("never more is spent than was earned, whatever is lost, late or forgotten", "[rights]") {
    std::int64_t spent = 0;
    std::int64_t recalled = 0;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        World world(seed);
        for (int i = 0; i < 600; ++i) {
            world.step();
            REQUIRE(world.spent <= world.earned);
            Points set_aside = world.held();
            for (const auto& account : world.accounts) set_aside.value += outstanding(account).value;
            REQUIRE(set_aside <= world.balance);
        }
        for (Holder& holder : world.holders) {
            while (!holder.outbox.empty()) world.hear(holder);
        }
        CHECK(world.breaches == Points{});
        CHECK(world.balance.value == world.earned.value - world.spent.value);
        spent += world.spent.value;
        for (const auto& account : world.accounts) recalled += account.recalled.value;
    }
    // Or it proves nothing.
    CHECK(spent > 100'000);
    CHECK(recalled > 10'000);
}

TEST_CASE("a memory that came back from a copy and goes on spending is noticed", "[rights]") {
    World world(7);
    world.balance = world.earned = {100};
    world.grant();
    Holder& holder = world.holders[0];
    world.slice_arrives(holder);
    const Holder image = holder;
    holder.used = {100};
    holder.outbox.push_back({holder.id, 0, {100}, {}});
    world.hear(holder);
    CHECK(world.breaches == Points{});
    holder = image;
    CHECK(usable({holder.seen, holder.used}, hours{1}) == Points{100});
    holder.outbox.push_back({holder.id, 0, {100}, {}});
    world.hear(holder);
    CHECK(world.breaches == Points{100});
}

TEST_CASE("points that were asked back become free once they are given back", "[rights]") {
    World world(1);
    world.balance = world.earned = {150};
    world.grant();
    CHECK(world.free() == Points{});
    Holder& holder = world.holders[0];
    world.slice_arrives(holder);
    REQUIRE(outstanding(world.account(holder.id)) == Points{150});
    CHECK(recall(world.accounts, {120}) == Points{120});
    SECTION("not twice for one wish") { CHECK(recall(world.accounts, {120}) == Points{}); }
    SECTION("nothing new is granted meanwhile") {
        world.earn();
        CHECK(top_up(world.account(holder.id), store_max, useful_min, world.free()) == Points{});
    }
    CHECK(usable({holder.seen, holder.used}, hours{1}) == Points{150}); // it does not know yet
    world.slice_arrives(holder);
    CHECK(usable({holder.seen, holder.used}, hours{1}) == Points{30});
    world.hear(holder);
    CHECK(world.free().value >= 120);
    CHECK(outstanding(world.account(holder.id)) == Points{30});
}

TEST_CASE("a right too small to be of use is not granted", "[rights]") {
    RightsAccount account{RightsHolder{1}, {}, {}, {}, false};
    CHECK(top_up(account, store_max, useful_min, {19}) == Points{});
    CHECK(top_up(account, store_max, useful_min, {20}) == Points{20});
    CHECK(top_up(account, store_max, useful_min, {1}) == Points{1});
    CHECK(top_up(account, store_max, useful_min, {1000}) == Points{179});
    account.dead = true;
    CHECK(top_up(account, {400}, useful_min, {1000}) == Points{});
}

TEST_CASE("a right rests when the server was not heard for three days or the clock went back", "[rights]") {
    const RightUse use{{RightsHolder{1}, {100}, {}}, {40}};
    CHECK(usable(use, hours{72}) == Points{60});
    CHECK(usable(use, hours{72} + Duration{1}) == Points{});
    CHECK(usable(use, Duration{-1}) == Points{});
}

TEST_CASE("the points of a dead holder are free when nobody can spend them any more", "[rights]") {
    const Time died{hours{1000}};
    const std::vector<DrainedTill> drained{{false, died + hours{1}}, {true, std::nullopt}};
    CHECK(may_free(died, true, drained, died + hours{2}));
    CHECK_FALSE(may_free(died, true, drained, died + minutes{59}));
    SECTION("a neighbour may still hold some of them") {
        CHECK_FALSE(
            may_free(died, true, std::vector<DrainedTill>{{false, died + minutes{59}}}, died + hours{2}));
        CHECK_FALSE(may_free(died, true, std::vector<DrainedTill>{{false, std::nullopt}}, died + hours{143}));
    }
    SECTION("who says that nothing borrowed is left does not keep it waiting, the others do") {
        std::vector<DrainedTill> tills{{false, std::nullopt, true}, {true, std::nullopt}};
        CHECK(may_free(died, true, tills, died));
        CHECK_FALSE(may_free(died, false, tills, died + hours{143}));
        tills.push_back({false, died});
        CHECK_FALSE(may_free(died, true, tills, died + hours{2}));
        tills.back().borrows_nothing = true;
        CHECK(may_free(died, true, tills, died));
    }
    SECTION("another machine came in its place: the old one may live on") {
        CHECK_FALSE(may_free(died, false, drained, died + hours{143}));
        CHECK(may_free(died, false, drained, died + hours{144}));
    }
}
