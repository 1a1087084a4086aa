#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include <mudi/sync/server_sync.hpp>

#include "frames.hpp"

namespace mudi::sync {

/// The pulls a server has under way: read, answered, or kept waiting for news.
class PullDesk {
public:
    PullDesk(std::uint64_t generation, const ServerLimits& limits)
        : generation_(generation), limits_(limits) {}

    void ask(MonoTime now, RequestToken token, const Pull& pull, std::vector<ServerAction>& out);
    /// `newest`: the dictionary to hand out, null when there is none.
    void read(MonoTime now, const server_in::FeedRead& in, const Dictionary* newest,
              std::vector<ServerAction>& out);
    void changed(const StoreId& store, std::vector<ServerAction>& out);
    void forget(RequestToken token);
    void expire(MonoTime now, const Dictionary* newest, std::vector<ServerAction>& out);

    [[nodiscard]] bool has(RequestToken token) const { return desk_.contains(token); }
    [[nodiscard]] std::size_t waiting() const { return by_deadline_.size(); }
    [[nodiscard]] std::optional<MonoTime> next_deadline() const;

private:
    struct Entry {
        Pull pull;
        MonoTime deadline;
        bool replace{false}; ///< from the start, because the till comes from another generation
        bool waiting{false};
        bool stale{false}; ///< the bucket changed while it was being read
    };

    void read_again(RequestToken token, Entry& entry, std::vector<ServerAction>& out);
    void answer(RequestToken token, PullAnswer answer, const Dictionary* newest,
                std::vector<ServerAction>& out);

    std::uint64_t generation_;
    ServerLimits limits_;
    std::unordered_map<RequestToken, Entry> desk_;
    std::unordered_map<TillId, RequestToken> by_till_;
    std::map<StoreId, std::set<RequestToken>> by_store_;
    std::set<std::pair<MonoTime, RequestToken>> by_deadline_; ///< those that wait
};

} // namespace mudi::sync
