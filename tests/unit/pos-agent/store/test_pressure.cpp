#include <mudi/base/db/statement.hpp>

#include <sim/vfs.hpp>

#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

constexpr std::uint64_t mib = 1024 * 1024;

/// A disk of a fixed size; part of it can be kept back.
class Keeper final : public DiskReserve {
public:
    Keeper(sim::Disk& disk, std::uint64_t size, std::uint64_t reserve)
        : disk_(disk), size_(size), reserve_(reserve) {
        resize();
    }

    [[nodiscard]] bool full() override { return free() < mib / 4; }
    bool give_back() override {
        const bool had = held_;
        held_ = false;
        resize();
        return had && reserve_ > 0;
    }
    bool make() override {
        if (!held_ && free() < reserve_ + mib) return false;
        held_ = true;
        resize();
        return true;
    }
    void somebody_takes(std::uint64_t bytes) { taken_ = bytes, resize(); }
    void take_all_but(std::uint64_t bytes) {
        taken_ = 0;
        resize();
        somebody_takes(free() - bytes);
    }
    [[nodiscard]] bool held() const { return held_; }

private:
    [[nodiscard]] std::uint64_t free() const {
        const std::uint64_t used = disk_.used_bytes() + taken_ + (held_ ? reserve_ : 0);
        return used < size_ ? size_ - used : 0;
    }
    void resize() { disk_.faults.capacity_bytes = size_ - taken_ - (held_ ? reserve_ : 0); }

    sim::Disk& disk_;
    std::uint64_t size_;
    std::uint64_t reserve_;
    std::uint64_t taken_{};
    bool held_{false};
};

constexpr int customers = 3000;

crm::ProfileSlice customer(int number) {
    auto slice = rahim();
    slice.id = ProfileId{1000 + number};
    slice.name = "Customer " + std::string(300, 'x') + std::to_string(number);
    slice.identifiers = {hash_of(*crm::parse_phone("98" + std::to_string(30'000'000 + number), {}))};
    return slice;
}

Bucket bucket() {
    Bucket out{{row_of(settings(), 1), row_of(kamala(), 2),
                row_of(crm::Product{"8901030865275", "Tea", "tea", "EA", rupees(100), BasisPoints{500}}, 3)}};
    sync::FeedRow unknown{4, 99, "coupon", false, std::string(1000, 'c'), 0};
    out.rows.push_back(unknown);
    for (int i = 0; i < customers; ++i) out.rows.push_back(row_of(customer(i), 10 + i));
    return out;
}

struct SmallDisk {
    explicit SmallDisk(std::uint64_t reserve = 4 * mib) : keeper(disk, 64 * mib, reserve) {
        options = store_options(mount.path("till.db"));
        options.vfs = sim::vfs_name;
        options.reserve = &keeper;
        till.emplace(options);
        till->level_with(bucket(), 4);
        REQUIRE(till->store->replica().counts().profiles == customers + 1);
    }

    Result<Receipt> sell(Time when = morning) {
        return till->desk->complete(sale(std::to_string(++number), {tea(1)}), when);
    }
    [[nodiscard]] StoreCounts counts() const { return till->store->replica().counts(); }
    Relief relieve(Time now = morning) {
        const auto relief = till->store->replica().relieve(now);
        INFO((relief ? std::string("ok") : relief.error().what));
        REQUIRE(relief);
        return *relief;
    }
    /// Until a step does nothing more.
    void relieve_all(Time now = morning) {
        for (int i = 0; i < 100; ++i)
            if (relieve(now).dropped == 0) return;
        FAIL("the ladder has no end");
    }
    /// Sells until the pressure is there; every sale is saved.
    void fill_up() {
        keeper.take_all_but(64 * 1024);
        for (int i = 0; i < 2000 && counts().pressure == Pressure::none; ++i) REQUIRE(sell());
        REQUIRE(counts().pressure == Pressure::caches);
    }

    sim::Disk disk;
    sim::Mount mount{"till", disk};
    Keeper keeper;
    StoreOptions options;
    std::optional<Till> till;
    int number{0};
};

} // namespace

