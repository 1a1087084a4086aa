#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/result.hpp>
#include <mudi/crm/identifier.hpp>
#include <mudi/server/api.hpp>
#include <mudi/server/keys.hpp>

namespace mudi::server {

/// One connection that reads and the thread that owns it: a slow query never holds up the loop or the writer.
class Reader {
public:
    struct Options {
        db::Options database; ///< opened read-only
        ServerKeys keys;
        crm::IdentifierRules identifiers;
        std::size_t jobs_max{};
    };
    static Result<std::unique_ptr<Reader>> start(Options options);
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    /// Ends the thread after the job under way; the others are dropped.
    ~Reader();

    /// From any thread; false when too many wait.
    bool run(std::function<void(ReadSide&)> job);

private:
    struct Opened {
        std::unique_ptr<db::Connection> connection;
        std::unique_ptr<ReadSide> side;
    };
    static Result<Opened> open(const Options& options);
    Reader(Options options, Opened opened);
    void loop();
    void renew_when_lost();

    const Options options_;
    Opened opened_; ///< the thread's own, as is the next
    std::chrono::steady_clock::time_point checked_at_{};

    std::mutex mutex_; ///< guards the two below
    std::deque<std::function<void(ReadSide&)>> jobs_;
    bool stop_{false};
    std::condition_variable wake_;
    std::thread thread_;
};

} // namespace mudi::server
