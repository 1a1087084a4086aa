#include "till_machine.hpp"

#include <algorithm>
#include <utility>

#include <mudi/base/db/statement.hpp>

#include "operator.hpp"
#include "server_machine.hpp"

namespace mudi::sim {
namespace {

constexpr std::int64_t relieve_every_ms = 60'000;
constexpr std::int64_t tidy_first_ms = 10'000;
constexpr std::int64_t relieve_again_ms = 5'000;
constexpr std::size_t pruned_per_call = 500;
/// Small, so that a till's log comes to a checkpoint within minutes.
constexpr int log_pages_max = 200;

till::StoreOptions store_options(const TillIdentity& identity, const db::Options& database, int machine,
                                 int version, till::RightsWitness& witness) {
    till::StoreOptions options;
    options.path = database.target;
    options.vfs = database.vfs;
    options.cache_kib = database.cache_kib;
    options.till = identity.till;
    options.store = identity.store;
    options.workstation = identity.workstation;
    options.data_key = identity.data_key;
    options.machine = Bits128{77, static_cast<std::uint64_t>(machine) + 1};
    options.program_version = std::to_string(version);
    options.lead_url = ShopNetwork::url_of(machine);
    options.witness = &witness;
    options.log_pages_max = log_pages_max;
    return options;
}

} // namespace

std::string sign(const Key256& key, std::string_view text) { return to_bytes(hash128(key, text)).data; }
std::string public_key(const Key256& key) { return std::string(view(key)); }

TillMachine::TillMachine(World& world, int number, TillIdentity identity)
    : Node(world, "till" + std::to_string(number), number), identity_(std::move(identity)),
      shop_(world.options.seed * 1'000'003 + static_cast<std::uint64_t>(number)),
      letter_(1, static_cast<char>('A' + number % 26)) {
    letter_ += std::to_string(number);
}
TillMachine::~TillMachine() = default;

// ---- the program ----

Status TillMachine::start() {
    program_ = std::make_unique<Program>(world_.dice.next());
    Program& p = *program_;
    MUDI_TRY(p.store, till::Store::open(store_options(identity_, database(file), number(), version, witness_),
                                        p.random));
    p.recorder = std::make_unique<Recorder>(world_, p.store->storage());
    till::DeskOptions desk;
    desk.till = identity_.till;
    desk.store = identity_.store;
    desk.workstation = identity_.workstation;
    desk.loyalty_ranges = {{"29", 13, 13}};
    MUDI_TRY(p.desk, till::Desk::open(std::move(desk), *p.recorder, p.random));
    p.sync = std::make_unique<sync::TillSync>(p.store->replica().state(), sync::TillLimits{}, p.random);
    return {};
}

void TillMachine::end() { program_.reset(); }

void TillMachine::started() {
    world_.network.till_started(number());
    world_.check([&](Checker& checker) { checker.till_started(*this); });
    later(relieve_every_ms, [this] { relieve(); });
    look_at_lead();
    later(tidy_first_ms, [this] { tidy(); });
    if (pending_) later(world_.between(500, 10'000), [this] { ask_again(); });
}

void TillMachine::stopped() { world_.network.till_stopped(number()); }

/// Nothing but a new disk helps; that it lied before is the only excuse.
void TillMachine::damaged(const Error& error) {
    if (!facts_.lied) return world_.fail("I1", name() + " does not start any more: " + error.name);
    world_.outcome.marks.hit("loss by a lying disk noticed");
    hold_down(true);
    world_.timeline.after(world_.between(1'000, 60'000), [this] { world_.people->replace_disk(*this); });
}

void TillMachine::link(bool up) {
    enter([this, up] { feed(up ? sync::TillInput{sync::till_in::LinkUp{}} : sync::till_in::LinkDown{}); });
}

void TillMachine::answer(std::uint64_t request, std::optional<std::string> frame) {
    enter([this, request, frame = std::move(frame)]() mutable {
        if (!frame) return feed(sync::till_in::NoAnswer{request});
        message();
        program_->last_contact = clock.wall();
        feed(sync::till_in::Answer{request, std::move(*frame)});
        if (program_ && request == program_->last_pull && program_->level && program_->linked) is_level();
    });
}

void TillMachine::feed(sync::TillInput input) {
    Program& p = *program_;
    p.inputs.push_back(std::move(input));
    if (p.stepping) return;
    p.stepping = true;
    while (!p.inputs.empty() && !dying()) {
        const sync::TillInput next = std::move(p.inputs.front());
        p.inputs.pop_front();
        p.actions.clear();
        p.sync->on_hold(p.desk->on_hold(p.sync->state().holder));
        p.sync->step(clock.mono(), clock.wall(), next, p.actions);
        for (sync::TillAction& action : p.actions) {
            if (!dying()) std::visit([this](auto& one) { act(one); }, action);
        }
    }
    p.stepping = false;
    if (!dying()) look_at_link();
}

void TillMachine::act(sync::till_out::Send& send) {
    if (send.channel == sync::Channel::pull) program_->last_pull = send.request;
    world_.network.send(number(), send.request, send.channel, std::move(send.frame), send.timeout);
}

void TillMachine::act(const sync::till_out::Sign& action) {
    program_->inputs.emplace_back(sync::till_in::Signed{sign(identity_.signing_key, action.text)});
}

void TillMachine::act(const sync::till_out::ReadOutbox& action) {
    auto read = program_->store->replica().read_outbox(action.after, {action.events_max, action.bytes_max});
    if (read) {
        program_->inputs.emplace_back(*std::move(read));
        return;
    }
    notice(read.error());
    sync::till_in::OutboxRead nothing;
    nothing.after = action.after;
    nothing.failed = read.error().name != "outbox.pruned";
    if (!nothing.failed) world_.outcome.marks.hit("asked for what is pruned");
    program_->inputs.emplace_back(std::move(nothing));
}

void TillMachine::act(const sync::till_out::SaveAck& action) {
    const EventSeq before = program_->store->replica().state().acked;
    if (action.acked < before) world_.outcome.marks.hit("acknowledgement taken back");
    world_.note("acked", {number(), action.acked.value, action.safe.value});
    world_.check([&](Checker& checker) { checker.acknowledged(*this, action.acked); });
    const auto saved = program_->store->replica().save_ack(action);
    if (!saved) notice(saved.error());
}

/// A database that turns out to be damaged while it is in use.
void TillMachine::notice(const Error& error) {
    if (error.name != "db.corrupt" || dying()) return;
    if (!facts_.lied) return world_.fail("I1", name() + " finds its database damaged");
    world_.outcome.marks.hit("loss by a lying disk noticed");
    const std::uint64_t now = program();
    world_.timeline.after(0, [this, now] {
        if (now == program()) world_.people->replace_disk(*this);
    });
}

void TillMachine::feed_applied(const Result<till::FeedOutcome>& outcome) {
    program_->inputs.emplace_back(sync::till_in::FeedApplied{outcome.has_value()});
    if (!outcome) notice(outcome.error());
    if (!outcome || dying()) return;
    (void)program_->desk->feed_applied(outcome->changed, outcome->settings_changed, clock.wall()).has_value();
    hand_over_captured();
    if (outcome->settings_changed) look_at_lead();
}

void TillMachine::act(sync::till_out::ApplyFeed& action) {
    const bool complete = action.complete;
    const auto rows = static_cast<std::int64_t>(action.rows.size());
    const auto outcome =
        program_->store->replica().apply_feed({std::move(action.rows), action.cursor, complete});
    world_.note("feed", {number(), rows, action.cursor.version, outcome ? 1 : 0});
    feed_applied(outcome);
    if (!outcome || dying()) return;
    program_->level = complete;
    if (complete) is_level();
}

void TillMachine::act(const sync::till_out::CompareManifest& action) {
    auto differing = program_->store->replica().compare(action.manifest);
    sync::till_in::Compared answer;
    answer.failed = !differing;
    if (!differing) notice(differing.error());
    if (differing) {
        answer.differing = *std::move(differing);
        world_.outcome.marks.hit("copies compared");
        if (answer.differing.empty()) world_.outcome.marks.hit("copies equal");
    }
    world_.note("compared", {number(), static_cast<std::int64_t>(action.manifest.digests.size()),
                             answer.failed ? -1 : static_cast<std::int64_t>(answer.differing.size())});
    look_at_holder();
    program_->inputs.emplace_back(std::move(answer));
}

void TillMachine::act(const sync::till_out::ApplyPart& action) {
    const auto outcome = program_->store->replica().apply_part(action);
    world_.note("part", {number(), action.part, action.parts, outcome ? 1 : 0});
    if (outcome) world_.outcome.marks.hit("part mended");
    feed_applied(outcome);
}

void TillMachine::act(const sync::till_out::NewLife& action) {
    auto life = program_->store->replica().begin_new_life();
    world_.note("new life", {number(), life ? life->last.value : -1}, action.why);
    if (!life) return notice(life.error());
    world_.outcome.marks.hit("new life");
    look_at_holder();
    program_->inputs.emplace_back(*life);
    world_.check([&](Checker& checker) { checker.new_life(*this); });
}

void TillMachine::act(const sync::till_out::SetTimer& action) {
    Program& p = *program_;
    if (p.wake_at && *p.wake_at <= action.at) return;
    p.wake_at = action.at;
    later(clock.until_ms(action.at), [this, at = action.at] {
        if (program_->wake_at != at) return;
        program_->wake_at.reset();
        feed(sync::till_in::Tick{});
    });
}

void TillMachine::act(const sync::till_out::Report& action) {
    world_.note(action.event, {number()}, action.detail);
    world_.outcome.marks.hit(action.event);
    if (action.event == "sync.refused") world_.outcome.marks.hit("refused: " + action.detail);
}

void TillMachine::is_level() {
    program_->level_at = clock.wall();
    program_->desk->server_seen({program_->linked, program_->level_at, program_->last_contact});
    world_.check([&](Checker& checker) { checker.till_level(*this); });
}

void TillMachine::look_at_link() {
    Program& p = *program_;
    if (p.sync->linked() == p.linked) return;
    p.linked = p.sync->linked();
    if (!p.linked) p.level = false;
    p.desk->server_seen({p.linked, p.level_at, p.last_contact});
}

/// The store may have begun another memory of rights.
void TillMachine::look_at_holder() {
    const RightsHolder holder = program_->store->replica().state().holder;
    if (holder == program_->sync->state().holder) return;
    world_.note("holder", {number()});
    program_->inputs.emplace_back(sync::till_in::HolderChanged{holder});
}

/// The ladder of a full disk, as the agent climbs it.
void TillMachine::relieve() {
    const auto relief = program_->store->replica().relieve(clock.wall());
    const bool outbox = relief && relief->pressure >= till::Pressure::outbox && relief->dropped > 0;
    if (dying() || outbox) forget_pruned();
    std::int64_t again = relieve_every_ms;
    if (relief && !dying()) {
        if (relief->pressure != till::Pressure::none || relief->dropped > 0) again = relieve_again_ms;
        if (relief->dropped > 0 || relief->resume) world_.outcome.marks.hit("caches dropped on a full disk");
        if (relief->resume) {
            Program& p = *program_;
            p.sync =
                std::make_unique<sync::TillSync>(p.store->replica().state(), sync::TillLimits{}, p.random);
            p.linked = p.level = false;
            p.wake_at.reset();
            for (auto& [id, on_answer] : std::exchange(p.asked, {})) {
                on_answer(fail(Code::unavailable, "server.unreachable", "the conversation begins anew"));
            }
            // The new one counts its requests anew: nothing of the old one may come back to it.
            world_.network.till_stopped(number());
            world_.network.till_started(number());
        }
    }
    if (!dying()) {
        look_at_holder();
        feed(sync::till_in::Tick{});
    }
    later(again, [this] { relieve(); });
}

void TillMachine::prune() {
    enter([this] {
        const Time before = clock.wall() - std::chrono::minutes{world_.swarm.people.kept_minutes};
        const auto gone = program_->store->replica().prune(before);
        // Killed in the middle it may have happened all the same.
        if (dying() || (gone && *gone > 0)) forget_pruned();
        if (!gone || *gone == 0 || dying()) return;
        world_.note("pruned", {number(), *gone});
        if (*gone >= static_cast<std::int64_t>(pruned_per_call)) later(1'000, [this] { prune(); });
    });
}

std::string TillMachine::unrest() const {
    if (!running()) return name() + " does not run";
    const Program& p = *program_;
    if (pending_ && !pending_->unreadable) return name() + "'s POS waits for an answer";
    if (!p.sync->linked() || !world_.network.connected(number())) return name() + " is not linked";
    if (p.sync->unsent() != 0) return name() + " has unsent events";
    if (!p.level) return name() + " is not level";
    return {};
}

/// What the database gave up is no more on this disk, and that was the program's own decision.
void TillMachine::forget_pruned() {
    const auto stored = stored_events();
    if (!stored) return;
    std::unordered_set<Bits128> left;
    for (const EventId event : *stored) left.insert(event.value);
    std::erase_if(facts_.kept, [&](const DiskFacts::Kept& kept) {
        if (left.contains(kept.event.value)) return false;
        facts_.pruned.push_back(kept.event);
        // Only an older backup than there is was put back: people's loss, not the till's.
        if (world_.people->server_is_behind() && !world_.oracle.at_server.contains(kept.event.value))
            world_.oracle.deed(kept.serial).lost = true;
        return true;
    });
    world_.outcome.marks.hit("pruned");
    world_.check([&](Checker& checker) { checker.till_pruned(*this); });
}

// ---- people ----

void TillMachine::take_numbers_of(const TillMachine& original) {
    letter_ = original.letter_;
    next_number_ = original.next_number_;
}

TillImage TillMachine::image() const { return {number(), disk.snapshot(), facts_, identity_, next_number_}; }

void TillMachine::put_in(const TillImage& image, bool pos_too) {
    disk.restore(image.disk);
    world_.check([&](Checker& checker) { checker.disk_changed(*this); });
    facts_ = image.facts;
    facts_.lied = facts_.lied || disk.faults.lying_sync;
    // Another till's answer would be another till's sale.
    if (image.identity.till != identity_.till) pending_.reset();
    identity_ = image.identity;
    if (pos_too) next_number_ = image.next_number;
}

void TillMachine::put_in_new_disk(const Key256& signing_key, const Key256& data_key) {
    disk.restore(DiskImage{});
    world_.check([&](Checker& checker) { checker.disk_changed(*this); });
    facts_ = DiskFacts{};
    identity_.signing_key = signing_key;
    identity_.data_key = data_key;
}

std::optional<std::vector<EventId>> TillMachine::stored_events() const {
    const Glance glance(disk.snapshot(), file);
    if (glance.connection() == nullptr) return std::nullopt;
    db::Query<db::Columns<EventId>, db::Params<>> ids{*glance.connection(),
                                                      "SELECT id FROM event ORDER BY row"};
    std::vector<EventId> events;
    if (!ids.each([&](EventId id) { events.push_back(id); })) return std::nullopt;
    return events;
}

} // namespace mudi::sim