TEST_CASE("the sale that no longer fits takes what was kept back, and all before and after it are there") {
    SmallDisk shop;
    CHECK(shop.keeper.held());
    shop.fill_up();
    CHECK_FALSE(shop.keeper.held());
    for (int i = 0; i < 50; ++i) REQUIRE(shop.sell());
    shop.till->reopen();
    CHECK(shop.counts().captured == shop.number);
    for (int i = 1; i <= shop.number; ++i) CHECK(shop.till->desk->receipt(named(std::to_string(i)), morning));
}

TEST_CASE("on a full disk nothing new of the feed is taken") {
    SmallDisk shop;
    shop.fill_up();
    auto& replica = shop.till->store->replica();
    CHECK(error_of(replica.apply_feed({{row_of(kamala(7), 9000)}, {5, 9000}, true})) == "till.disk_pressure");
    CHECK(error_of(replica.apply_part(bucket().part(4, 0))) == "till.disk_pressure");
    CHECK(error_of(replica.compare(bucket().manifest(4))) == "till.disk_pressure");
    CHECK(shop.till->points_of(kamala_card) == Points{120});
}

TEST_CASE(
    "what is known of customers who were not here lately goes, then the catalogue; the settings never") {
    SmallDisk shop;
    REQUIRE(shop.till->points_of(kamala_card) == Points{120}); // she was here
    shop.fill_up();
    CHECK(shop.relieve().dropped > 0);
    CHECK(shop.counts().raw_rows == 0);
    CHECK(shop.counts().profiles == customers + 1);
    CHECK(shop.relieve().dropped > 0);
    CHECK(shop.counts().profiles < customers + 1);
    CHECK(shop.counts().products == 1);
    shop.relieve_all();
    CHECK(shop.counts().profiles == 1);
    CHECK(shop.counts().products == 0);
    CHECK(shop.till->points_of(kamala_card) == Points{120});
    CHECK(shop.till->store->storage().load()->settings == settings());
    CHECK(shop.sell());
}

TEST_CASE("safe events go at 35 days, then whatever is no sale is refused, the sale never") {
    SmallDisk shop;
    shop.fill_up();
    const auto sold = shop.counts().captured;
    shop.till->acked(sold, sold, 1, sold - 1);
    const Time later = morning + std::chrono::hours{24 * 36};
    shop.relieve_all(morning); // nothing is old enough
    CHECK(shop.counts().pressure == Pressure::extras);
    CHECK(shop.till->store->replica().read_outbox(EventSeq{0}, {}));
    CHECK(error_of(shop.till->desk->join({"Mina", "9830054321", "", "", false, {}}, morning)) ==
          "till.disk_pressure");
    REQUIRE(shop.till->desk->begin({named("S"), {}, {}, {}}, morning));
    CHECK(error_of(shop.till->desk->suspend(named("S"), morning)) == "till.disk_pressure");
    CHECK(shop.sell());
    while (shop.relieve(later).dropped > 0) {
    }
    CHECK(error_of(shop.till->store->replica().read_outbox(EventSeq{0}, {})) == "outbox.pruned");
    CHECK(shop.till->store->replica().read_outbox(EventSeq{sold - 1}, {})->events.size() == 2);
}

TEST_CASE("when there is room again, all that was dropped comes back by a comparison and by nothing else") {
    SmallDisk shop;
    shop.fill_up();
    shop.relieve_all();
    CHECK(shop.till->store->replica().state().cursor == sync::FeedCursor{});
    CHECK(shop.relieve().resume == false); // not yet
    shop.keeper.somebody_takes(0);
    const Relief relief = shop.relieve();
    CHECK(relief.resume);
    CHECK(relief.pressure == Pressure::none);
    CHECK(shop.keeper.held());
    auto& replica = shop.till->store->replica();
    CHECK(error_of(replica.apply_feed({{row_of(kamala(7), 9000)}, {5, 9000}, true})) == "feed.cut");
    CHECK(shop.till->level_with(bucket(), 4) > 0);
    CHECK(shop.counts().profiles == customers + 1);
    CHECK(replica.compare(bucket().manifest(64))->empty());
    CHECK(shop.till->desk->join({"Mina", "9830054321", "", "", false, {}}, morning));
    CHECK_FALSE(shop.relieve().resume);
}

