#include "unit/sync/pair_world.hpp"

#include <algorithm>

#include <mudi/base/hash.hpp>

#include "sync/protocol/frames.hpp"

namespace mudi::test {
using namespace sync;

namespace {

constexpr std::int64_t stormy_ms = 60'000;
constexpr std::int64_t calm_ms = 120'000;
constexpr std::size_t tills = 3;

TillLimits till_limits() {
    TillLimits limits;
    limits.events_per_push_max = 5;
    limits.retry_max = Duration{4000};
    limits.push_timeout = Duration{2000};
    limits.pull_wait = Duration{800};
    limits.pull_timeout = Duration{1200};
    limits.pull_bytes_max = 1024;
    limits.hello_every = Duration{15'000};
    return limits;
}

std::string signature_of(std::string_view text) { return to_hex(hash128(text)); }

std::uint32_t parts_for(std::size_t rows) {
    std::uint32_t parts = 1;
    while (parts < 16 && parts * 8 < rows) parts *= 2;
    return parts;
}

} // namespace

struct PairWorld::Till {
    std::unique_ptr<TillSync> core;
    TillState state;
    std::vector<ServerStore::Kept> outbox;
    std::map<RowName, std::string> copy;
    std::uint64_t link{}; ///< 0: down
    std::set<std::uint64_t> unanswered;
    std::map<std::uint64_t, std::int64_t> questions; ///< id -> when asked
    std::uint64_t last_question{};
    bool level{false};

