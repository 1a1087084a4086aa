#include <mudi/base/mutant.hpp>

#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

#ifdef MUDI_MUTANTS

namespace {

/// The simulator has to find these; here only: each is really there.
struct Planted {
    explicit Planted(mutant::Bug bug) { mutant::plant(bug); }
    ~Planted() { mutant::plant(std::nullopt); }
};

struct Sold : Till {
    Sold() {
        know_customers();
        for (int i = 1; i <= 6; ++i) REQUIRE(desk->complete(sale(std::to_string(i), {tea(1)}), morning));
        acked(6, 6, 1, 3);
    }
    std::vector<EventId> ids() {
        std::vector<EventId> out;
        const auto read = store->replica().read_outbox(EventSeq{0}, {});
        for (const auto& event : read->events) out.push_back(event.id);
        return out;
    }
};

} // namespace

TEST_CASE("a planted till forgets what is not safe, and at once") {
    Sold till;
    const Planted bug(mutant::Bug::prune_unsafe);
    CHECK(*till.store->replica().prune(morning - std::chrono::hours{1}) == 5);
}

TEST_CASE("a planted till does not send again what a restored server lost") {
    Sold till;
    const Planted bug(mutant::Bug::ack_kept_on_restore);
    till.acked(2, 2, 2);
    CHECK(till.store->replica().state().acked == EventSeq{6});
    CHECK(till.store->replica().read_outbox(EventSeq{2}, {})->events.empty());
}

TEST_CASE("a planted till keeps what should have gone from a part") {
    Sold till;
    const Planted bug(mutant::Bug::part_keeps_old_rows);
    till.level_with({{row_of(settings(), 1)}});
    CHECK(till.store->replica().counts().profiles == 2);
}

TEST_CASE("a planted till gives its events other ids in a new life") {
    Sold till;
    const auto before = till.ids();
    const Planted bug(mutant::Bug::new_life_new_ids);
    REQUIRE(till.store->replica().begin_new_life());
    CHECK(till.ids() != before);
}

TEST_CASE("a planted till keeps its old chain in a new life") {
    Till till;
    for (int i = 1; i <= 6; ++i) REQUIRE(till.desk->complete(sale(std::to_string(i), {tea(1)}), morning));
    till.acked(6, 6, 1, 6);
    REQUIRE(*till.store->replica().prune(morning + std::chrono::hours{1}) == 5);
    const Planted bug(mutant::Bug::chain_not_rewritten);
    REQUIRE(till.store->replica().begin_new_life());
    const auto kept = till.store->replica().read_outbox(EventSeq{0}, {})->events;
    REQUIRE(kept.size() == 1);
    CHECK(till.store->replica().read_outbox(EventSeq{1}, {})->chain_before !=
          chain_next(Bits128{}, kept[0].body));
}

#endif
