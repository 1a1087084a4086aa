#include <deque>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/base/file.hpp>

#include <pos-agent/app/sync_driver.hpp>

#include "../till_fixture.hpp"
#include "unit/sync/authority.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;
namespace out = sync::server_out;
namespace in = sync::server_in;

namespace {

using boost::asio::io_context;

sync::Post post_to(io_context& io) {
    return [&io](std::function<void()> work) { boost::asio::post(io, std::move(work)); };
}

/// Runs the loop until `done`; far longer than it ever takes.
bool soon(io_context& io, const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        io.restart();
        io.run_one_for(std::chrono::milliseconds{100});
    }
    return true;
}

/// The server's end of the wire, its answers given by the test.
class Server {
public:
    Server(io_context& io, sync::Access access) : sync_({{7, 0}}, access, {}, random_) {
        auto started = sync::ServerTransport::start(
            "tcp://127.0.0.1:0", {}, 100, post_to(io),
            [this](sync::RequestToken token, sync::PipeId pipe, std::string frame) {
                pipe_ = pipe;
                step(in::Request{token, pipe, std::move(frame)});
            },
            [this](sync::PipeId pipe) { step(in::PipeGone{pipe}); });
        REQUIRE(started);
        transport_ = *std::move(started);
    }
    ~Server() { transport_->stop(); }

    [[nodiscard]] std::string url() const { return transport_->url(); }

    /// Cuts the connection of the last request.
    void drop() { transport_->close_pipe(pipe_); }

    std::vector<out::LookUpTill> hellos;
    std::string certificate; ///< for whoever asks for one; signed by it
    std::function<std::string(const std::string& request)> sign;
    sync::ReserveAnswer reserve;
    std::vector<sync::Event> events;
    Bucket bucket;
    int manifests{0};

private:
    void step(sync::ServerInput input) {
        inputs_.push_back(std::move(input));
        if (stepping_) return;
        stepping_ = true;
        while (!inputs_.empty()) {
            const sync::ServerInput next = std::move(inputs_.front());
            inputs_.pop_front();
            std::vector<sync::ServerAction> actions;
            sync_.step(clock_.mono(), clock_.wall(), next, actions);
            for (auto& action : actions) std::visit([this](auto& each) { act(each); }, action);
        }
        stepping_ = false;
    }
    void act(out::Reply& reply) { transport_->reply(reply.token, std::move(reply.frame)); }
    void act(out::LookUpTill& look) {
        hellos.push_back(look);
        in::TillKnown known{look.token, standing(), {}};
        if (sign && !look.hello.certificate_request.empty())
            known.certificate = sign(look.hello.certificate_request);
        inputs_.push_back(std::move(known));
    }
    void act(out::Store& store) {
        for (const auto& event : store.batch.events) {
            events.push_back(event);
            chain_ = chain_next(chain_, event.body);
        }
        inputs_.push_back(in::Stored{store.token, standing()});
    }
    void act(out::ReadFeed& read) { inputs_.push_back(in::FeedRead{read.token, in::FeedPage{{}, 9, 0}}); }
    void act(out::ReadManifest& read) {
        ++manifests;
        inputs_.push_back(in::ManifestRead{read.token, bucket.manifest(4), 9});
    }
    void act(out::ReadPart& read) {
        inputs_.push_back(in::PartRead{read.token, bucket.part(read.parts, read.part).rows});
    }
    void act(out::Reserve& asked) { inputs_.push_back(in::Reserved{asked.token, reserve}); }
    void act(out::ClosePipe& close) { transport_->close_pipe(close.pipe); }
    void act(out::SetTimer&) {}
    void act(out::Report&) {}
    [[nodiscard]] sync::Standing standing() const {
        const auto count = static_cast<std::int64_t>(events.size());
        return {{EventSeq{count}, chain_}, EventSeq{count / 2}, count * 10};
    }

    SeededRandom random_{3};
    SystemClock clock_;
    sync::ServerSync sync_;
    std::unique_ptr<sync::ServerTransport> transport_;
    std::deque<sync::ServerInput> inputs_;
    sync::PipeId pipe_{}; ///< of the last request
    bool stepping_{false};
    Bits128 chain_;
};

