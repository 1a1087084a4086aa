#include <catch2/catch.hpp>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>

#include <mudi/sync/event.hpp>
#include <mudi/sync/identity.hpp>
#include <server/app/certificates.hpp>
#include <server/app/reader.hpp>
#include <server/app/writer.hpp>
#include <support/temp_dir.hpp>

using namespace mudi;
using namespace mudi::server;

namespace {

/// The writer and a reader on a file of their own; the test's thread is the loop.
struct Desk {
    explicit Desk(WriterLimits limits = {}, Admission admission = {sync::Access::open, {}, {}}) {
        Settings settings;
        settings.data_dir = folder.path().string();
        plan = *plan_from(settings);
        auto opened = open_database(plan.database, clock.wall());
        REQUIRE(opened);
        keys = opened->keys;
        Writer::Events events;
        events.greeted = [this](sync::server_in::TillKnown known) {
            answers[known.token] = known.standing;
            certificates[known.token] = known.certificate;
        };
        events.stored = [this](sync::server_in::Stored stored) { answers[stored.token] = stored.standing; };
        events.reserved = [this](sync::server_in::Reserved reserved) {
            reserves[reserved.token] = reserved.answer;
        };
        events.moved = [this](const std::vector<FeedMoved>& buckets) {
            for (const auto& bucket : buckets) newest[bucket.store] = bucket.newest;
        };
        events.awaited = [this](const std::vector<TillId>& tills) {
            awaited.insert(awaited.end(), tills.begin(), tills.end());
        };
        events.database_back = [this] { ++back; };
        Writer::Options options{std::move(admission), "1.2.3", [this] { return reachable; }, limits};
        writer = std::make_unique<Writer>(
            std::make_unique<Stores>(std::move(opened->connection), keys, plan), clock,
            [this](std::function<void()> job) { post(std::move(job)); }, std::move(events),
            std::move(options));
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
        sync::TillHello said;
        said.till = TillId{till};
        said.store = StoreId{"KOL01"};
        said.workstation = WorkstationId{std::to_string(till)};
        said.incarnation = Incarnation{5};
        said.wall = clock.wall();
        said.schema = sync::event_schema;
        return said;
    }
    /// Runs on the writer's thread; this one waits for it.
    template <class Job>
    void on_writer(Job job) {
        bool done = false;
        REQUIRE(writer->run([&, this](WriteSide& side) {
            job(side);
            post([&done] { done = true; });
        }));
        run_until([&] { return done; });
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
    std::map<sync::RequestToken, Result<sync::Standing>> answers;
    std::map<sync::RequestToken, Result<sync::ReserveAnswer>> reserves;
    std::map<sync::RequestToken, std::string> certificates;
    std::map<StoreId, std::int64_t> newest; ///< what the tills' long polls were told
    std::vector<TillId> awaited;
    Status reachable;
    int back{};
    std::mutex mutex;
    std::condition_variable posted;
    std::deque<std::function<void()>> jobs;
    std::unique_ptr<Writer> writer;
};

} // namespace

TEST_CASE("every hello and push is answered once, a refused one does not touch the others") {
    Desk desk;
    for (std::int64_t till = 1; till <= 20; ++till) {
        REQUIRE(desk.writer->greet(static_cast<sync::RequestToken>(till), desk.hello(till), std::nullopt));
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
            CHECK(mark.value().mark.seq == EventSeq{1});
    }
}

TEST_CASE("what waits for the writer has a limit of each kind") {
    Desk desk({.pushes_max = 0, .hellos_max = 0, .jobs_max = 0});
    CHECK_FALSE(desk.writer->greet(1, desk.hello(1), std::nullopt));
    CHECK_FALSE(desk.writer->push(2, Desk::batch(1, 1), 1));
    CHECK_FALSE(desk.writer->run([](WriteSide&) {}));
    Desk no_questions({.reserves_max = 0});
    CHECK_FALSE(no_questions.writer->reserve(3, {}));

    Desk narrow({.push_bytes_max = 100});
    CHECK_FALSE(narrow.writer->push(1, Desk::batch(1, 1), 101));
    CHECK(narrow.writer->push(2, Desk::batch(1, 1), 100));
}

TEST_CASE("an API job on the writer sees what was stored before it") {
    Desk desk;
    REQUIRE(desk.writer->greet(1, desk.hello(1), std::nullopt));
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

TEST_CASE("an enrolled server takes the till whose key signed, and nobody else") {
    Admission admission;
    admission.verify = [](std::string_view key, std::string_view text, std::string_view signature) {
        return std::string(key) + std::string(text) == signature;
    };
    Desk desk({}, admission);
    desk.on_writer([&](WriteSide& side) {
        const Time now = desk.clock.wall();
        REQUIRE(side.enrolment.add_till({StoreId{"KOL01"}, WorkstationId{"1"}, TillId{1}, false}, now));
        const CodeFacts code{Bits128{1, 1}, {}};
        REQUIRE(side.enrolment.make_code(TillId{1}, code, now));
        REQUIRE(side.enrolment.enrol(code.id, {"key", "01", now + std::chrono::hours{1}}, now));
    });
    const auto greet = [&](sync::RequestToken token, std::int64_t till,
                           std::optional<sync::Credentials> credentials) {
        REQUIRE(desk.writer->greet(token, desk.hello(till), std::move(credentials)));
        desk.run_until([&] { return desk.answers.contains(token); });
        const auto& answer = desk.answers.at(token);
        return answer ? std::string("taken") : answer.error().name;
    };
    CHECK(greet(1, 1, sync::Credentials{"text", "keytext"}) == "taken");
    CHECK(greet(2, 1, sync::Credentials{"other", "keytext"}) == "till.signature");
    CHECK(greet(3, 1, std::nullopt) == "till.signature");
    CHECK(greet(4, 2, sync::Credentials{"text", "keytext"}) == "till.unknown");
    desk.on_writer([&](WriteSide& side) { REQUIRE(side.enrolment.revoke(TillId{1}, desk.clock.wall())); });
    CHECK(greet(5, 1, sync::Credentials{"text", "keytext"}) == "till.revoked");
}

TEST_CASE("a hello that asks for a certificate brings one back, and a till that cannot have one goes on") {
    const mudi::test::TempDir tls;
    SystemClock clock;
    REQUIRE(tls_identity(tls.path(), std::vector<std::string>{"localhost"}, clock.wall()));
    const auto key = sync::TillKey::make();
    REQUIRE(key);
    Admission admission;
    admission.verify = sync::verify_signature;
    admission.sign = [&](std::string_view csr, TillId till, Time now) {
        return sign_till(tls.path(), csr, till, now, std::chrono::hours{1});
    };
    Desk desk({}, admission);
    desk.on_writer([&](WriteSide& side) {
        const Time now = clock.wall();
        REQUIRE(side.enrolment.add_till({StoreId{"KOL01"}, WorkstationId{"1"}, TillId{1}, false}, now));
        const CodeFacts code{Bits128{1, 1}, {}};
        REQUIRE(side.enrolment.make_code(TillId{1}, code, now));
        REQUIRE(side.enrolment.enrol(code.id, {key->public_key(), "01", now}, now));
    });
    const auto greet = [&](sync::RequestToken token, std::string request) {
        auto hello = desk.hello(1);
        hello.certificate_request = std::move(request);
        REQUIRE(desk.writer->greet(token, hello, sync::Credentials{"text", key->sign("text").value()}));
        desk.run_until([&] { return desk.answers.contains(token); });
        REQUIRE(desk.answers.at(token));
        return desk.certificates.at(token);
    };
    CHECK(greet(1, "").empty());
    const auto made = sync::read_certificate(greet(2, key->request(TillId{1}).value()));
    REQUIRE(made);
    CHECK(made->till == TillId{1});
    CHECK(made->public_key == key->public_key());
    CHECK(made->not_after > clock.wall());
    desk.on_writer([&](WriteSide& side) {
        const auto till = side.enrolment.till(TillId{1});
        REQUIRE(till);
        CHECK(till->certificate_serial == made->serial);
        CHECK(till->certificate_until == made->not_after);
    });
    CHECK(greet(3, "nonsense").empty());
    // Another key than the one it proved itself with is not signed for it.
    CHECK(greet(4, sync::TillKey::make()->request(TillId{1}).value()).empty());
}

namespace {

/// A member with points, known by the number of the profile.
crm::RetailTransaction earning(const std::string& number, std::int64_t points) {
    crm::RetailTransaction sale;
    sale.id = EventId{hash128(number)};
    sale.key = {StoreId{"KOL01"}, WorkstationId{"1"}, BusinessDay{20261121}, number};
    sale.begin = sale.end = *parse_time("2026-11-21T06:00:00Z");
    sale.currency = inr;
    sale.member = crm::Member{{crm::IdentifierKind::phone, "+919830012345"}, std::nullopt};
    crm::LineItem line;
    line.number = 1;
    line.item_id = "tea";
    line.unit = "EA";
    line.quantity = Quantity{1000};
    line.amount = sale.total = Money{points * 10'000, inr};
    line.tax = sale.tax_total = Money{0, inr};
    sale.lines.push_back(line);
    sale.tenders.push_back({crm::TenderKind::cash, sale.total, ""});
    return sale;
}

sync::PushedBatch batch_of(std::int64_t till, const crm::RetailTransaction& sale) {
    sync::Event event;
    event.seq = EventSeq{1};
    event.id = sale.id;
    event.kind = static_cast<std::uint32_t>(sync::EventKind::retail_transaction);
    event.body = sync::encode(sale);
    return {TillId{till}, Incarnation{5}, {}, {event}};
}

} // namespace

TEST_CASE(
    "points are held for a till that asks, and a lead that has them hears at once that they are wanted") {
    Desk desk;
    desk.on_writer([&](WriteSide& side) {
        REQUIRE(side.enrolment.add_till({StoreId{"KOL01"}, WorkstationId{"1"}, TillId{1}, true},
                                        desk.clock.wall()));
        side.leads_changed = true;
    });
    auto hello = desk.hello(1);
    hello.holder = RightsHolder{77};
    hello.lead_url = "tls+tcp://10.0.0.5:7444";
    REQUIRE(desk.writer->greet(1, hello, std::nullopt));
    desk.run_until([&] { return desk.answers.contains(1); });
    REQUIRE(desk.writer->push(2, batch_of(1, earning("a", 300)), 100));
    const StoreId store{"KOL01"};
    // The lead has its 200 as soon as the slice is made.
    desk.run_until([&] { return desk.newest[store] > 0; });
    const auto ask = [&](sync::RequestToken token, std::int64_t hold, std::int64_t points) {
        REQUIRE(desk.writer->reserve(token, {TillId{1}, HoldId{Bits128{1, static_cast<std::uint64_t>(hold)}},
                                             ProfileId{1}, Points{points}}));
        desk.run_until([&] { return desk.reserves.contains(token); });
        return desk.reserves.at(token);
    };
    CHECK(ask(1, 1, 80)->granted);
    CHECK(ask(2, 1, 80)->granted); // the same once more
    const auto before = desk.newest[store];
    const auto more = ask(3, 2, 100);
    REQUIRE(more);
    CHECK_FALSE(more->granted);
    CHECK(more->available == Points{20});
    CHECK(more->again_after > Duration{0});
    desk.run_until([&] { return desk.newest[store] > before; });
    CHECK(ask(4, 3, 100'000)->again_after == Duration{0});
    CHECK(ask(5, 4, 0).error().name == "points.amount");
    CHECK(desk.writer->points_unconfirmed() == Points{0});
}

TEST_CASE("apply that has nothing to do does not count as waiting, and what came in is applied") {
    Desk desk;
    REQUIRE(desk.writer->greet(1, desk.hello(1), std::nullopt));
    desk.run_until([&] { return desk.answers.contains(1); });
    REQUIRE(desk.writer->push(2, Desk::batch(1, 1), 1));
    desk.run_until([&] { return desk.answers.contains(2); });
    // A job comes after what was accepted; the one after the next finds it applied.
    for (int i = 0; i < 50 && desk.writer->apply_waits_since(); ++i) desk.on_writer([](WriteSide&) {});
    CHECK_FALSE(desk.writer->apply_waits_since());
}
