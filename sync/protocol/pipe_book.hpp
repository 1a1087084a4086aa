#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include <mudi/sync/server_sync.hpp>

namespace mudi::sync {

/// For whom a connection speaks.
struct Speaker {
    TillId till;
    StoreId store;
    Incarnation incarnation;
};

struct Pipe {
    std::optional<Bits128> nonce;     ///< given out, not yet used
    Time challenged{};                ///< when it was drawn
    std::optional<Speaker> speaker;   ///< proved
    std::set<RequestToken> under_way; ///< hellos, pushes and questions, not pulls
    std::size_t pushes{};             ///< of these
    bool promised{false};             ///< a push of it was told to come again
};

/// The connections of a server, and who proved themselves on them.
class PipeBook {
public:
    /// Null: unknown.
    [[nodiscard]] Pipe* find(PipeId pipe);
    [[nodiscard]] const Speaker* speaker(PipeId pipe) const;
    Pipe& open(PipeId pipe) { return pipes_[pipe]; }
    void prove(PipeId pipe, Speaker speaker);
    void unprove(PipeId pipe);
    void close(PipeId pipe);
    void promise(Pipe& pipe, bool promised);

    [[nodiscard]] std::size_t size() const { return pipes_.size(); }
    [[nodiscard]] std::size_t promised() const { return promised_; }
    [[nodiscard]] std::vector<PipeId> of(TillId till) const;

private:
    std::unordered_map<PipeId, Pipe> pipes_;
    std::map<TillId, std::set<PipeId>> by_till_;
    std::size_t promised_{};
};

} // namespace mudi::sync