/// A real store under a disk of whose fullness the test decides.
class Squeezed final : public Replica {
public:
    explicit Squeezed(Replica& real) : real_(real) {}

    [[nodiscard]] sync::TillState state() const override {
        auto state = real_.state();
        if (cut) state.cursor = {};
        return state;
    }
    Result<sync::till_in::OutboxRead> read_outbox(EventSeq after, const OutboxLimits& limits) override {
        return real_.read_outbox(after, limits);
    }
    Status save_ack(const sync::till_out::SaveAck& ack) override { return real_.save_ack(ack); }
    Result<FeedOutcome> apply_feed(const FeedBatch& batch) override { return real_.apply_feed(batch); }
    Result<std::vector<std::uint32_t>> compare(const sync::Manifest& manifest) override {
        ++compared;
        return real_.compare(manifest);
    }
    Result<FeedOutcome> apply_part(const sync::till_out::ApplyPart& part) override {
        return real_.apply_part(part);
    }
    Result<sync::till_in::LifeBegun> begin_new_life() override { return real_.begin_new_life(); }
    Result<std::int64_t> prune(Time before) override { return real_.prune(before); }
    Result<Relief> relieve(Time) override {
        ++relieved;
        const bool resume = std::exchange(cut_next, false);
        if (resume) {
            cut = true;
            pressure = Pressure::none;
        }
        return Relief{pressure, 0, resume};
    }
    [[nodiscard]] StoreCounts counts() const override {
        auto counts = real_.counts();
        counts.pressure = pressure;
        return counts;
    }

    Pressure pressure{Pressure::none};
    bool cut_next{false};
    bool cut{false};
    int compared{0};
    int relieved{0};

private:
    Replica& real_;
};

/// The machine's clock, until somebody sets it.
struct SetClock final : Clock {
    [[nodiscard]] Time wall() const override { return real.wall() + ahead; }
    [[nodiscard]] MonoTime mono() const override { return real.mono(); }
    SystemClock real;
    Duration ahead{};
};

struct Wired {
    explicit Wired(sync::Access access = sync::Access::open) : server(io, access) {
        server.bucket.rows = {row_of(settings(), 1), row_of(kamala(), 2)};
    }
    ~Wired() {
        if (driver) driver->stop();
        while (io.poll() > 0) {
        }
    }
    void start(std::optional<OwnIdentity> identity = {}) {
        SyncDriver::Parts parts{
            io,
            squeezed,
            clock,
            till.random,
            [this](const FeedOutcome& outcome) {
                CHECK(till.desk->feed_applied(outcome.changed, outcome.settings_changed, clock.wall()));
            },
            [this](bool up, std::optional<Time> level) {
                linked = up;
                level_at = level;
            }};
        parts.identity = std::move(identity);
        parts.rhythm.relief_pressed = parts.rhythm.relief_step = std::chrono::milliseconds{5};
        if (certificate_every) parts.rhythm.certificate_every = *certificate_every;
        SyncDriver::Server to{server.url(), {}, {}, {Duration{10}, Duration{50}}};
        to.limits.pull_wait = Duration{100};
        auto started = SyncDriver::start(std::move(parts), std::move(to));
        REQUIRE(started);
        driver = *std::move(started);
    }
    [[nodiscard]] bool soon(const std::function<bool()>& done) { return ::soon(io, done); }

    io_context io{1};
    SetClock clock;
    std::optional<std::chrono::milliseconds> certificate_every;
    Till till;
    Squeezed squeezed{till.store->replica()};
    Server server;
    std::unique_ptr<SyncDriver> driver;
    bool linked{false};
    std::optional<Time> level_at;
};

struct Enrolled {
    [[nodiscard]] OwnIdentity identity(long seconds) const {
        const auto certificate = authority.issue("till-3", {.seconds = seconds});
        auto made = OwnIdentity::make(TillId{3}, certificate.key_pem, certificate.pem, file());
        REQUIRE(made);
        return *std::move(made);
    }
    [[nodiscard]] std::string file() const { return folder.file("certificate.pem"); }
    test::TempDir folder;
    test::Authority authority;
};

} // namespace

