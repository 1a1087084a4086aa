#include "unit/server/support/shop.hpp"

#include <mudi/base/mutant.hpp>

using namespace mudi;
using namespace mudi::test;
using mutant::Bug;

#ifdef MUDI_MUTANTS

namespace {

struct Planted {
    explicit Planted(Bug bug) { mutant::plant(bug); }
    Planted(const Planted&) = delete;
    Planted& operator=(const Planted&) = delete;
    ~Planted() { mutant::plant(std::nullopt); }
};

std::vector<crm::RetailTransaction> two_of_one_minute() {
    return {sale(key_of("a"), {{"tea", 1, 5000}}), sale(key_of("b"), {{"rice", 1, 5000}})};
}

sync::Event poison() {
    sync::Event event;
    event.id = EventId{hash128("poison")};
    event.kind = 1;
    event.body = "\xff";
    return event;
}

} // namespace

// The simulator has to find these; here only that they are there to be found.

TEST_CASE("a bug planted in what is stored and given out does what its name says") {
    Shop shop{db::Engine::sqlite};
    SECTION("safe_without_backup") {
        shop.push(1, two_of_one_minute());
        const Planted bug{Bug::safe_without_backup};
        CHECK(must(shop.inbox->standing(TillId{1}, Incarnation{77})).safe.value == 2);
    }
    SECTION("mark_apart") {
        shop.push(1, two_of_one_minute());
        run(*shop.writer,
            "CREATE TRIGGER full BEFORE INSERT ON inbox BEGIN SELECT RAISE(ABORT, 'full'); END");
        const Planted bug{Bug::mark_apart};
        const auto batch = shop.till(1).batch({event_of(sale(key_of("c"), {{"tea", 1, 5000}}))});
        CHECK_FALSE(shop.inbox->append({&batch, 1}, noon).has_value());
        CHECK(must(shop.inbox->high_water(TillId{1}, Incarnation{77})).seq.value == 3);
    }
    SECTION("generation_kept") {
        const Planted bug{Bug::generation_kept};
        const auto before = shop.lineage;
        shop.start(99);
        CHECK(shop.lineage == before);
    }
    SECTION("version_reused") {
        const Planted bug{Bug::version_reused};
        const auto put = [&](server::FeedWriter& feed, const std::string& store) {
            auto transaction = must(db::WriteTransaction::begin(*shop.writer));
            must(feed.open_bucket(StoreId{store}));
            must(feed.put_profile(ProfileId{1}, store, std::vector{StoreId{store}}));
            auto moved = must(feed.finish());
            must(transaction.commit());
            return moved;
        };
        {
            server::FeedWriter feed{*shop.writer};
            put(feed, "A");
        }
        server::FeedWriter restarted{*shop.writer};
        CHECK(put(restarted, "B").back().newest <= 2);
    }
}

TEST_CASE("a bug planted in applying does what its name says") {
    Shop shop{db::Engine::sqlite};
    SECTION("apply_twice") {
        const Planted bug{Bug::apply_twice};
        shop.push(1, two_of_one_minute());
        shop.push(2, two_of_one_minute());
        CHECK(shop.apply_all().applied == 4);
        CHECK(shop.status().purchases == 4);
    }
    SECTION("dedupe_by_time") {
        const Planted bug{Bug::dedupe_by_time};
        shop.push(1, two_of_one_minute());
        CHECK(shop.apply_all().duplicates == 1);
    }
    SECTION("poison_stops_apply") {
        const Planted bug{Bug::poison_stops_apply};
        shop.push(1, {poison(), event_of(two_of_one_minute()[0])});
        CHECK_FALSE(shop.apply->apply_some(10, noon).has_value());
        CHECK(shop.status().waiting == 2);
    }
    SECTION("poison_dropped") {
        const Planted bug{Bug::poison_dropped};
        shop.push(1, {poison()});
        shop.apply_all();
        CHECK(shop.status().quarantined == 0);
        CHECK(shop.status().waiting == 0);
    }
}

#endif
