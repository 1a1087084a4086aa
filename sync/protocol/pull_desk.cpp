#include "pull_desk.hpp"

#include <algorithm>

#include <mudi/base/mutant.hpp>

namespace mudi::sync {
namespace {

constexpr std::size_t pull_bytes_min = 1024;

/// Nothing new, at this cursor.
PullAnswer empty_answer(const FeedCursor& cursor, bool complete) {
    PullAnswer answer;
    answer.cursor = cursor;
    answer.complete = complete;
    return answer;
}

} // namespace

PullDesk::PullDesk(const Lineage& lineage, const ServerLimits& limits)
    : lineage_(lineage), generation_(lineage.back().generation), limits_(limits),
      newest_known_(lineage.back().first_version) {}

std::optional<std::int64_t> PullDesk::carries_on(const FeedCursor& cursor) const {
    const auto after = carried_on(lineage_, cursor);
    // A version that this history has not given out yet is of no history of ours.
    if (after && cursor.generation == generation_ && *after > newest_known_) return std::nullopt;
    return after;
}

void PullDesk::ask(MonoTime now, RequestToken token, PipeId pipe, const Pull& pull,
                   std::vector<ServerAction>& out) {
    // An older one of this connection is one that the till gave up.
    if (const auto older = by_pipe_.find(pipe); older != by_pipe_.end()) {
        const RequestToken old = older->second;
        answer(old, empty_answer(desk_.at(old).pull.cursor, false), nullptr, out);
    }
    if (desk_.size() >= limits_.waiting_pulls_max) {
        out.push_back(
            server_out::Reply{token, encode(Refusal{"server.busy", "too many pulls wait", Duration{5000}})});
        return;
    }
    Entry& entry = desk_[token];
    entry.pull = pull;
    entry.pipe = pipe;
    entry.deadline = now + std::min(pull.wait, limits_.pull_wait_max);
    by_pipe_[pipe] = token;
    by_store_[pull.store].insert(token);
    if (pull.ask == PullAsk::part) {
        entry.stage = Stage::part;
        out.push_back(server_out::ReadPart{token, pull.till, pull.store, pull.parts, pull.part});
        return;
    }
    const auto after = carries_on(pull.cursor);
    if (!after) return begin_comparison(token, entry, out);
    entry.after = *after;
    read_feed(token, entry, out);
}

void PullDesk::begin_comparison(RequestToken token, Entry& entry, std::vector<ServerAction>& out) {
    if (entry.pull.ask == PullAsk::changes_or_all) {
        entry.replace = true;
        entry.after = 0;
        return read_feed(token, entry, out);
    }
    entry.stage = Stage::manifest;
    out.push_back(server_out::ReadManifest{token, entry.pull.till, entry.pull.store});
}

void PullDesk::read_feed(RequestToken token, Entry& entry, std::vector<ServerAction>& out) {
    if (entry.stage == Stage::waiting) by_deadline_.erase({entry.deadline, token});
    entry.stage = Stage::feed;
    entry.stale = false;
    const std::size_t wanted = std::max<std::size_t>(entry.pull.bytes_max, pull_bytes_min);
    out.push_back(server_out::ReadFeed{token, entry.pull.till, entry.pull.store, entry.after,
                                       std::min(wanted, limits_.pull_bytes_max)});
}

PullDesk::Entry* PullDesk::reading(RequestToken token, Stage stage) {
    const auto found = desk_.find(token);
    return found == desk_.end() || found->second.stage != stage ? nullptr : &found->second;
}

void PullDesk::read(MonoTime now, const server_in::FeedRead& in, const Dictionary* newest,
                    std::vector<ServerAction>& out) {
    Entry* entry = reading(in.token, Stage::feed);
    if (entry == nullptr) return; // gone, or replaced
    if (!in.page) return refuse(in.token, in.page.error(), out);
    const server_in::FeedPage& page = *in.page;
    newest_known_ = std::max(newest_known_, page.newest);
    if (!entry->replace && entry->after < page.horizon && !mutant::planted(mutant::Bug::horizon_ignored))
        return begin_comparison(in.token, *entry, out);
    const bool lacks = page.rows.empty() && page.newest > entry->after;
    if (lacks && !entry->again) {
        // Rows and newest were read one after the other, with a commit between.
        entry->again = true;
        return read_feed(in.token, *entry, out);
    }
    const bool other_generation = entry->pull.cursor.generation != generation_;
    const bool news = entry->replace || other_generation || !page.rows.empty() || page.newest > entry->after;
    if (!news && entry->stale) return read_feed(in.token, *entry, out);
    if (!news && now < entry->deadline) {
        entry->stage = Stage::waiting;
        by_deadline_.insert({entry->deadline, in.token});
        return;
    }
    const bool complete = page.rows.empty() || page.rows.back().version >= page.newest;
    // Versions are counted over all buckets: this one's newest may be older than where the till stands.
    const std::int64_t version = complete ? std::max(page.newest, entry->after) : page.rows.back().version;
    PullAnswer changes = empty_answer({generation_, version}, complete);
    changes.replace = entry->replace;
    changes.rows = page.rows;
    answer(in.token, std::move(changes), newest, out);
}

void PullDesk::read(const server_in::ManifestRead& in, const Dictionary* newest,
                    std::vector<ServerAction>& out) {
    if (reading(in.token, Stage::manifest) == nullptr) return;
    if (!in.manifest) return refuse(in.token, in.manifest.error(), out);
    newest_known_ = std::max(newest_known_, in.version);
    PullAnswer compare = empty_answer({generation_, in.version}, false);
    compare.manifest = *in.manifest;
    answer(in.token, std::move(compare), newest, out);
}

void PullDesk::read(const server_in::PartRead& in, const Dictionary* newest, std::vector<ServerAction>& out) {
    const Entry* entry = reading(in.token, Stage::part);
    if (entry == nullptr) return;
    if (!in.rows) return refuse(in.token, in.rows.error(), out);
    PullAnswer part = empty_answer({generation_, entry->pull.cursor.version}, false);
    part.rows = *in.rows;
    part.parts = entry->pull.parts;
    part.part = entry->pull.part;
    part.part_digest = digest_of(part.rows);
    answer(in.token, std::move(part), newest, out);
}

void PullDesk::changed(const server_in::FeedChanged& in, std::vector<ServerAction>& out) {
    newest_known_ = std::max(newest_known_, in.newest);
    const auto found = by_store_.find(in.store);
    if (found == by_store_.end()) return;
    for (const RequestToken token : found->second) {
        Entry& entry = desk_.at(token);
        if (entry.stage == Stage::waiting) {
            read_feed(token, entry, out);
        } else {
            entry.stale = true;
        }
    }
}

void PullDesk::forget(RequestToken token) {
    const auto found = desk_.find(token);
    if (found == desk_.end()) return;
    const Entry& entry = found->second;
    if (entry.stage == Stage::waiting) by_deadline_.erase({entry.deadline, token});
    by_pipe_.erase(entry.pipe);
    const auto store = by_store_.find(entry.pull.store);
    store->second.erase(token);
    if (store->second.empty()) by_store_.erase(store);
    desk_.erase(found);
}

void PullDesk::forget_pipe(PipeId pipe) {
    if (const auto found = by_pipe_.find(pipe); found != by_pipe_.end()) forget(found->second);
}

void PullDesk::refuse_pipe(PipeId pipe, const Error& error, std::vector<ServerAction>& out) {
    if (const auto found = by_pipe_.find(pipe); found != by_pipe_.end()) refuse(found->second, error, out);
}

void PullDesk::refuse(RequestToken token, const Error& error, std::vector<ServerAction>& out) {
    forget(token);
    out.push_back(server_out::Reply{token, encode(Refusal{error.name, error.what, {}})});
}

void PullDesk::expire(MonoTime now, const Dictionary* newest, std::vector<ServerAction>& out) {
    while (!by_deadline_.empty() && by_deadline_.begin()->first <= now) {
        const RequestToken token = by_deadline_.begin()->second;
        answer(token, empty_answer(desk_.at(token).pull.cursor, true), newest, out);
    }
}

std::optional<MonoTime> PullDesk::next_deadline() const {
    if (by_deadline_.empty()) return std::nullopt;
    return by_deadline_.begin()->first;
}

void PullDesk::answer(RequestToken token, PullAnswer answer, const Dictionary* newest,
                      std::vector<ServerAction>& out) {
    if (newest != nullptr && desk_.at(token).pull.dictionary != newest->fingerprint()) {
        answer.learned_number = newest->number();
        answer.learned = newest->bytes();
    }
    forget(token);
    std::string frame = fits_a_frame(answer) ? encode(answer, &packed_) : std::string{};
    if (frame.empty() || frame.size() > frame_bytes_max) {
        frame = encode(Refusal{"feed.too_large", "one page of the feed is larger than a frame may be", {}});
    }
    out.push_back(server_out::Reply{token, std::move(frame)});
}

} // namespace mudi::sync
