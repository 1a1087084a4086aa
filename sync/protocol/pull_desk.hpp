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

/// The pulls a server has under way: read, answered, or kept waiting for news. One for each connection: a
/// clone or a half-open connection must not starve the till's real one.
class PullDesk {
public:
    PullDesk(const Lineage& lineage, const ServerLimits& limits);

    void ask(MonoTime now, RequestToken token, PipeId pipe, const Pull& pull, std::vector<ServerAction>& out);
    /// `newest`: the dictionary to hand out, null when there is none.
    void read(MonoTime now, const server_in::FeedRead& in, const Dictionary* newest,
              std::vector<ServerAction>& out);
    void read(const server_in::ManifestRead& in, const Dictionary* newest, std::vector<ServerAction>& out);
    void read(const server_in::PartRead& in, const Dictionary* newest, std::vector<ServerAction>& out);
    void changed(const server_in::FeedChanged& in, std::vector<ServerAction>& out);
    void forget(RequestToken token);
    void forget_pipe(PipeId pipe);
    void refuse_pipe(PipeId pipe, const Error& error, std::vector<ServerAction>& out);
    void expire(MonoTime now, const Dictionary* newest, std::vector<ServerAction>& out);

    [[nodiscard]] bool has(RequestToken token) const { return desk_.contains(token); }
    [[nodiscard]] std::size_t waiting() const { return by_deadline_.size(); }
    [[nodiscard]] std::optional<MonoTime> next_deadline() const;

private:
    enum class Stage : std::uint8_t { feed, manifest, part, waiting };
    struct Entry {
        Pull pull;
        PipeId pipe{};
        MonoTime deadline;
        Stage stage{Stage::feed};
        std::int64_t after{};
        bool replace{false}; ///< all there is, to a till that cannot compare
        bool again{false};   ///< read once more already, because rows were missing
        bool stale{false};   ///< the bucket changed while it was being read
    };

    [[nodiscard]] std::optional<std::int64_t> carries_on(const FeedCursor& cursor) const;
    Entry* reading(RequestToken token, Stage stage);
    void read_feed(RequestToken token, Entry& entry, std::vector<ServerAction>& out);
    /// The till's copy cannot be carried on with changes.
    void begin_comparison(RequestToken token, Entry& entry, std::vector<ServerAction>& out);
    void answer(RequestToken token, PullAnswer answer, const Dictionary* newest,
                std::vector<ServerAction>& out);
    void refuse(RequestToken token, const Error& error, std::vector<ServerAction>& out);

    const Lineage& lineage_;
    std::uint64_t generation_;
    ServerLimits limits_;
    std::int64_t newest_known_; ///< of the current generation, over all buckets
    std::unordered_map<RequestToken, Entry> desk_;
    std::unordered_map<PipeId, RequestToken> by_pipe_;
    std::map<StoreId, std::set<RequestToken>> by_store_;
    std::set<std::pair<MonoTime, RequestToken>> by_deadline_; ///< those that wait
    PackedRows packed_;
};

} // namespace mudi::sync