TEST_CASE("sales reach the server, and what it has and holds safe is remembered") {
    Wired wire;
    wire.start();
    for (int i = 1; i <= 4; ++i)
        REQUIRE(wire.till.desk->complete(sale(std::to_string(i), {tea(1)}), morning));
    wire.driver->captured(EventSeq{4});
    CHECK(wire.soon([&] { return wire.till.store->replica().counts().acked == 4; }));
    CHECK(wire.till.store->replica().counts().safe == 2);
    CHECK(wire.server.events.size() == 4);
}

TEST_CASE("what was captured before a new life gave fewer numbers is not said to be there") {
    Wired wire;
    wire.start();
    REQUIRE(wire.till.desk->complete(sale("1", {tea(1)}), morning));
    wire.driver->captured(EventSeq{7}); // its number in the life before
    REQUIRE(wire.soon([&] { return wire.till.store->replica().counts().acked == 1; }));
    const std::size_t hellos = wire.server.hellos.size();
    wire.server.drop();
    REQUIRE(wire.soon([&] { return wire.server.hellos.size() > hellos; }));
    CHECK(wire.server.hellos.back().hello.last == EventSeq{1});
}

TEST_CASE("a new till is brought level part by part") {
    Wired wire;
    wire.start();
    CHECK(wire.soon([&] { return wire.level_at.has_value(); }));
    CHECK(wire.till.points_of(kamala_card) == Points{120});
    CHECK(wire.server.manifests == 1);
    CHECK(wire.till.store->replica().state().cursor == sync::FeedCursor{7, 9});
}

TEST_CASE("an enrolled till signs its hello with its key") {
    Wired wire(sync::Access::enrolled);
    const Enrolled enrolled;
    auto identity = enrolled.identity(90 * 24 * 3600);
    const auto facts = *sync::read_certificate(identity.certificate_pem());
    wire.start(std::move(identity));
    REQUIRE(wire.soon([&] { return wire.linked; }));
    const auto& proof = wire.server.hellos.back().credentials;
    REQUIRE(proof);
    CHECK(sync::verify_signature(facts.public_key, proof->signed_text, proof->signature));
    CHECK(wire.driver->facts().certificate_days == 89);
    CHECK(wire.server.hellos.back().hello.certificate_request.empty());
}

TEST_CASE("a certificate that is due is renewed by itself and kept") {
    Wired wire(sync::Access::enrolled);
    const Enrolled enrolled;
    auto identity = enrolled.identity(-60);
    wire.server.sign = [&](const std::string& request) { return enrolled.authority.sign(request, "till-3"); };
    wire.start(std::move(identity));
    CHECK(wire.driver->facts().certificate_days == -1);
    REQUIRE(wire.soon([&] { return wire.driver->facts().certificate_days >= 0; }));
    CHECK_FALSE(
        wire.server.hellos.front().hello.certificate_request.empty()); // no hello is said for it alone
    const auto kept = read_small_file(enrolled.file(), 65536);
    REQUIRE(kept);
    CHECK(sync::read_certificate(*kept)->not_after > wire.clock.wall());
}

TEST_CASE("a clock that is set while the till runs is noticed by its certificate") {
    Wired wire(sync::Access::enrolled);
    const Enrolled enrolled;
    wire.server.sign = [&](const std::string& request) { return enrolled.authority.sign(request, "till-3"); };
    const auto begin = [&] {
        wire.start(enrolled.identity(90 * 24 * 3600));
        REQUIRE(wire.soon([&] { return wire.linked; }));
        CHECK(wire.server.hellos.size() == 1);
        wire.clock.ahead = std::chrono::days{85};
    };
    SECTION("though nothing else happens") {
        wire.certificate_every = std::chrono::milliseconds{5};
        begin();
    }
    SECTION("when the link comes anew") {
        begin();
        wire.server.drop();
    }
    REQUIRE(wire.soon([&] { return wire.server.hellos.size() > 1; }));
    CHECK_FALSE(wire.server.hellos.at(1).hello.certificate_request.empty());
}