TEST_CASE("a restart in the middle of it knows that rows are missing") {
    SmallDisk shop;
    shop.fill_up();
    shop.relieve_all();
    shop.till->reopen();
    CHECK(shop.till->store->replica().state().cursor == sync::FeedCursor{});
    CHECK(shop.counts().captured == shop.number);
}

TEST_CASE("when others take what was given back, sales go on in the room that was made inside the database") {
    SmallDisk shop;
    shop.fill_up();
    shop.relieve_all();
    shop.keeper.take_all_but(0);
    for (int i = 0; i < 300; ++i) {
        CAPTURE(i);
        REQUIRE(shop.sell());
    }
    shop.keeper.somebody_takes(0);
    shop.till->reopen();
    CHECK(shop.counts().captured == shop.number);
}

TEST_CASE("a sale that cannot be saved even so is refused as a whole, and can be repeated") {
    SmallDisk shop(0);
    shop.keeper.take_all_but(0);
    std::string error = "none";
    int saved = 0;
    for (; error == "none" && saved < 5000; ++saved) error = error_of(shop.sell());
    CHECK(error == "db.full");
    CHECK(shop.counts().captured == saved - 1);
    shop.keeper.somebody_takes(0);
    --shop.number;
    CHECK(shop.sell()->seq == EventSeq{saved});
}

TEST_CASE("what may be lost with a full disk is refused as a full disk, and the ladder begins") {
    SmallDisk shop;
    shop.keeper.take_all_but(0);
    std::string error = "none";
    for (int i = 0; i < 200 && error == "none"; ++i)
        error = error_of(shop.till->store->replica().apply_feed(
            {{row_of(customer(customers + i), 9000 + i)}, {5, 9000 + i}, true}));
    CHECK(error == "till.disk_pressure");
    CHECK(shop.counts().pressure == Pressure::caches);
    CHECK(shop.sell());
}

TEST_CASE("a disk that fails is no full disk") {
    SmallDisk shop;
    sim::IoFault fault;
    fault.ops = sim::only(sim::DiskOp::write);
    shop.disk.faults.io = fault;
    CHECK(error_of(shop.sell()) == "db.io");
    CHECK(shop.counts().pressure == Pressure::none);
    CHECK(shop.keeper.held());
}

TEST_CASE("a new life begins on a full disk too") {
    SmallDisk shop;
    for (int i = 0; i < 1000; ++i) REQUIRE(shop.sell());
    shop.till->reopen(); // leaves no log behind
    shop.keeper.take_all_but(0);
    const auto life = shop.till->store->replica().begin_new_life();
    REQUIRE(life);
    CHECK(life->last == EventSeq{1000});
    CHECK(shop.counts().pressure == Pressure::caches);
}

TEST_CASE("a till that starts on a full disk sells, and has rights again when there is room") {
    SmallDisk shop(0);
    const Hold hold{
        HoldId{{1, 1}}, {BusinessDay{20261121}, "9"}, ProfileId{17}, {40}, rupees(10), morning, {5}};
    REQUIRE(shop.till->store->storage().keep(hold));
    shop.keeper.take_all_but(0);
    shop.till->reopen();
    CHECK(shop.till->store->storage().load()->holds.empty());
    CHECK(shop.till->store->replica().state().holder == RightsHolder{});
    CHECK(shop.counts().pressure != Pressure::none);
    CHECK(shop.till->points_of(kamala_card) == Points{120});
    shop.keeper.somebody_takes(0);
    CHECK(shop.relieve().pressure == Pressure::none);
    CHECK(shop.till->store->replica().state().holder.value != 0);
    CHECK(shop.sell());
}
