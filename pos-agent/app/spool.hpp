#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mudi/base/result.hpp>

namespace mudi::till {

/// Takes sale documents from the spool folder, in name order, at start and whenever one appears (inotify: no
/// polling). A saved one is deleted, a refused one moves to refused/ with the reason beside it, and one that
/// cannot be saved now stays for later. One file a turn of the loop, so that a long spool never keeps a
/// cashier waiting. Loop thread only.
class Spool {
public:
    static constexpr std::size_t document_bytes_max = 1024 * 1024;
    static constexpr std::chrono::seconds retry{5};

    /// Saves one document durably. Code busy, unavailable or io: try again later; anything else: refused for
    /// good.
    using Take = std::function<Status(const std::string& document)>;
    /// The reason as it stands in NAME.problem.json.
    using Explain = std::function<std::string(const Error&)>;

    /// Makes the folders where they are missing. file.*, spool.watch (io).
    static Result<std::unique_ptr<Spool>> open(boost::asio::io_context& io, std::string folder, Take take,
                                               Explain explain);
    Spool(const Spool&) = delete;
    Spool& operator=(const Spool&) = delete;

    /// Documents in refused/.
    [[nodiscard]] std::int64_t refused() const { return refused_; }
    void stop();

private:
    Spool(boost::asio::io_context& io, std::string folder, int watch, Take take, Explain explain);
    void count_refused();
    void listen();
    void scan();
    void take_next();
    void take_file(const std::string& name);
    void refuse(const std::string& name, const Error& why);
    void retry_later();

    std::string folder_;
    boost::asio::posix::stream_descriptor watch_;
    boost::asio::steady_timer timer_;
    Take take_;
    Explain explain_;
    std::array<char, 4096> events_{};
    std::deque<std::string> waiting_;
    bool working_{false};
    std::int64_t refused_{};
};

} // namespace mudi::till
