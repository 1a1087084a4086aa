#include "unit/sync/till_rig.hpp"

using namespace mudi;
using namespace mudi::sync;
using namespace mudi::test;

using Till = TillRig;

namespace {

FeedRow row_of(std::int64_t version, std::string key, std::uint32_t kind = 2) {
    FeedRow row;
    row.version = version;
    row.kind = kind;
    row.key = std::move(key);
    row.body = "body";
    return row;
}

PullAnswer changes_to(FeedCursor cursor, std::vector<FeedRow> rows = {}, bool complete = true) {
    PullAnswer answer;
    answer.cursor = cursor;
    answer.rows = std::move(rows);
    answer.complete = complete;
    return answer;
}

PullAnswer manifest_of(std::size_t parts, std::int64_t version = 20) {
    PullAnswer answer;
    answer.cursor = {generation, version};
    answer.manifest.digests.assign(parts, 5);
    return answer;
}

/// A part with `count` rows that lie in it.
PullAnswer part_of_bucket(std::uint32_t parts, std::uint32_t part, int count = 3) {
    PullAnswer answer;
    answer.cursor.generation = generation;
    answer.parts = parts;
    answer.part = part;
    for (int i = 0; static_cast<int>(answer.rows.size()) < count; ++i) {
        const std::string key = "key " + std::to_string(i);
        if (part_among(parts, 2, key) == part) answer.rows.push_back(row_of(1'000 - i, key));
    }
    answer.part_digest = digest_of(answer.rows);
    return answer;
}

std::uint32_t settings_part(std::uint32_t parts) { return part_among(parts, 3, "settings"); }

} // namespace

TEST_CASE("feed rows are applied, then the next are asked for at once from the new cursor", "[sync]") {
    Till till(standing_at({generation, 5}));
    till.link();
    PullAnswer page = changes_to({generation, 7}, {row_of(7, "a")}, false);
    page.rows[0].applied = 9;
    const auto out = till.answer_pull(page);
    const auto* apply = Till::find<till_out::ApplyFeed>(out);
    REQUIRE(apply != nullptr);
    CHECK_FALSE(apply->complete);
    CHECK(apply->rows == page.rows);
    CHECK_FALSE(Till::sends(out, Channel::pull)); // not before it is applied
    CHECK(till.pulled(till.step(till_in::FeedApplied{true})).cursor == FeedCursor{generation, 7});
}

TEST_CASE("a page that could not be applied is asked for again after a while", "[sync]") {
    Till till(standing_at({generation, 5}));
    till.link();
    till.answer_pull(changes_to({generation, 7}, {row_of(7, "a")}));
    CHECK_FALSE(Till::sends(till.step(till_in::FeedApplied{false}), Channel::pull));
    CHECK(till.pulled(till.after(Duration{300})).cursor == FeedCursor{generation, 5});
}

TEST_CASE("a server that carries the till's copy on in a later generation is followed", "[sync]") {
    Till till(standing_at({generation - 1, 5}));
    till.link();
    const auto out = till.answer_pull(changes_to({generation, 5}));
    REQUIRE(Till::find<till_out::ApplyFeed>(out) != nullptr);
    CHECK(till.pulled(till.step(till_in::FeedApplied{true})).cursor == FeedCursor{generation, 5});
}

TEST_CASE("a feed that does not go on from the cursor is not applied", "[sync]") {
    Till till(standing_at({generation, 10}));
    till.link();
    const auto refused = [&](PullAnswer answer) {
        const auto out = till.answer_pull(answer);
        CHECK(Till::find<till_out::ApplyFeed>(out) == nullptr);
        CHECK(Till::reports(out, "sync.bad_answer"));
        till.pulled(till.after(Duration{200'000}));
    };
    refused(changes_to({generation, 9}));
    refused(changes_to({generation, 12}, {row_of(10, "a"), row_of(12, "b")}));
    refused(changes_to({0, 12}, {row_of(12, "a")}));
    PullAnswer anew = changes_to({generation, 12}, {row_of(12, "a")});
    anew.replace = true; // for 0.1.0 only
    refused(anew);
    refused(part_of_bucket(4, 1));
    Till fresh;
    fresh.link();
    const auto out = fresh.answer_pull(changes_to({generation, 12}, {row_of(12, "a")}));
    CHECK(Till::find<till_out::ApplyFeed>(out) == nullptr); // it has nothing that could be carried on
}

TEST_CASE("empty answers that come at once do not make a till spin", "[sync]") {
    Till till(standing_at({generation, 10}));
    till.link();
    const PullAnswer empty = changes_to({generation, 10}, {}, false);
    CHECK_FALSE(Till::sends(till.answer_pull(empty), Channel::pull));
    till.pulled(till.after(Duration{300}));
    till.now += Duration{25'000};
    till.pulled(till.answer_pull(empty));
}

TEST_CASE("copies are compared, the parts that differ fetched one after the other, the cursor set last",
          "[sync]") {
    Till till;
    till.link();
    const auto compare = till.answer_pull(manifest_of(16));
    REQUIRE(Till::find<till_out::CompareManifest>(compare) != nullptr);
    CHECK(Till::find<till_out::CompareManifest>(compare)->manifest.digests.size() == 16);
    CHECK_FALSE(Till::sends(compare, Channel::pull));

    std::vector<std::uint32_t> differing{1, 6, 15};
    const std::uint32_t settings = settings_part(16);
    if (std::find(differing.begin(), differing.end(), settings) == differing.end())
        differing.push_back(settings);
    std::vector<std::uint32_t> order{settings};
    for (const std::uint32_t part : differing) {
        if (part != settings) order.push_back(part);
    }
    auto out = till.step(till_in::Compared{differing, false});
    CHECK(Till::reports(out, "sync.compared"));
    for (const std::uint32_t part : order) {
        CHECK(Till::find<till_out::ApplyFeed>(out) == nullptr);
        const Pull pull = till.pulled(out);
        CHECK(pull.ask == PullAsk::part);
        CHECK(pull.parts == 16);
        CHECK(pull.part == part);
        const PullAnswer answer = part_of_bucket(16, part);
        const auto rows = till.answer_pull(answer);
        const auto* apply = Till::find<till_out::ApplyPart>(rows);
        REQUIRE(apply != nullptr);
        CHECK(apply->part == part);
        CHECK(apply->parts == 16);
        CHECK(apply->rows == answer.rows);
        CHECK_FALSE(Till::sends(rows, Channel::pull));
        CHECK(till.core.state().cursor == FeedCursor{});
        out = till.step(till_in::FeedApplied{true});
    }
    const Pull next = till.pulled(out);
    CHECK(next.ask == PullAsk::changes);
    CHECK(next.cursor == FeedCursor{generation, 20});
}

TEST_CASE("copies that are the same already need nothing but the cursor", "[sync]") {
    Till till(standing_at({generation - 5, 10}));
    till.link();
    till.answer_pull(manifest_of(1));
    const auto out = till.step(till_in::Compared{{}, false});
    CHECK(Till::find<till_out::ApplyFeed>(out) == nullptr);
    CHECK(till.pulled(out).cursor == FeedCursor{generation, 20});
    const auto level = till.answer_pull(changes_to({generation, 20}));
    REQUIRE(Till::find<till_out::ApplyFeed>(level) != nullptr);
    CHECK(Till::find<till_out::ApplyFeed>(level)->cursor == FeedCursor{generation, 20});
    till.pulled(till.step(till_in::FeedApplied{true}));
    CHECK(till.core.state().cursor == FeedCursor{generation, 20});
}

TEST_CASE("before the first part comes in, the cursor that it is newer than is given up", "[sync]") {
    Till till(standing_at({generation - 1, 10}));
    till.link();
    till.answer_pull(manifest_of(2));
    const auto out = till.step(till_in::Compared{{1}, false});
    CHECK_FALSE(Till::sends(out, Channel::pull));
    const auto* given_up = Till::find<till_out::ApplyFeed>(out);
    REQUIRE(given_up != nullptr);
    CHECK(given_up->cursor == FeedCursor{});
    CHECK(given_up->rows.empty());
    SECTION("and the part is fetched then") {
        CHECK(till.pulled(till.step(till_in::FeedApplied{true})).part == 1);
        CHECK(till.core.state().cursor == FeedCursor{});
    }
    SECTION("or not at all") {
        CHECK_FALSE(Till::sends(till.step(till_in::FeedApplied{false}), Channel::pull));
        CHECK(till.pulled(till.after(Duration{300})).cursor == FeedCursor{generation - 1, 10});
    }
}

TEST_CASE("only a cursor at which the copy is what the bucket was is kept for another generation", "[sync]") {
    Till till;
    till.link();
    till.answer_pull(manifest_of(1, 20));
    till.pulled(till.step(till_in::Compared{{0}, false}));
    till.answer_pull(part_of_bucket(1, 0)); // may be of some changes later than the manifest
    const auto mended = till.step(till_in::FeedApplied{true});
    CHECK(Till::find<till_out::ApplyFeed>(mended) == nullptr);
    const Pull pull = till.pulled(mended);
    CHECK(pull.cursor == FeedCursor{generation, 20});
    CHECK(pull.ask == PullAsk::changes);
    CHECK(pull.wait == Duration{0});
    // Half of the changes: what lies between was of a moment that may never have been.
    const auto out = till.answer_pull(changes_to({generation, 23}, {row_of(23, "a")}, false));
    REQUIRE(Till::find<till_out::ApplyFeed>(out) != nullptr);
    CHECK(Till::find<till_out::ApplyFeed>(out)->rows.size() == 1);
    CHECK(Till::find<till_out::ApplyFeed>(out)->cursor == FeedCursor{});
    CHECK(till.pulled(till.step(till_in::FeedApplied{true})).cursor == FeedCursor{generation, 23});
    SECTION("all of them") {
        const auto there = till.answer_pull(changes_to({generation, 25}, {row_of(25, "a")}));
        REQUIRE(Till::find<till_out::ApplyFeed>(there) != nullptr);
        CHECK(Till::find<till_out::ApplyFeed>(there)->cursor == FeedCursor{generation, 25});
    }
    SECTION("none are left") {
        const auto there = till.answer_pull(changes_to({generation, 23}));
        REQUIRE(Till::find<till_out::ApplyFeed>(there) != nullptr);
        CHECK(Till::find<till_out::ApplyFeed>(there)->cursor == FeedCursor{generation, 23});
    }
    const auto hello_of = [&](std::uint64_t server) {
        till.step(till_in::LinkDown{});
        till.sent<HelloFrame>(till.step(till_in::LinkUp{}));
        HelloAnswer hello = till.hello_answer(till.mark(0));
        hello.generation = server;
        return till.pulled(till.answer(hello)).cursor;
    };
    SECTION("the same server goes on from there") {
        CHECK(hello_of(generation) == FeedCursor{generation, 23});
    }
    SECTION("another does not") { CHECK(hello_of(generation + 1) == FeedCursor{}); }
}

TEST_CASE("a till waits for news only once it knows that it is level", "[sync]") {
    Till till(standing_at({generation, 5}));
    till.sent<HelloFrame>(till.step(till_in::LinkUp{}));
    CHECK(till.pulled(till.answer(till.hello_answer(till.mark(0)))).wait == Duration{0});
    const auto out = till.answer_pull(changes_to({generation, 5}));
    CHECK(Till::find<till_out::ApplyFeed>(out)->complete);
    const auto level = till.step(till_in::FeedApplied{true});
    CHECK(Till::reports(level, "sync.level"));
    CHECK(till.pulled(level).wait == till.limits.pull_wait);
}

TEST_CASE("a comparison that the link interrupts begins with a new pull", "[sync]") {
    Till till;
    till.link();
    till.answer_pull(manifest_of(4));
    till.pulled(till.step(till_in::Compared{{0, 1, 2, 3}, false}));
    till.answer_pull(part_of_bucket(4, settings_part(4)));
    till.pulled(till.step(till_in::FeedApplied{true}));
    till.step(till_in::LinkDown{});
    till.link();
    // Already answered by link(): the pull after the hello.
    const auto out = till.answer_pull(manifest_of(4, 21));
    CHECK(Till::find<till_out::CompareManifest>(out) != nullptr);
    CHECK(till.core.state().cursor == FeedCursor{});
}

TEST_CASE("a part that gets lost on the way is asked for again, with what was mended kept", "[sync]") {
    Till till;
    till.link();
    till.answer_pull(manifest_of(2));
    const Pull first = till.pulled(till.step(till_in::Compared{{0, 1}, false}));
    till.step(till_in::NoAnswer{till.number_of(Channel::pull)});
    const Pull again = till.pulled(till.after(Duration{300}));
    CHECK(again == first);
    till.answer_pull(part_of_bucket(2, first.part));
    CHECK(till.pulled(till.step(till_in::FeedApplied{true})).part == 1 - first.part);
}

TEST_CASE("rows that are not what a part holds are not applied", "[sync]") {
    Till till;
    till.link();
    till.answer_pull(manifest_of(4));
    const std::uint32_t asked = till.pulled(till.step(till_in::Compared{{0, 1, 2, 3}, false})).part;
    PullAnswer answer = part_of_bucket(4, asked);
    SECTION("another part") { answer = part_of_bucket(4, (asked + 1) % 4); }
    SECTION("of another division") { answer = part_of_bucket(8, asked); }
    SECTION("one row less") { answer.rows.pop_back(); }
    SECTION("another body") { answer.rows[1].body += "!"; }
    SECTION("a row of elsewhere") {
        const PullAnswer other = part_of_bucket(4, (asked + 1) % 4);
        answer.rows.push_back(other.rows[0]);
        answer.part_digest = digest_of(answer.rows);
    }
    SECTION("a tombstone") {
        answer.rows[0].deleted = true;
        answer.part_digest = digest_of(answer.rows);
    }
    SECTION("of another generation") { answer.cursor.generation = generation + 1; }
    const auto out = till.answer_pull(answer);
    CHECK(Till::find<till_out::ApplyPart>(out) == nullptr);
    CHECK(Till::reports(out, "sync.bad_answer"));
    CHECK(till.pulled(till.after(Duration{300})).ask == PullAsk::changes);
}

TEST_CASE("a part that could not be applied is not counted as mended", "[sync]") {
    Till till;
    till.link();
    till.answer_pull(manifest_of(1));
    till.pulled(till.step(till_in::Compared{{0}, false}));
    till.answer_pull(part_of_bucket(1, 0));
    const auto out = till.step(till_in::FeedApplied{false});
    CHECK(Till::find<till_out::ApplyFeed>(out) == nullptr);
    CHECK(till.pulled(till.after(Duration{300})).ask == PullAsk::changes);
    CHECK(till.core.state().cursor == FeedCursor{});
}

TEST_CASE("a comparison that could not be made is begun again", "[sync]") {
    Till till;
    till.link();
    till.answer_pull(manifest_of(1));
    CHECK_FALSE(Till::sends(till.step(till_in::Compared{{}, true}), Channel::pull));
    CHECK(till.pulled(till.after(Duration{300})).ask == PullAsk::changes);
}

TEST_CASE("a server that has the till compare again and again is asked ever more slowly", "[sync]") {
    Till till;
    till.link();
    Duration wait{0};
    for (int i = 0; i < 8; ++i) {
        till.answer_pull(manifest_of(1));
        auto out = till.step(till_in::Compared{{}, false});
        wait = Duration{0};
        while (!Till::sends(out, Channel::pull)) {
            wait += Duration{100};
            out = till.after(Duration{100});
        }
        till.pulled(out);
    }
    CHECK(wait > Duration{2'000});
}
