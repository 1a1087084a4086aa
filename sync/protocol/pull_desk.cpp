#include "pull_desk.hpp"

#include <algorithm>

namespace mudi::sync {

void PullDesk::ask(MonoTime now, RequestToken token, const Pull& pull, std::vector<ServerAction>& out) {
    // A till has one pull at a time: an older one is of a link it gave up.
    if (const auto older = by_till_.find(pull.till); older != by_till_.end()) {
        const RequestToken old = older->second;
        const FeedCursor cursor = desk_.at(old).pull.cursor;
        answer(old,
               PullAnswer{.cursor = cursor,
                          .replace = false,
                          .complete = false,
                          .rows = {},
                          .learned_number = 0,
                          .learned = {}},
               nullptr, out);
    }
    if (desk_.size() >= limits_.waiting_pulls_max) {
        out.push_back(
            server_out::Reply{token, encode(Refusal{"server.busy", "too many pulls wait", Duration{5000}})});
        return;
    }
    Entry entry{.pull = pull, .deadline = now + std::min(pull.wait, limits_.pull_wait_max)};
    entry.replace = pull.cursor.generation != generation_;
    by_till_[pull.till] = token;
    by_store_[pull.store].insert(token);
    read_again(token, desk_.emplace(token, std::move(entry)).first->second, out);
}

void PullDesk::read_again(RequestToken token, Entry& entry, std::vector<ServerAction>& out) {
    if (entry.waiting) by_deadline_.erase({entry.deadline, token});
    entry.waiting = false;
    entry.stale = false;
    const std::int64_t after = entry.replace ? 0 : entry.pull.cursor.version;
    const std::size_t wanted = std::max<std::size_t>(entry.pull.bytes_max, 1024);
    out.push_back(server_out::ReadFeed{token, entry.pull.till, entry.pull.store, after,
                                       std::min(wanted, limits_.pull_bytes_max)});
}

void PullDesk::read(MonoTime now, const server_in::FeedRead& in, const Dictionary* newest,
                    std::vector<ServerAction>& out) {
    const auto found = desk_.find(in.token);
    if (found == desk_.end() || found->second.waiting) return; // gone, or replaced
    Entry& entry = found->second;
    if (!in.rows) {
        forget(in.token);
        out.push_back(
            server_out::Reply{in.token, encode(Refusal{in.rows.error().name, in.rows.error().what, {}})});
        return;
    }
    const std::vector<FeedRow>& rows = *in.rows;
    if (!entry.replace && in.newest < entry.pull.cursor.version) {
        // The till has seen versions this bucket never gave out: it begins anew, or it would miss those to
        // come.
        entry.replace = true;
        return read_again(in.token, entry, out);
    }
    const bool news = entry.replace || !rows.empty() || in.newest > entry.pull.cursor.version;
    if (!news && entry.stale) return read_again(in.token, entry, out);
    if (!news && now < entry.deadline) {
        entry.waiting = true;
        by_deadline_.insert({entry.deadline, in.token});
        return;
    }
    const bool complete = rows.empty() || rows.back().version >= in.newest;
    const std::int64_t version = complete ? in.newest : rows.back().version;
    answer(in.token,
           PullAnswer{.cursor = {generation_, version},
                      .replace = entry.replace,
                      .complete = complete,
                      .rows = rows,
                      .learned_number = 0,
                      .learned = {}},
           newest, out);
}

void PullDesk::changed(const StoreId& store, std::vector<ServerAction>& out) {
    const auto found = by_store_.find(store);
    if (found == by_store_.end()) return;
    for (const RequestToken token : found->second) {
        Entry& entry = desk_.at(token);
        if (entry.waiting) {
            read_again(token, entry, out);
        } else {
            entry.stale = true;
        }
    }
}

void PullDesk::forget(RequestToken token) {
    const auto found = desk_.find(token);
    if (found == desk_.end()) return;
    const Entry& entry = found->second;
    if (entry.waiting) by_deadline_.erase({entry.deadline, token});
    if (const auto till = by_till_.find(entry.pull.till); till != by_till_.end() && till->second == token)
        by_till_.erase(till);
    const auto store = by_store_.find(entry.pull.store);
    store->second.erase(token);
    if (store->second.empty()) by_store_.erase(store);
    desk_.erase(found);
}

void PullDesk::expire(MonoTime now, const Dictionary* newest, std::vector<ServerAction>& out) {
    while (!by_deadline_.empty() && by_deadline_.begin()->first <= now) {
        const RequestToken token = by_deadline_.begin()->second;
        const FeedCursor cursor = desk_.at(token).pull.cursor;
        answer(token,
               PullAnswer{.cursor = cursor,
                          .replace = false,
                          .complete = true,
                          .rows = {},
                          .learned_number = 0,
                          .learned = {}},
               newest, out);
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
    std::string frame = encode(answer);
    if (frame.size() > frame_bytes_max) {
        frame = encode(Refusal{"feed.too_large", "one page of the feed is larger than a frame may be", {}});
    }
    out.push_back(server_out::Reply{token, std::move(frame)});
}

} // namespace mudi::sync
