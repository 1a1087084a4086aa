#include "server_machine.hpp"

#include <algorithm>

#include <mudi/base/db/statement.hpp>
#include <mudi/server/publish.hpp>
#include <mudi/server/schema.hpp>

#include "operator.hpp"
#include "till_machine.hpp"

namespace mudi::sim {
namespace {

/// Kinds that this program knows, as one would see them that does not.
constexpr std::uint32_t disguise_by = 900;
/// A backlog of the till's events since the server was last seen.
constexpr std::int64_t loop_ms = 3;
constexpr std::string_view log_small = "PRAGMA wal_autocheckpoint = 300";

} // namespace

ServerMachine::Stores::Stores(std::unique_ptr<db::Connection> opened, const server::ServerKeys& keys,
                              const server::ApplyRules& rules, const server::PointsPolicy& points)
    : connection(std::move(opened)), inbox(*connection), enrolment(*connection), backups(*connection, inbox),
      apply(*connection, rules), import(*connection, inbox, rules),
      offers(*connection, keys.identifier_key, crm::OfferPolicy{}, points), feed(*connection),
      rights(*connection) {}

ServerMachine::ServerMachine(World& world) : Node(world, "server", -1) {}
ServerMachine::~ServerMachine() = default;

Status ServerMachine::start() {
    program_ = std::make_unique<Program>(world_.dice.next());
    return open_stores();
}

Status ServerMachine::open_stores() {
    Program& p = *program_;
    MUDI_TRY(auto connection, db::Connection::open(database(file)));
    MUDI_CHECK(server::migrate(*connection));
    // A busy server's log is full every few minutes; a simulated one's must be small to be full at all.
    MUDI_CHECK(connection->execute(log_small));
    MUDI_TRY(const auto keys, server::load_or_make_keys(*connection, p.random));
    MUDI_TRY(auto lineage, server::begin_generation(*connection, p.random, clock.wall()));
    p.rules.identifier_key = keys.identifier_key;
    p.rules.identifiers.loyalty_ranges = {{"29", 13, 13}};
    p.rules.identifiers.member_code_key = keys.member_code_key;
    const PointsPlan& plan = world_.swarm.points;
    p.rules.loyalty.per_point = Money{plan.per_point_minor, inr};
    const server::PointsPolicy points{plan.floor ? crm::OfflinePoints::floor_limit
                                                 : crm::OfflinePoints::escrow,
                                      {{plan.store_max}, {plan.till_max}, p.rules.loyalty.redeem_min}};
    crm::StoreSettings settings;
    settings.identifier_key = keys.identifier_key;
    settings.member_code_key = keys.member_code_key;
    settings.loyalty = p.rules.loyalty;
    settings.offline_points = points.offline;
    const auto published = server::publish_settings(*connection, settings);
    if (!published) return tl::make_unexpected(published.error());
    p.stores = std::make_unique<Stores>(std::move(connection), keys, p.rules, points);
    MUDI_CHECK(p.stores->rights.adopt(points, clock.wall()));
    p.books = std::make_unique<PointsBooks>(*p.stores->connection);
    MUDI_CHECK(undisguise());
    MUDI_TRY(p.reader, db::Connection::open(database(file, true)));
    p.feed = std::make_unique<server::FeedReader>(*p.reader);
    p.sync = std::make_unique<sync::ServerSync>(std::move(lineage), sync::Access::enrolled,
                                                sync::ServerLimits{}, p.random);
    return {};
}

void ServerMachine::end() { program_.reset(); }

void ServerMachine::started() {
    world_.outcome.marks.hit("generation begun");
    world_.check([](Checker& checker) { checker.server_started(); });
    look_each_minute();
}

void ServerMachine::stopped() { world_.network.server_stopped(); }

void ServerMachine::damaged(const Error& error) {
    world_.fail("I3", "the server does not start any more: " + error.name + " " + error.what);
}

// ---- what an older program does not know ----

void ServerMachine::disguise(sync::PushedBatch& batch) const {
    if (version >= future_version) return;
    for (sync::Event& event : batch.events) {
        const Attempt* attempt = world_.oracle.attempt(event.id);
        if (attempt != nullptr && attempt->future) event.kind += disguise_by;
    }
}

/// The newer program understands what was stored.
Status ServerMachine::undisguise() {
    if (version < future_version) return {};
    db::Connection& connection = *program_->stores->connection;
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(connection));
    db::Command<std::int64_t, std::int64_t> rename{connection,
                                                   "UPDATE inbox SET kind = kind - :by WHERE kind >= :least"};
    MUDI_CHECK(rename(disguise_by, disguise_by));
    return transaction.commit();
}

// ---- the driver of ServerSync ----