TEST_CASE("a customer's question is answered by the server, or at once when it cannot be asked") {
    Wired wire;
    const sync::Reserve question{TillId{3}, HoldId{{1, 2}}, ProfileId{17}, Points{50}};
    std::optional<Result<sync::ReserveAnswer>> answer;
    const auto keep = [&](Result<sync::ReserveAnswer> given) { answer.emplace(std::move(given)); };
    wire.start();
    wire.driver->ask(question, keep);
    REQUIRE(answer);
    CHECK(error_of(*answer) == "server.unreachable");
    REQUIRE(wire.soon([&] { return wire.linked; }));
    wire.server.reserve.granted = true;
    answer.reset();
    wire.driver->ask(question, keep);
    CHECK_FALSE(answer);
    REQUIRE(wire.soon([&] { return answer.has_value(); }));
    REQUIRE(*answer);
    CHECK((*answer)->granted);
}

TEST_CASE("a till that works alone answers questions and keeps quiet") {
    io_context io(1);
    SystemClock clock;
    Till till;
    auto driver = *SyncDriver::start({io, till.store->replica(), clock, till.random,
                                      [](const FeedOutcome&) {}, [](bool, std::optional<Time>) {}},
                                     {});
    std::string error;
    driver->ask({}, [&](Result<sync::ReserveAnswer> given) { error = error_of(given); });
    CHECK(error == "server.unreachable");
    driver->captured(EventSeq{1});
    CHECK_FALSE(driver->facts().linked);
    driver->stop();
}

TEST_CASE("a full disk is looked after soon, and when there is room again the copies are compared") {
    Wired wire;
    wire.start();
    REQUIRE(wire.soon([&] { return wire.level_at.has_value(); }));
    REQUIRE(wire.squeezed.compared == 1);
    CHECK(wire.squeezed.relieved == 0);
    wire.squeezed.pressure = Pressure::caches;
    REQUIRE(wire.till.desk->complete(sale("1", {tea(1)}), morning));
    wire.driver->captured(EventSeq{1});
    REQUIRE(wire.soon([&] { return wire.squeezed.relieved >= 3; }));
    wire.squeezed.cut_next = true;
    REQUIRE(wire.soon([&] { return wire.squeezed.compared == 2; }));
    wire.squeezed.cut = false;
    CHECK(wire.soon([&] { return wire.linked && wire.till.store->replica().counts().acked == 1; }));
    REQUIRE(wire.till.desk->complete(sale("2", {tea(1)}), morning));
    wire.driver->captured(EventSeq{2});
    CHECK(wire.soon([&] { return wire.server.events.size() == 2; }));
}

TEST_CASE("rights of a history that may be lost are forgotten, and the server hears of a new memory") {
    Wired wire;
    const RightsHolder first = wire.till.store->replica().state().holder;
    auto slice = kamala();
    slice.rights = {{first, {50}, {}}};
    wire.server.bucket.rows = {row_of(settings(), 1), row_of(slice, 2)};
    wire.start();
    REQUIRE(wire.soon([&] { return wire.level_at.has_value(); }));
    CHECK(wire.till.store->replica().counts().rights_held == Points{50});
    CHECK(wire.server.hellos.back().hello.holder == first);
    wire.squeezed.pressure = Pressure::caches;
    wire.squeezed.cut_next = true;
    REQUIRE(wire.till.desk->complete(sale("1", {tea(1)}), morning));
    wire.driver->captured(EventSeq{1});
    REQUIRE(wire.soon([&] { return wire.squeezed.compared == 2; }));
    const RightsHolder second = wire.till.store->replica().state().holder;
    CHECK(second != first);
    CHECK(wire.soon([&] { return wire.server.hellos.back().hello.holder == second; }));
    CHECK(wire.till.store->replica().counts().rights_held == Points{});
}
