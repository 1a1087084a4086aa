#include <algorithm>

#include <mudi/base/mutant.hpp>

#include "till_sync_impl.hpp"

namespace mudi::sync {
namespace {

/// In a row: two copies that are level are not, again and again, only when one side errs.
constexpr unsigned comparisons_at_once_max = 1;

/// Without the settings no card is recognised and no rule known: they come first.
std::uint32_t settings_part(std::uint32_t parts) {
    return part_among(parts, static_cast<std::uint32_t>(FeedKind::settings), "settings");
}

bool is_whole_part(const PullAnswer& answer) {
    return answer.part_digest == digest_of(answer.rows) &&
           std::all_of(answer.rows.begin(), answer.rows.end(), [&](const FeedRow& row) {
               return !row.deleted && part_among(answer.parts, row.kind, row.key) == answer.part;
           });
}

} // namespace

void TillSync::Impl::pull(TillOut& out) {
    Pull pull;
    pull.till = state_.till;
    pull.store = state_.store;
    pull.cursor = state_.cursor;
    pull.bytes_max = static_cast<std::uint32_t>(limits_.pull_bytes_max);
    pull.dictionary = learned_ ? learned_->fingerprint() : 0;
    if (mending_) {
        pull.ask = PullAsk::part;
        pull.parts = mending_->parts;
        pull.part = mending_->left.front();
        return send(pull_, Question::part, encode(pull), out);
    }
    // To be told at once that there is nothing more is worth an answer once.
    pull.wait = level_ && state_.cursor == kept_ ? limits_.pull_wait : Duration{0};
    send(pull_, Question::changes, encode(pull), out);
}

void TillSync::Impl::answered_changes(const Flight& flight, PullAnswer answer, TillOut& out) {
    if (!answer.learned.empty())
        learned_ = Dictionary::make(answer.learned_number, std::move(answer.learned));
    const bool of_this_server =
        answer.cursor.generation != 0 && answer.cursor.generation == server_.generation;
    if (of_this_server && !answer.manifest.digests.empty()) return compare(std::move(answer), out);
    // The generation may be later than the cursor's: its server says that it carries on what we have.
    const bool forward = of_this_server && state_.cursor.generation != 0 &&
                         answer.cursor.version >= state_.cursor.version && answer.parts == 0 &&
                         !answer.replace;
    const bool rows_fit = answer.rows.empty() || answer.rows.front().version > state_.cursor.version;
    if (!forward || !rows_fit) return bad_answer(pull_, "the feed does not go on from here", out);
    comparisons_ = 0;
    const bool nothing = answer.rows.empty() && answer.cursor == state_.cursor;
    const FeedCursor kept = answer.complete ? answer.cursor : nothing ? kept_ : FeedCursor{};
    if (nothing && kept == kept_ && (level_ || !answer.complete)) {
        // Nothing new. Whoever is told so at once, again and again, is one of two that speak for one till.
        if (now_ - flight.sent < limits_.retry_min) return come_again(pull_);
        pull_.failures = 0;
        return;
    }
    apply(Applying::What::changes, answer.cursor, kept, std::move(answer.rows), answer.complete, out);
}

void TillSync::Impl::apply(Applying::What what, FeedCursor cursor, FeedCursor kept, std::vector<FeedRow> rows,
                           bool complete, TillOut& out) {
    applying_ = Applying{what, cursor, kept, complete};
    out.push_back(till_out::ApplyFeed{std::move(rows), kept, complete});
}

void TillSync::Impl::forget_inexact_cursor() {
    mending_.reset();
    state_.cursor = kept_;
}

// ---- two copies that changes cannot make the same ----

void TillSync::Impl::compare(PullAnswer answer, TillOut& out) {
    ++comparisons_;
    mending_ = Mending{};
    mending_->cursor = answer.cursor;
    mending_->parts = static_cast<std::uint32_t>(answer.manifest.digests.size());
    out.push_back(till_out::CompareManifest{std::move(answer.manifest)});
}

void TillSync::Impl::take(const till_in::Compared& in, TillOut& out) {
    if (!mending_ || !mending_->waits_for_compared) return;
    if (in.failed) {
        mending_.reset();
        return come_again(pull_);
    }
    mending_->waits_for_compared = false;
    const std::uint32_t first = settings_part(mending_->parts);
    for (const std::uint32_t part : in.differing) {
        if (part >= mending_->parts) continue;
        part == first ? mending_->left.push_front(part) : mending_->left.push_back(part);
    }
    out.push_back(till_out::Report{"sync.compared", std::to_string(mending_->left.size()) + " of " +
                                                        std::to_string(mending_->parts) + " parts differ"});
    // Parts are newer than the cursor. Should the server be put back before all are mended, to where it would
    // carry this cursor on, what they brought from a lost future would stay: so it is given up first.
    const FeedCursor meanwhile =
        mutant::planted(mutant::Bug::cursor_before_parts) ? mending_->cursor : FeedCursor{};
    if (!mending_->left.empty() && (kept_ != meanwhile || state_.cursor != meanwhile))
        return apply(Applying::What::begun, meanwhile, meanwhile, {}, false, out);
    mend_on();
}

void TillSync::Impl::mend_on() {
    pull_.failures = 0;
    if (!mending_->left.empty()) return;
    // Not kept yet: the parts may be newer than the manifest, and what they are all of is known when changes
    // have come up to now.
    state_.cursor = mending_->cursor;
    mending_.reset();
    if (comparisons_ <= comparisons_at_once_max) return;
    pull_.failures = comparisons_;
    come_again(pull_);
}

void TillSync::Impl::answered_part(PullAnswer answer, TillOut& out) {
    if (!answer.learned.empty())
        learned_ = Dictionary::make(answer.learned_number, std::move(answer.learned));
    if (!mending_) return; // the hello since then was of another server
    const bool asked_for = answer.parts == mending_->parts && answer.part == mending_->left.front() &&
                           answer.cursor.generation == mending_->cursor.generation;
    if (!asked_for || !is_whole_part(answer)) {
        mending_.reset(); // from a new manifest on: what is mended already is not fetched again
        return bad_answer(pull_, "rows that are not what the part holds", out);
    }
    applying_ = Applying{Applying::What::part, {}, {}, false};
    out.push_back(till_out::ApplyPart{answer.parts, answer.part, std::move(answer.rows)});
}

void TillSync::Impl::take(const till_in::FeedApplied& in, TillOut& out) {
    if (!applying_) return;
    const Applying done = *std::exchange(applying_, std::nullopt);
    if (!in.ok) {
        // Whatever was to follow these rows must not come without them.
        mending_.reset();
        return come_again(pull_);
    }
    if (done.what == Applying::What::part) {
        if (!mending_) return; // the link went meanwhile
        mending_->left.pop_front();
        return mend_on();
    }
    pull_.failures = 0;
    state_.cursor = done.cursor;
    kept_ = done.kept;
    if (done.what == Applying::What::begun) {
        if (mending_) mend_on();
        return;
    }
    if (!done.complete || level_) return;
    level_ = true;
    out.push_back(till_out::Report{"sync.level", {}});
}

} // namespace mudi::sync
