#include <catch2/catch.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>

#include <server/app/reader.hpp>
#include <server/app/writer.hpp>
#include <support/temp_dir.hpp>

using namespace mudi;
using namespace mudi::server;

namespace {

/// The writer and a reader on a file of their own; the test's thread is the loop.
struct Desk {
    explicit Desk(WriterLimits limits = {}) {
        Settings settings;
        settings.data_dir = folder.path().string();
        plan = *plan_from(settings);
        auto opened = open_database(plan.database);
        REQUIRE(opened);
        keys = opened->keys;
        Writer::Events events;
        events.greeted = [this](sync::RequestToken token, Result<sync::HighWater> mark) {
            answers[token] = mark;
        };
        events.stored = events.greeted;
        events.moved = [](const std::vector<FeedMoved>&) {};
        writer = std::make_unique<Writer>(
            std::make_unique<Stores>(std::move(opened->connection), keys, plan),
            [this] {
                return open_database(plan.database).map([this](OpenedDatabase again) {
                    return std::make_unique<Stores>(std::move(again.connection), keys, plan);
                });
            },
            clock, [this](std::function<void()> job) { post(std::move(job)); }, std::move(events), limits);
    }

    void post(std::function<void()> job) {
        const std::lock_guard lock(mutex);
        jobs.push_back(std::move(job));
        posted.notify_one();
    }
    void run_until(const std::function<bool()>& done) {
        while (!done()) {
            std::unique_lock lock(mutex);
            REQUIRE(posted.wait_for(lock, std::chrono::seconds{20}, [&] { return !jobs.empty(); }));
            auto job = std::move(jobs.front());
            jobs.pop_front();
            lock.unlock();
            job();
        }
    }
    sync::TillHello hello(std::int64_t till) const {
        return {TillId{till},      StoreId{"KOL01"}, WorkstationId{std::to_string(till)},
                Incarnation{5},    EventSeq{},       clock.wall(),
                sync::event_schema};
    }
    static sync::PushedBatch batch(std::int64_t till, std::int64_t seq) {
        sync::Event event;
        event.seq = EventSeq{seq};
        event.id = EventId{Bits128{static_cast<std::uint64_t>(till), static_cast<std::uint64_t>(seq)}};
        event.kind = 99; // parked: this is about accepting
        event.body = "body";
        return {TillId{till}, Incarnation{5}, {}, {event}};
    }

    mudi::test::TempDir folder;
    SystemClock clock;
    Plan plan;
    ServerKeys keys;
    std::map<sync::RequestToken, Result<sync::HighWater>> answers;
    std::mutex mutex;
    std::condition_variable posted;
    std::deque<std::function<void()>> jobs;
    std::unique_ptr<Writer> writer;
};

} // namespace

TEST_CASE("every hello and push is answered once, a refused one does not touch the others") {
    Desk desk;
    for (std::int64_t till = 1; till <= 20; ++till) {
        REQUIRE(desk.writer->greet(static_cast<sync::RequestToken>(till), desk.hello(till)));
    }
    desk.run_until([&] { return desk.answers.size() == 20; });
    desk.answers.clear();
    for (std::int64_t till = 1; till <= 20; ++till) {
        // Till 7 leaves out its first event.
        REQUIRE(desk.writer->push(static_cast<sync::RequestToken>(till), Desk::batch(till, till == 7 ? 2 : 1),
                                  100));
    }
    desk.run_until([&] { return desk.answers.size() == 20; });
    for (const auto& [token, mark] : desk.answers) {
        CAPTURE(token);
        if (token == 7)
            CHECK(mark.error().name == "sync.gap");
        else
            CHECK(mark.value().seq == EventSeq{1});
    }
}

TEST_CASE("what waits for the writer has a limit of each kind") {
    Desk desk({.pushes_max = 0, .hellos_max = 0, .jobs_max = 0});
    CHECK_FALSE(desk.writer->greet(1, desk.hello(1)));
    CHECK_FALSE(desk.writer->push(2, Desk::batch(1, 1), 1));
    CHECK_FALSE(desk.writer->run([](WriteSide&) {}));

    Desk narrow({.push_bytes_max = 100});
    CHECK_FALSE(narrow.writer->push(1, Desk::batch(1, 1), 101));
    CHECK(narrow.writer->push(2, Desk::batch(1, 1), 100));
}

TEST_CASE("an API job on the writer sees what was stored before it") {
    Desk desk;
    REQUIRE(desk.writer->greet(1, desk.hello(1)));
    desk.run_until([&] { return desk.answers.contains(1); });
    REQUIRE(desk.writer->push(2, Desk::batch(1, 1), 1));
    bool seen = false;
    auto reader = Reader::start({desk.plan.database, desk.keys, desk.plan.identifiers, 10});
    REQUIRE(reader);
    REQUIRE(desk.writer->run([&](WriteSide&) {
        desk.post([&] {
            (*reader)->run([&](ReadSide& side) {
                const auto counts = side.status.counts(desk.clock.wall());
                desk.post([&seen, received = counts ? counts->received : -1] { seen = received == 1; });
            });
        });
    }));
    desk.run_until([&] { return seen; });
}

TEST_CASE("a reader takes no more jobs than it may keep") {
    Desk desk;
    auto reader = Reader::start({desk.plan.database, desk.keys, desk.plan.identifiers, 0});
    REQUIRE(reader);
    CHECK_FALSE((*reader)->run([](ReadSide&) {}));
}
