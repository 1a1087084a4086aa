#include "writer.hpp"

#include <algorithm>
#include <utility>

#include <mudi/base/log.hpp>

namespace mudi::server {
namespace {

constexpr Duration due_every{std::chrono::minutes{1}};
constexpr std::size_t due_profiles_max = 1000;
/// After a failure of the database: apply and offers are tried again this much later.
constexpr Duration failure_pause{std::chrono::seconds{1}};
constexpr Duration warning_every{std::chrono::seconds{10}};

Error database_away() { return {Code::unavailable, "db.connection", "the database cannot be reached"}; }

} // namespace

Writer::Writer(std::unique_ptr<Stores> stores, Reopen reopen, const Clock& clock, Post post, Events events,
               WriterLimits limits)
    : stores_(std::move(stores)), reopen_(std::move(reopen)), clock_(clock), post_(std::move(post)),
      events_(std::move(events)), limits_(limits), thread_([this] { loop(); }) {}

Writer::~Writer() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

bool Writer::greet(sync::RequestToken token, sync::TillHello hello) {
    {
        const std::lock_guard lock(mutex_);
        if (hellos_.size() >= limits_.hellos_max) return false;
        hellos_.push_back({token, std::move(hello)});
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
    if (!stores_) return blocked_until_;
    return apply_waits_ || offers_wait_ ? std::min(blocked_until_, due_at_) : due_at_;
}

std::optional<Writer::Work> Writer::wait_for_work() {
    std::unique_lock lock(mutex_);
    const auto ready = [&] {
        return stop_ || !hellos_.empty() || !pushes_.empty() || (!jobs_.empty() && stores_);
    };
    const auto turn = next_turn();
    if (clock_.mono() < turn) wake_.wait_until(lock, turn, ready);
    if (stop_) return std::nullopt;
    Work work;
    while (!hellos_.empty() && work.hellos.size() < limits_.group_pushes_max) {
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
    while (auto work = wait_for_work()) do_work(*work);
}

void Writer::do_work(Work& work) {
    const auto now = clock_.mono();
    if (!have_stores(now)) return refuse(work, database_away());
    if (!work.hellos.empty()) greet_all(work.hellos);
    if (stores_ && !work.batches.empty()) accept(work);
    if (stores_ && work.job) run_job(work.job);
    if (stores_ && now >= due_at_) look_for_due(now);
    if (stores_ && now >= blocked_until_) background(now);
}

bool Writer::have_stores(MonoTime now) {
    if (stores_) return true;
    if (now < blocked_until_) return false;
    auto opened = reopen_();
    if (!opened) {
        failed("server.database_away", opened.error());
        return false;
    }
    stores_ = *std::move(opened);
    apply_waits_ = offers_wait_ = true;
    log::info("server.database_back");
    return true;
}

void Writer::refuse(Work& work, const Error& error) {
    post_([this, hellos = std::move(work.hellos), tokens = std::move(work.tokens), error] {
        for (const auto& hello : hellos) events_.greeted(hello.token, tl::make_unexpected(error));
        for (const auto token : tokens) events_.stored(token, tl::make_unexpected(error));
    });
}

void Writer::greet_all(std::vector<Hello>& hellos) {
    std::vector<std::pair<sync::RequestToken, Result<sync::HighWater>>> answers;
    for (const auto& [token, hello] : hellos) {
        auto mark = stores_ ? stores_->inbox.register_till(hello, clock_.wall())
                            : tl::make_unexpected(database_away());
        if (!mark) failed("server.hello_failed", mark.error());
        answers.emplace_back(token, std::move(mark));
    }
    offers_wait_ = true; // a store's first till opens its bucket
    post_([this, answers = std::move(answers)] {
        for (const auto& [token, mark] : answers) events_.greeted(token, mark);
    });
}

void Writer::accept(Work& work) {
    auto marks = stores_->inbox.append(work.batches, clock_.wall());
    if (!marks) {
        failed("server.accept_failed", marks.error());
        return refuse(work, marks.error());
    }
    apply_waits_ = true;
    post_([this, tokens = std::move(work.tokens), marks = *std::move(marks)] {
        for (std::size_t i = 0; i < tokens.size(); ++i) events_.stored(tokens[i], marks[i]);
    });
}

void Writer::run_job(const std::function<void(WriteSide&)>& job) {
    WriteSide side{stores_->apply, stores_->import, {}};
    job(side);
    tell_moved(std::move(side.moved));
    apply_waits_ = offers_wait_ = true;
}

void Writer::background(MonoTime now) {
    const bool accept_waits = [&] {
        const std::lock_guard lock(mutex_);
        return !pushes_.empty() || !hellos_.empty();
    }();
    const bool apply_starved = now - applied_at_ >= limits_.apply_starved_max;
    const bool offers_starved = now - offered_at_ >= limits_.offers_starved_max;
    if (apply_waits_ && (!accept_waits || apply_starved)) apply_chunk(now);
    if (stores_ && offers_wait_ && (offers_starved || (!apply_waits_ && !accept_waits))) offers_chunk(now);
}

void Writer::apply_chunk(MonoTime now) {
    applied_at_ = now;
    const auto done = stores_->apply.apply_some(Apply::chunk, clock_.wall());
    if (!done) return failed("server.apply_failed", done.error());
    apply_waits_ = done->more;
    if (done->applied > 0) offers_wait_ = true;
    if (done->quarantined > 0)
        log::warning("server.quarantined", {{"events", static_cast<std::int64_t>(done->quarantined)}});
}

void Writer::offers_chunk(MonoTime now) {
    offered_at_ = now;
    auto done = stores_->offers.refresh_some(OfferRefresh::chunk, clock_.wall());
    if (!done) return failed("server.offers_failed", done.error());
    offers_wait_ = done->more;
    tell_moved(std::move(done->moved));
}

void Writer::look_for_due(MonoTime now) {
    due_at_ = now + due_every;
    const auto due = stores_->offers.nightly_due(clock_.wall(), due_profiles_max);
    if (!due) return failed("server.due_failed", due.error());
    if (*due > 0) offers_wait_ = true;
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
