#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mudi/base/result.hpp>
#include <mudi/sync/reserve.hpp>
#include <mudi/sync/transport.hpp>

namespace mudi::till {

/// Asks the store's lead till for points while the server is away. Dials when there is something to ask, and
/// hangs up soon after. Loop thread only.
class LeadClient {
public:
    static constexpr std::size_t waiting_max = 8;
    struct Options {
        Duration patience{std::chrono::milliseconds{800}}; ///< a customer waits
        Duration hang_up_after{std::chrono::seconds{10}};
        sync::Reconnect reconnect{Duration{50}, Duration{1000}};
    };
    struct Lead {
        std::string url;
        sync::TlsClient tls{};
    };
    using OnAnswer = std::function<void(Result<sync::ReserveAnswer>)>;

    LeadClient(boost::asio::io_context& io, Options options);
    LeadClient(const LeadClient&) = delete;
    LeadClient& operator=(const LeadClient&) = delete;
    ~LeadClient() { stop(); }

    /// lead.unreachable (unavailable: it was not asked), lead.silent (unavailable: it did not answer), what
    /// it refuses as denied; each within Options::patience. Not after stop().
    void ask(const Lead& lead, const sync::Reserve& question, OnAnswer on_answer);
    [[nodiscard]] bool dialled() const { return transport_ != nullptr; }
    void stop();

private:
    using Deadline = std::chrono::steady_clock::time_point;
    struct Waiting {
        sync::Reserve question;
        OnAnswer on_answer;
        Deadline until;
    };
    Status dial(const Lead& lead);
    void hang_up();
    void pump();
    void answered(std::uint64_t request, Result<std::string> frame);
    void look_at_clock();
    void wake();

    boost::asio::io_context& io_;
    Options options_;
    boost::asio::steady_timer timer_;
    std::string url_;
    std::unique_ptr<sync::TillTransport> transport_;
    bool up_{false};
    std::uint64_t requests_{};
    std::uint64_t asked_{}; ///< the request under way, for the first of the waiting; 0: none
    std::deque<Waiting> waiting_;
    Deadline idle_since_{};
};

} // namespace mudi::till
