#include "writer.hpp"

#include <algorithm>
#include <utility>

#include <mudi/base/log.hpp>
#include <mudi/server/counters.hpp>
#include <mudi/server/publish.hpp>
#include <mudi/sync/identity.hpp>

#include "rights_witness.hpp"

namespace mudi::server {
namespace {

constexpr Duration due_every{std::chrono::minutes{1}};
constexpr std::size_t due_profiles_max = 1000;
constexpr Duration tombstones_every{std::chrono::hours{1}};
constexpr std::size_t tombstones_max = 1000;
/// After a failure of the database: apply and offers are tried again this much later.
constexpr Duration failure_pause{std::chrono::seconds{1}};
constexpr Duration warning_every{std::chrono::seconds{10}};
/// A till that had not told all by its hello is asked for another so much later, and then twice as long.
constexpr Duration hello_asked_min{std::chrono::seconds{5}};
constexpr Duration hello_asked_max{std::chrono::minutes{10}};
/// What hellos have told of points is looked at together.
constexpr Duration points_looked_after{std::chrono::milliseconds{500}};

Error database_away() { return {Code::unavailable, "db.connection", "the database cannot be reached"}; }

} // namespace

Writer::Writer(std::unique_ptr<Stores> stores, const Clock& clock, Post post, Events events, Options options)
    : stores_(std::move(stores)), clock_(clock), post_(std::move(post)), events_(std::move(events)),
      options_(std::move(options)), limits_(options_.limits), thread_([this] { loop(); }) {}

Writer::~Writer() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

bool Writer::greet(sync::RequestToken token, sync::TillHello hello,
                   std::optional<sync::Credentials> credentials) {
    {
        const std::lock_guard lock(mutex_);
        if (hellos_.size() >= limits_.hellos_max) return false;
        hellos_.push_back({token, std::move(hello), std::move(credentials)});
    }
    wake_.notify_one();
    return true;
}

bool Writer::push(sync::RequestToken token, sync::PushedBatch batch, std::size_t bytes) {
    {
        const std::lock_guard lock(mutex_);
        if (pushes_.size() >= limits_.pushes_max || push_bytes_ + bytes > limits_.push_bytes_max)
            return false;
        push_bytes_ += bytes;
        pushes_.push_back({token, std::move(batch), bytes});
    }
    wake_.notify_one();
    return true;
}

bool Writer::reserve(sync::RequestToken token, sync::Reserve asked) {
    {
        const std::lock_guard lock(mutex_);
        if (reserves_.size() >= limits_.reserves_max) return false;
        reserves_.push_back({token, asked});
    }
    wake_.notify_one();
    return true;
}

std::optional<MonoTime> Writer::apply_waits_since() const {
    const auto ms = apply_waits_since_ms_.load();
    if (ms == 0) return std::nullopt;
    return MonoTime{Duration{ms}};
}

bool Writer::run(std::function<void(WriteSide&)> job) {
    {
        const std::lock_guard lock(mutex_);
        if (jobs_.size() >= limits_.jobs_max) return false;
        jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
}

MonoTime Writer::next_turn() const {
    if (!stores_) return back_told_ ? clock_.mono() + due_every : blocked_until_;
    return apply_waits_ || offers_wait_ ? std::min(blocked_until_, due_at_) : due_at_;
}

std::optional<Writer::Work> Writer::wait_for_work() {
    std::unique_lock lock(mutex_);
    const auto ready = [&] {
        return stop_ || !hellos_.empty() || !pushes_.empty() || !reserves_.empty() ||
               (!jobs_.empty() && stores_);
    };
    const auto turn = std::min(next_turn(), stores_ ? points_at_ : MonoTime::max());
    if (clock_.mono() < turn) wake_.wait_until(lock, turn, ready);
    if (stop_) return std::nullopt;
    Work work;
    while (!hellos_.empty() && work.hellos.size() < limits_.group_hellos_max) {
        work.hellos.push_back(std::move(hellos_.front()));
        hellos_.pop_front();
    }
    take_pushes(work);
    if (!jobs_.empty() && stores_) {
        work.job = std::move(jobs_.front());
        jobs_.pop_front();
    }
    return work;
}

void Writer::take_pushes(Work& work) {
    std::size_t bytes = 0;
    while (!pushes_.empty() && work.batches.size() < limits_.group_pushes_max &&
           bytes < limits_.group_bytes_max) {
        auto& push = pushes_.front();
        bytes += push.bytes;
        work.tokens.push_back(push.token);
        work.batches.push_back(std::move(push.batch));
        pushes_.pop_front();
    }
    push_bytes_ -= bytes;
}

void Writer::loop() {
    look_at_breaches();
    while (auto work = wait_for_work()) do_work(*work);
}

void Writer::do_work(Work& work) {
    const auto now = clock_.mono();
    if (!have_stores(now)) {
        refuse_reserves(database_away());
        return refuse(work, database_away());
    }
    answer_reserves();
    if (!work.hellos.empty()) greet_all(work.hellos);
    answer_reserves();
    if (stores_ && !work.batches.empty()) accept(work);
    answer_reserves();
    if (stores_ && work.job) run_job(work.job);
    if (stores_ && now >= due_at_) look_for_due(now);
    if (stores_ && now >= points_at_) look_after_points(now);
    answer_reserves();
    if (stores_ && now >= blocked_until_) background(now);
}

bool Writer::have_stores(MonoTime now) {
    if (stores_) return true;
    if (back_told_ || now < blocked_until_) return false;
    if (const auto reachable = options_.reachable(); !reachable) {
        failed("server.database_away", reachable.error());
        return false;
    }
    back_told_ = true;
    post_([this] { events_.database_back(); });
    return false;
}

void Writer::refuse(Work& work, const Error& error) {
    post_([this, hellos = std::move(work.hellos), tokens = std::move(work.tokens), error] {
        const auto refused = tl::make_unexpected(error);
        for (const auto& hello : hellos) events_.greeted({hello.token, refused, {}});
        for (const auto token : tokens) events_.stored({token, refused});
    });
}

std::deque<Writer::Asked> Writer::take_reserves() {
    const std::lock_guard lock(mutex_);
    return std::exchange(reserves_, {});
}

void Writer::refuse_reserves(const Error& error) {
    auto reserves = take_reserves();
    if (reserves.empty()) return;
    post_([this, reserves = std::move(reserves), error] {
        for (const auto& asked : reserves) events_.reserved({asked.token, tl::make_unexpected(error)});
    });
}

void Writer::answer_reserves() {
    if (!stores_) return refuse_reserves(database_away());
    const auto reserves = take_reserves();
    if (reserves.empty()) return;
    std::vector<sync::server_in::Reserved> answers;
    answers.reserve(reserves.size());
    for (const auto& asked : reserves) {
        auto answer = stores_ ? stores_->rights.reserve(asked.reserve, clock_.wall())
                              : Result<sync::ReserveAnswer>(tl::make_unexpected(database_away()));
        if (answer && answer->again_after > Duration{0}) {
            rights_called_back_ = offers_wait_ = true;
            points_at_ = std::min(points_at_, clock_.mono() + RightsBook::wish_lasts + points_looked_after);
        }
        if (!answer && stores_ && answer.error().name.starts_with("db."))
            failed("server.reserve_failed", answer.error());
        answers.push_back({asked.token, std::move(answer)});
    }
    if (stores_) testify();
    post_([this, answers = std::move(answers)]() mutable {
        for (auto& answer : answers) events_.reserved(std::move(answer));
    });
}

Result<std::string> Writer::renewed_certificate(const sync::TillHello& hello) {
    MUDI_TRY(auto pem, options_.admission.sign(hello.certificate_request, hello.till, clock_.wall()));
    MUDI_TRY(const auto facts, sync::read_certificate(pem));
    MUDI_CHECK(stores_->enrolment.renewed(hello.till, {facts.public_key, facts.serial, facts.not_after}));
    return pem;
}

sync::server_in::TillKnown Writer::greet_one(const Hello& hello) {
    if (!stores_) return {hello.token, tl::make_unexpected(database_away()), {}};
    const bool enrolled = options_.admission.access == sync::Access::enrolled;
    if (enrolled) {
        const auto known =
            stores_->enrolment.check(hello.hello, hello.credentials, options_.admission.verify);
        if (!known) return {hello.token, tl::make_unexpected(known.error()), {}};
    }
    std::optional<Time> asked;
    if (enrolled && hello.credentials) asked = hello.credentials->challenged;
    auto standing = stores_->inbox.register_till(hello.hello, clock_.wall(), asked);
    std::string certificate;
    if (standing && enrolled && options_.admission.sign && !hello.hello.certificate_request.empty()) {
        auto renewed = renewed_certificate(hello.hello);
        // The till goes on with the one it has and asks again.
        if (renewed)
            certificate = *std::move(renewed);
        else
            log::warning("till.not_renewed", renewed.error(), {{"till", hello.hello.till}});
    }
    return {hello.token, std::move(standing), std::move(certificate)};
}

void Writer::greet_all(std::vector<Hello>& hellos) {
    std::vector<sync::server_in::TillKnown> answers;
    for (const auto& hello : hellos) {
        answers.push_back(greet_one(hello));
        const auto& standing = answers.back().standing;
        // A till that may not come is told so and logged by the protocol; here only the database counts.
        if (!standing && !standing.error().name.starts_with("till.")) {
            failed("server.hello_failed", standing.error());
        }
    }
    offers_wait_ = true; // a store's first till opens its bucket
    points_at_ = std::min(points_at_, clock_.mono() + points_looked_after);
    if (stores_) tell_moved(stores_->inbox.take_moved());
    post_([this, answers = std::move(answers)]() mutable {
        for (auto& answer : answers) events_.greeted(std::move(answer));
    });
}

void Writer::accept(Work& work) {
    auto standings = stores_->inbox.append(work.batches, clock_.wall());
    if (!standings) {
        failed("server.accept_failed", standings.error());
        return refuse(work, standings.error());
    }
    set_apply_waits(true, false);
    post_([this, tokens = std::move(work.tokens), standings = *std::move(standings)]() mutable {
        for (std::size_t i = 0; i < tokens.size(); ++i) events_.stored({tokens[i], std::move(standings[i])});
    });
}

void Writer::run_job(const std::function<void(WriteSide&)>& job) {
    WriteSide side{stores_->apply,   stores_->import, stores_->enrolment,
                   stores_->backups, stores_->rights, {}};
    job(side);
    look_at_breaches();
    if (side.leads_changed) {
        auto moved = publish_leads(*stores_->connection);
        // The lead's next hello does the same.
        if (!moved) failed("server.leads_failed", moved.error());
        if (moved) side.moved.insert(side.moved.end(), moved->begin(), moved->end());
    }
    tell_moved(std::move(side.moved));
    set_apply_waits(true, false);
    offers_wait_ = true;
}

void Writer::background(MonoTime now) {
    const bool accept_waits = [&] {
        const std::lock_guard lock(mutex_);
        return !pushes_.empty() || !hellos_.empty();
    }();
    const bool apply_starved = now - applied_at_ >= limits_.apply_starved_max;
    const bool offers_starved = now - offered_at_ >= limits_.offers_starved_max;
    if (!upgrade_seen_) retry_after_upgrade();
    // Whoever has the rights that a customer waits for must hear of it before anything else.
    if (stores_ && std::exchange(rights_called_back_, false)) offers_chunk(now);
    answer_reserves();
    if (stores_ && apply_waits_ && (!accept_waits || apply_starved)) apply_chunk(now);
    answer_reserves();
    if (stores_ && offers_wait_ && (offers_starved || (!apply_waits_ && !accept_waits))) offers_chunk(now);
}

void Writer::apply_chunk(MonoTime now) {
    applied_at_ = now;
    const auto done = stores_->apply.apply_some(Apply::chunk, clock_.wall());
    if (!done) return failed("server.apply_failed", done.error());
    set_apply_waits(done->more, done->taken > 0);
    if (done->applied > 0) offers_wait_ = true;
    if (done->quarantined > 0)
        log::warning("server.quarantined", {{"events", static_cast<std::int64_t>(done->quarantined)}});
    if (done->breached.value > 0) {
        look_at_breaches();
        log::warning("points.breached", {{"points", done->breached.value}});
    }
}

void Writer::offers_chunk(MonoTime now) {
    offered_at_ = now;
    auto done = stores_->offers.refresh_some(OfferRefresh::chunk, clock_.wall());
    if (!done) return failed("server.offers_failed", done.error());
    offers_wait_ = done->more;
    testify();
    tell_moved(std::move(done->moved));
}

void Writer::look_for_due(MonoTime now) {
    due_at_ = now + due_every;
    const auto due = stores_->offers.nightly_due(clock_.wall(), due_profiles_max);
    if (!due) return failed("server.due_failed", due.error());
    if (*due > 0) offers_wait_ = true;
    points_at_ = now;
    if (now >= tombstones_at_) forget_tombstones(now);
}

void Writer::look_after_points(MonoTime now) {
    points_at_ = MonoTime::max();
    const auto freed = stores_->rights.free_the_dead(clock_.wall());
    if (!freed) return failed("server.points_failed", freed.error());
    offers_wait_ = true; // what is free again is given out
    if (*freed > 0) {
        log::info("points.freed", {{"holders", static_cast<std::int64_t>(*freed)}});
    }
    const auto awaited = stores_->rights.awaited(clock_.wall());
    if (!awaited) return failed("server.points_failed", awaited.error());
    ask_for_hellos(*awaited, now);
}

void Writer::look_at_breaches() {
    if (const auto points = stores_->rights.unconfirmed()) points_unconfirmed_ = points->value;
}

/// Before anybody is told of what was set aside.
void Writer::testify() {
    if (options_.witness.empty()) return;
    const auto moves = stores_->rights.moves();
    if (!moves || *moves == testified_) return;
    if (const auto written = write_witness(options_.witness, *moves); !written)
        return failed("server.witness_failed", written.error());
    testified_ = *moves;
}

void Writer::ask_for_hellos(const std::vector<TillId>& awaited, MonoTime now) {
    std::unordered_map<TillId, HelloAsked> still;
    std::vector<TillId> tills;
    for (const TillId till : awaited) {
        const auto before = asked_for_hello_.find(till);
        HelloAsked asked =
            before == asked_for_hello_.end() ? HelloAsked{now, hello_asked_min} : before->second;
        if (asked.next <= now) {
            tills.push_back(till);
            asked.next = now + asked.pause;
            asked.pause = std::min(asked.pause * 2, hello_asked_max);
        }
        points_at_ = std::min(points_at_, asked.next);
        still.emplace(till, asked);
    }
    asked_for_hello_ = std::move(still);
    if (tills.empty()) return;
    post_([this, tills = std::move(tills)]() mutable { events_.awaited(std::move(tills)); });
}

/// What this program understands and the one before did not.
void Writer::retry_after_upgrade() {
    const auto done = stores_->apply.retry_after_upgrade(options_.program, clock_.wall());
    // A full disk has room again some day: then once more, without waiting for the next start.
    upgrade_seen_ = done || (done.error().code != Code::io && done.error().code != Code::busy);
    if (!done) return failed("server.upgrade_retry_failed", done.error());
    if (done->retried > 0) {
        offers_wait_ = true;
        log::info("server.upgrade_retried", {{"events", static_cast<std::int64_t>(done->retried)},
                                             {"applied", static_cast<std::int64_t>(done->applied)},
                                             {"left", static_cast<std::int64_t>(done->left)}});
    }
}

void Writer::forget_tombstones(MonoTime now) {
    const auto forget = [&]() -> Result<std::size_t> {
        MUDI_TRY(auto transaction, db::WriteTransaction::begin(*stores_->connection, db::Commit::relaxed));
        MUDI_TRY(const auto gone, stores_->feed.forget_tombstones(clock_.wall(), tombstones_max));
        MUDI_TRY(const auto moved, stores_->feed.finish());
        MUDI_CHECK(transaction.commit());
        return gone;
    };
    const auto gone = forget();
    if (!gone) {
        stores_->feed.forget();
        tombstones_at_ = now + tombstones_every;
        return failed("server.tombstones_failed", gone.error());
    }
    // A full step: there are more.
    tombstones_at_ = *gone == tombstones_max ? now : now + tombstones_every;
    if (*gone > 0) log::info("server.tombstones_forgotten", {{"rows", static_cast<std::int64_t>(*gone)}});
}

void Writer::set_apply_waits(bool waits, bool moved) {
    if (!waits) {
        apply_waits_since_ms_ = 0;
    } else if (moved || !apply_waits_) {
        apply_waits_since_ms_ = clock_.mono().time_since_epoch().count();
    }
    apply_waits_ = waits;
}

void Writer::failed(std::string_view what, const Error& error) {
    const auto now = clock_.mono();
    if (error.code == Code::unavailable) stores_.reset();
    if (error.code == Code::unavailable || error.code == Code::io || error.code == Code::busy) {
        blocked_until_ = now + failure_pause;
    }
    if (warned_at_ == MonoTime{} || now - warned_at_ >= warning_every) {
        warned_at_ = now;
        log::error(what, error);
    }
}

void Writer::tell_moved(std::vector<FeedMoved> moved) {
    if (moved.empty()) return;
    post_([this, moved = std::move(moved)]() mutable { events_.moved(std::move(moved)); });
}

} // namespace mudi::server