void ServerMachine::request(sync::RequestToken token, sync::PipeId pipe, std::string frame) {
    enter([this, token, pipe, frame = std::move(frame)]() mutable {
        message();
        step(sync::server_in::Request{token, pipe, std::move(frame)});
    });
}

void ServerMachine::pipe_gone(sync::PipeId pipe) {
    enter([this, pipe] { step(sync::server_in::PipeGone{pipe}); });
}

void ServerMachine::step(sync::ServerInput input) {
    Program& p = *program_;
    p.inputs.push_back(std::move(input));
    if (p.stepping) return;
    p.stepping = true;
    std::vector<sync::ServerAction> actions;
    while (!p.inputs.empty() && !dying()) {
        const sync::ServerInput next = std::move(p.inputs.front());
        p.inputs.pop_front();
        actions.clear();
        p.sync->step(clock.mono(), clock.wall(), next, actions);
        for (sync::ServerAction& action : actions) {
            if (!dying()) std::visit([this](auto& one) { act(one); }, action);
        }
    }
    p.stepping = false;
    pulls_max_ = std::max(pulls_max_, p.sync->waiting_pulls());
}

void ServerMachine::act(sync::server_out::Reply& reply) {
    message();
    world_.network.reply(reply.token, std::move(reply.frame));
}

void ServerMachine::act(sync::server_out::LookUpTill& look) {
    program_->hellos.push_back({look.token, std::move(look.hello), std::move(look.credentials)});
    ask_turn();
}

void ServerMachine::act(sync::server_out::Store& store) {
    const TillId till = store.batch.till;
    const TillId owner = world_.network.owner_of(store.token);
    if (owner.value != 0 && owner != till) return world_.fail("identity", "a till speaks for another");
    if (program_->revoked.contains(till.value)) return world_.fail("identity", "a revoked till is heard");
    program_->pushes.push_back(std::move(store));
    queue_max_ = std::max(queue_max_, program_->pushes.size());
    ask_turn();
}

template <class Read>
void ServerMachine::read_later(Read&& read) {
    later(world_.between(0, loop_ms), [this, read = std::forward<Read>(read)] {
        auto answer = read();
        later(world_.between(0, loop_ms), [this, answer = std::move(answer)] { step(answer); });
    });
}

void ServerMachine::act(const sync::server_out::ReadFeed& read) {
    read_later([this, read]() -> sync::ServerInput {
        return sync::server_in::FeedRead{read.token,
                                         program_->feed->read(read.store, read.after, read.bytes_max)};
    });
}

void ServerMachine::act(const sync::server_out::ReadManifest& read) {
    read_later([this, read]() -> sync::ServerInput {
        auto page = program_->feed->manifest(read.store);
        if (!page) return sync::server_in::ManifestRead{read.token, tl::make_unexpected(page.error()), 0};
        return sync::server_in::ManifestRead{read.token, std::move(page->manifest), page->version};
    });
}

void ServerMachine::act(const sync::server_out::ReadPart& read) {
    read_later([this, read]() -> sync::ServerInput {
        return sync::server_in::PartRead{read.token, program_->feed->part(read.store, read.parts, read.part)};
    });
}

void ServerMachine::act(const sync::server_out::Reserve& reserve) {
    program_->reserves.push_back({reserve.token, reserve.asked});
    ask_turn();
}

void ServerMachine::act(const sync::server_out::ClosePipe& close) {
    world_.outcome.marks.hit("pipe closed by the server");
    world_.network.close_pipe(close.pipe);
}

void ServerMachine::act(const sync::server_out::SetTimer& timer) {
    Program& p = *program_;
    p.wake_at = timer.at;
    later(clock.until_ms(timer.at), [this, at = timer.at] {
        if (program_->wake_at != at) return;
        program_->wake_at.reset();
        step(sync::server_in::Tick{});
    });
}

void ServerMachine::act(const sync::server_out::Report& report) {
    world_.note(report.event, {number(), report.till.value}, report.detail);
    world_.outcome.marks.hit("server " + std::string(report.event) + " " + report.detail);
}

std::int64_t ServerMachine::events_stored() const {
    const Glance glance(disk.snapshot(), file);
    if (glance.connection() == nullptr) return 0;
    db::Query<db::Columns<std::int64_t>, db::Params<>> count{*glance.connection(),
                                                             "SELECT COUNT(*) FROM inbox"};
    const auto row = count.first();
    return row && *row ? std::get<0>(**row) : 0;
}

std::string ServerMachine::unrest() {
    if (!running()) return "the server does not run";
    const Program& p = *program_;
    if (p.apply_waits || p.offers_wait || !p.reserves.empty() || !p.pushes.empty() || !p.jobs.empty())
        return "the server has work";
    return {};
}

} // namespace mudi::sim