    [[nodiscard]] Bits128 chain_at(std::int64_t seq) const {
        return seq == 0 ? Bits128{} : outbox.at(static_cast<std::size_t>(seq - 1)).chain;
    }
};

PairWorld::PairWorld(std::uint64_t seed, PairOptions options) : random_(seed), options_(options) {
    options_.loss_percent = static_cast<unsigned>(random_.below(options_.loss_percent + 1));
    options_.double_percent = static_cast<unsigned>(random_.below(options_.double_percent + 1));
    for (std::size_t i = 0; i < tills; ++i) {
        Till& till = *tills_.emplace_back(std::make_unique<Till>());
        till.state.till.value = static_cast<std::int64_t>(i) + 1;
        till.state.store.value = "A";
        till.state.incarnation.value = random_.next();
        till.core = std::make_unique<TillSync>(till.state, till_limits(), random_);
    }
    sync::FeedRow settings;
    settings.version = ++store_.counter;
    settings.kind = 3;
    settings.key = "settings";
    settings.body = "settings";
    store_.rows[{3, "settings"}] = settings;
    for (int i = 0; i < options_.rows; ++i) change_row();
    start_server();
}
PairWorld::~PairWorld() = default;

void PairWorld::after(std::int64_t ms, std::function<void()> what) {
    heap_.push({now_ms_ + ms, ++order_, std::move(what)});
}

void PairWorld::advance(std::int64_t until_ms) {
    while (!heap_.empty() && heap_.top().at_ms <= until_ms && broken_.empty()) {
        const Due due = heap_.top();
        heap_.pop();
        now_ms_ = due.at_ms;
        due.what();
    }
    now_ms_ = until_ms;
}

// ---- till ----

void PairWorld::to_till(std::size_t till, const TillInput& in) {
    std::vector<TillAction> out;
    tills_[till]->core->step(mono(), wall(), in, out);
    for (const TillAction& action : out) std::visit([&](const auto& each) { act(till, each); }, action);
}

void PairWorld::link(std::size_t till, bool up) {
    Till& of = *tills_[till];
    if (of.link != 0) {
        const PipeId pipe = of.link;
        of.link = 0;
        of.unanswered.clear();
        std::erase_if(asked_, [&](const auto& each) { return each.second.link == pipe; });
        to_server(server_in::PipeGone{pipe});
        to_till(till, till_in::LinkDown{});
        if (!of.questions.empty()) broke("a question outlived its link");
    }
    if (!up) return;
    of.link = ++last_link_;
    of.level = false;
    to_till(till, till_in::LinkUp{});
}

void PairWorld::act(std::size_t till, const till_out::Send& send) {
    Till& from = *tills_[till];
    const std::uint64_t link = from.link;
    if (link == 0) return broke("sent without a link");
    from.unanswered.insert(send.request);
    const unsigned copies = storm_ && chance(options_.loss_percent)     ? 0
                            : storm_ && chance(options_.double_percent) ? 2
                                                                        : 1;
    for (unsigned i = 0; i < copies; ++i)
        after(delay(), [this, till, link, send] { arrives(till, link, send.request, send.frame); });
    after(send.timeout.count(), [this, till, link, request = send.request] {
        if (tills_[till]->link == link && tills_[till]->unanswered.erase(request) == 1)
            to_till(till, till_in::NoAnswer{request});
    });
}

void PairWorld::act(std::size_t till, const till_out::Sign& sign) {
    ++marks.challenged;
    to_till(till, till_in::Signed{signature_of(sign.text)});
}

void PairWorld::act(std::size_t till, const till_out::ReadOutbox& read) {
    const Till& of = *tills_[till];
    till_in::OutboxRead out;
    out.after = read.after;
    out.failed = storm_ && chance(3);
    out.chain_before = of.chain_at(read.after.value);
    for (auto i = static_cast<std::size_t>(read.after.value);
         i < of.outbox.size() && out.events.size() < read.events_max; ++i)
        out.events.push_back(of.outbox[i].event);
    to_till(till, out);
}

void PairWorld::act(std::size_t till, const till_out::SaveAck& save) {
    TillState& state = tills_[till]->state;
    state.acked = save.acked;
    state.safe = save.safe;
    state.ack_generation = save.generation;
}

void PairWorld::act(std::size_t till, const till_out::ApplyFeed& apply) {
    Till& of = *tills_[till];
    if (storm_ && chance(5)) return to_till(till, till_in::FeedApplied{false});
    for (const FeedRow& row : apply.rows) {
        if (row.deleted) {
            of.copy.erase({row.kind, row.key});
        } else {
            of.copy[{row.kind, row.key}] = row.body;
        }
    }
    of.state.cursor = apply.cursor;
    if (apply.complete) of.level = true;
    to_till(till, till_in::FeedApplied{true});
}

void PairWorld::act(std::size_t till, const till_out::CompareManifest& compare) {
    ++marks.compared;
    const auto parts = static_cast<std::uint32_t>(compare.manifest.digests.size());
    std::vector<std::uint64_t> ours(parts);
    for (const auto& [name, body] : tills_[till]->copy)
        ours[part_among(parts, name.first, name.second)] += row_digest(name.first, name.second, body);
    till_in::Compared out;
    for (std::uint32_t part = 0; part < parts; ++part) {
        if (ours[part] != compare.manifest.digests[part]) out.differing.push_back(part);
    }
    out.failed = storm_ && chance(5);
    to_till(till, out);
}

void PairWorld::act(std::size_t till, const till_out::ApplyPart& apply) {
    ++marks.parts;
    Till& of = *tills_[till];
    if (storm_ && chance(5)) return to_till(till, till_in::FeedApplied{false});
    std::erase_if(of.copy, [&](const auto& row) {
        return part_among(apply.parts, row.first.first, row.first.second) == apply.part;
    });
    for (const FeedRow& row : apply.rows) of.copy[{row.kind, row.key}] = row.body;
    to_till(till, till_in::FeedApplied{true});
}

void PairWorld::act(std::size_t till, const till_out::NewLife&) {
    ++marks.lives;
    Till& of = *tills_[till];
    of.state.incarnation.value = random_.next();
    of.state.acked = {};
    to_till(till,
            till_in::LifeBegun{of.state.incarnation, EventSeq{static_cast<std::int64_t>(of.outbox.size())}});
}

void PairWorld::act(std::size_t, const till_out::SaveCertificate&) { broke("a certificate nobody made"); }

void PairWorld::act(std::size_t till, const till_out::Answered& answered) {
    Till& of = *tills_[till];
    const auto found = of.questions.find(answered.id);
    if (found == of.questions.end()) return broke("a question was answered twice");
    if (now_ms_ - found->second > till_limits().ask_timeout.count()) broke("a customer waited too long");
    of.questions.erase(found);
    answered.answer ? ++marks.granted : ++marks.unreachable;
}

void PairWorld::act(std::size_t till, const till_out::SetTimer& timer) {
    after(std::max<std::int64_t>(0, (timer.at - mono()).count()),
          [this, till] { to_till(till, till_in::Tick{}); });
}

void PairWorld::act(std::size_t, const till_out::Report&) {}

void PairWorld::capture(std::size_t till) {
    Till& of = *tills_[till];
    Event event;
    event.seq.value = static_cast<std::int64_t>(of.outbox.size()) + 1;
    event.id.value = random_.bits128();
    event.kind = 1;
    event.body = "sale " + std::to_string(random_.next());
    owed_[event.id.value] = event.body;
    of.outbox.push_back({event, chain_next(of.chain_at(event.seq.value - 1), event.body)});
    of.state.last = event.seq;
    to_till(till, till_in::Captured{event.seq});
}

void PairWorld::ask(std::size_t till) {
    Till& of = *tills_[till];
    const std::uint64_t id = ++of.last_question;
    of.questions[id] = now_ms_;
    to_till(till, till_in::Ask{id, {of.state.till, HoldId{random_.bits128()}, ProfileId{1}, Points{10}}});
}

// ---- server ----

void PairWorld::start_server() {
    ++process_;
    asked_.clear();
    store_.lineage.push_back({random_.next() | 1, store_.counter});
    server_ = std::make_unique<ServerSync>(store_.lineage, Access::enrolled, ServerLimits{}, random_);
}

void PairWorld::to_server(const ServerInput& in) {
    std::vector<ServerAction> out;
    server_->step(mono(), wall(), in, out);
    for (const ServerAction& action : out) std::visit([&](const auto& each) { act(each); }, action);
}

void PairWorld::later(std::function<ServerInput()> work) {
    after(static_cast<std::int64_t>(random_.below(30)), [this, process = process_, work = std::move(work)] {
        if (process == process_) to_server(work());
    });
}

void PairWorld::arrives(std::size_t till, std::uint64_t link, std::uint64_t request,
                        const std::string& frame) {
    if (tills_[till]->link != link) return;
    const RequestToken token = ++last_token_;
    asked_[token] = {till, link, request};
    to_server(server_in::Request{token, link, frame});
}

void PairWorld::act(const server_out::Reply& reply) {
    const auto found = asked_.find(reply.token);
    if (found == asked_.end()) return broke("a reply nobody waits for");
    const Asked asked = found->second;
    asked_.erase(found);
    if (storm_ && chance(options_.loss_percent)) return;
    after(delay(), [this, asked, frame = reply.frame] {
        Till& to = *tills_[asked.till];
        if (to.link == asked.link && to.unanswered.erase(asked.request) == 1)
            to_till(asked.till, till_in::Answer{asked.request, frame});
    });
}

Standing PairWorld::standing(const ServerStore::Life& life) const {
    const auto found = store_.inbox.find(life);
    if (found == store_.inbox.end() || found->second.empty()) return {};
    const ServerStore::Kept& last = found->second.back();
    return {{last.event.seq, last.chain}, {}, last.event.seq.value};
}

void PairWorld::act(const server_out::LookUpTill& look) {
    later([this, look]() -> ServerInput {
        if (!look.credentials || look.credentials->signature != signature_of(look.credentials->signed_text))
            return server_in::TillKnown{look.token, fail(Code::denied, "till.signature", "no"), {}};
        return server_in::TillKnown{
            look.token, standing({look.hello.till.value, look.hello.incarnation.value}), {}};
    });
}

Result<Standing> PairWorld::append(const PushedBatch& batch) {
    if (storm_ && chance(5)) return fail(Code::busy, "db.busy", "again");
    const ServerStore::Life life{batch.till.value, batch.incarnation.value};
    std::vector<ServerStore::Kept>& kept = store_.inbox[life];
    const HighWater mark = standing(life).mark;
    std::optional<Bits128> overlap;
    const std::int64_t newest = std::min(batch.events.back().seq.value, mark.seq.value);
    for (const ServerStore::Kept& each : kept) {
        if (each.event.seq.value == newest) overlap = each.chain;
    }
    const AppendPlan plan = plan_append(mark, batch, overlap);
    if (plan.verdict == AppendPlan::Verdict::gap) return fail(Code::invalid, "sync.gap", "gap");
    if (plan.verdict == AppendPlan::Verdict::fork) return fail(Code::conflict, "sync.fork", "fork");
    for (std::size_t i = plan.first; i < batch.events.size(); ++i)
        kept.push_back({batch.events[i], plan.chains[i - plan.first]});
    return standing(life);
}

void PairWorld::act(const server_out::Store& store) {
    later([this, store]() -> ServerInput { return server_in::Stored{store.token, append(store.batch)}; });
}

void PairWorld::act(const server_out::ReadFeed& read) {
    later([this, read]() -> ServerInput {
        server_in::FeedPage page;
        page.horizon = store_.horizon;
        std::map<std::int64_t, FeedRow> by_version;
        for (const auto& [name, row] : store_.rows) {
            page.newest = std::max(page.newest, row.version);
            if (row.version > read.after) by_version[row.version] = row;
        }
        for (const auto& [version, row] : by_version) {
            if (page.rows.size() < 6) page.rows.push_back(row);
        }
        return server_in::FeedRead{read.token, page};
    });
}

void PairWorld::act(const server_out::ReadManifest& read) {
    later([this, read]() -> ServerInput {
        if (storm_ && chance(5))
            return server_in::ManifestRead{read.token, fail(Code::busy, "db.busy", "again"), 0};
        Manifest manifest;
        const std::uint32_t parts = parts_for(store_.rows.size());
        manifest.digests.resize(parts);
        for (const auto& [name, row] : store_.rows) {
            if (!row.deleted)
                manifest.digests[part_among(parts, row.kind, row.key)] +=
                    row_digest(row.kind, row.key, row.body);
        }
        return server_in::ManifestRead{read.token, manifest, store_.counter};
    });
}

void PairWorld::act(const server_out::ReadPart& read) {
    later([this, read]() -> ServerInput {
        std::vector<FeedRow> rows;
        for (const auto& [name, row] : store_.rows) {
            if (!row.deleted && part_among(read.parts, row.kind, row.key) == read.part) rows.push_back(row);
        }
        return server_in::PartRead{read.token, rows};
    });
}

void PairWorld::act(const server_out::Reserve& reserve) {
    later([this, reserve]() -> ServerInput {
        return server_in::Reserved{reserve.token, ReserveAnswer{true, {}, Points{0}, Duration{0}}};
    });
}

void PairWorld::act(const server_out::ClosePipe&) { broke("nobody was revoked"); }

void PairWorld::act(const server_out::SetTimer& timer) {
    after(std::max<std::int64_t>(0, (timer.at - mono()).count()), [this, process = process_] {
        if (process == process_) to_server(server_in::Tick{});
    });
}

void PairWorld::act(const server_out::Report&) {}

void PairWorld::change_row() {
    FeedRow row;
    row.version = ++store_.counter;
    row.kind = 1 + static_cast<std::uint32_t>(random_.below(2));
    row.key = std::to_string(random_.below(150));
    row.deleted = random_.below(3) == 0;
    if (!row.deleted) row.body = std::to_string(random_.next());
    store_.rows[{row.kind, row.key}] = row;
    if (server_) to_server(server_in::FeedChanged{StoreId{"A"}, row.version});
}

// ---- the storm ----

void PairWorld::bounce() {
    for (std::size_t till = 0; till < tills; ++till) {
        link(till, false);
        after(static_cast<std::int64_t>(random_.below(600)), [this, till] { link(till, true); });
    }
}

void PairWorld::fault() {
    const std::size_t till = random_.below(tills);
    switch (random_.below(6)) {
    case 0:
        link(till, false);
        after(static_cast<std::int64_t>(random_.below(12'000)), [this, till] { link(till, true); });
        break;
    case 1: // the process of a till starts anew
        link(till, false);
        tills_[till]->core = std::make_unique<TillSync>(tills_[till]->state, till_limits(), random_);
        after(static_cast<std::int64_t>(random_.below(3000)), [this, till] { link(till, true); });
        break;
    case 2:
        start_server();
        bounce();
        break;
    case 3: backups_.push_back(store_); break;
    case 4: {
        if (backups_.empty() || !options_.restores) break;
        ++marks.restored;
        store_ = backups_[random_.below(backups_.size())];
        start_server();
        // A new history overtakes the lost one before the tills are back.
        for (std::uint64_t changes = random_.below(60); changes > 0; --changes) change_row();
        bounce();
        break;
    }
    case 5: // tombstones are forgotten, of a moment ago already
        store_.horizon = std::max(store_.horizon, store_.counter - 1);
        std::erase_if(store_.rows, [&](const auto& row) {
            return row.second.deleted && row.second.version <= store_.horizon;
        });
        break;
    }
}

bool PairWorld::settled() const {
    return std::all_of(tills_.begin(), tills_.end(), [&](const auto& till) {
        return till->link != 0 && till->core->linked() && till->core->unsent() == 0 && till->level &&
               till->state.cursor.generation == store_.lineage.back().generation && till->questions.empty();
    });
}

void PairWorld::check() {
    std::map<RowName, std::string> wanted;
    for (const auto& [name, row] : store_.rows) {
        if (!row.deleted) wanted[name] = row.body;
    }
    for (const auto& till : tills_) {
        if (till->copy != wanted) broke("a till's copy is not what the server has");
    }
    std::map<Bits128, std::string> stored;
    for (const auto& [life, kept] : store_.inbox) {
        for (std::size_t i = 0; i < kept.size(); ++i) {
            if (kept[i].event.seq.value != static_cast<std::int64_t>(i) + 1) broke("a life is not dense");
            stored[kept[i].event.id.value] = kept[i].event.body;
        }
    }
    for (const auto& [id, body] : owed_) {
        if (!stored.contains(id) || stored[id] != body) broke("a sale did not arrive");
    }
}

std::string PairWorld::run() {
    const auto any_time = [&] { return static_cast<std::int64_t>(random_.below(stormy_ms)); };
    for (std::size_t till = 0; till < tills; ++till) {
        after(static_cast<std::int64_t>(random_.below(2000)), [this, till] { link(till, true); });
        for (int i = 0; i < 20; ++i) after(any_time(), [this, till] { capture(till); });
        for (int i = 0; i < 20; ++i) after(any_time(), [this, till] { ask(till); });
    }
    for (int i = 0; i < 250; ++i) after(any_time(), [this] { change_row(); });
    for (int i = 0; i < 12; ++i) after(any_time(), [this] { fault(); });
    advance(stormy_ms);
    storm_ = false;
    bounce();
    const std::int64_t end = now_ms_ + calm_ms;
    while (broken_.empty() && now_ms_ < end && !settled()) advance(now_ms_ + 200);
    if (broken_.empty() && !settled()) broke("does not come to rest");
    if (broken_.empty()) check();
    return broken_;
}

} // namespace mudi::test
