#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/sync/event.hpp>

namespace mudi::server {

/// One event of the inbox, as Apply takes it.
struct WaitingEvent {
    std::int64_t id{}; ///< arrival number
    std::int64_t life{};
    TillId till;
    sync::Event event;
    Time received;
    Duration ahead{};    ///< how far the till's clock stood ahead when it last said hello before
    bool applied{false}; ///< a purchase of this event id is there
};

/// The reading side of the inbox, and the quarantine. Inside the caller's write transaction.
class Backlog {
public:
    explicit Backlog(db::Connection& writer);
    Backlog(const Backlog&) = delete;
    Backlog& operator=(const Backlog&) = delete;
    ~Backlog();

    static constexpr std::size_t next_max = 1024;
    /// In arrival order, at most min(limit, next_max).
    Result<std::vector<WaitingEvent>> next(std::size_t limit);
    /// Any event, applied or not.
    Result<std::optional<WaitingEvent>> one(std::int64_t id);
    /// These, which next() gave, are dealt with.
    Status took(std::span<const WaitingEvent> events);

    /// Puts it there, or counts one more attempt.
    Status quarantine(std::int64_t id, const Error& reason, Time now);
    /// False when it was not there.
    Result<bool> release(std::int64_t id);
    Result<bool> is_quarantined(std::int64_t id);
    Result<std::vector<std::int64_t>> quarantined(std::int64_t after, std::size_t limit);
    /// Those that another version of the program may understand.
    Result<std::vector<std::int64_t>> not_understood(std::int64_t after, std::size_t limit);
    /// The version of the program that tried those last; empty: none did.
    Result<std::string> program();
    Status save_program(const std::string& program);

    /// An event of the server's own life (Inbox::append_own) that Apply has not taken yet.
    struct OwnWaiting {
        EventSeq seq;
        EventId event;
        Bits128 body_hash;
    };
    /// All of them, oldest first.
    Result<std::vector<OwnWaiting>> own_waiting();
    /// Apply has taken that life up to here.
    Result<EventSeq> own_taken();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
