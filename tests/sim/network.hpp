#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <mudi/sync/server_sync.hpp>
#include <mudi/sync/till_sync.hpp>

namespace mudi::sim {

class World;

/// A till's program, as the network reaches it.
class TillEnd {
public:
    virtual ~TillEnd() = default;
    virtual void link(bool up) = 0;
    /// Empty: timed out, or the connection ended.
    virtual void answer(std::uint64_t request, std::optional<std::string> frame) = 0;
    /// A frame goes out.
    virtual void sends() = 0;
    /// Whose it is just now.
    [[nodiscard]] virtual TillId till() const = 0;
    /// Tells it from an earlier one in its place.
    [[nodiscard]] virtual std::uint64_t running_program() const = 0;
};

/// The transport between every till's program and the server's, as bad as the swarm says: what NNG and TCP
/// promise (mudi/sync/transport.hpp), and nothing more.
class Network {
public:
    explicit Network(World& world) : world_(world) {}

    // A till's program.
    void till_started(int till);
    void till_stopped(int till);
    void send(int till, std::uint64_t request, sync::Channel channel, std::string frame, Duration timeout);

    // The server's.
    void server_stopped();
    void reply(sync::RequestToken token, std::string frame);
    void close_pipe(sync::PipeId pipe);

    // Faults.
    void bounce(int till);
    /// Nothing goes up or down for a while.
    void part(int till, bool up, bool down, std::int64_t ms);
    void clog(int till, bool up, std::int64_t ms);
    void heal();

    /// Whose connection the request came on.
    [[nodiscard]] TillId owner_of(sync::RequestToken token) const;
    /// Both ends know of one and the same connection.
    [[nodiscard]] bool connected(int till) const;
    /// Those that were made for this till and that the server still knows.
    [[nodiscard]] std::vector<sync::PipeId> pipes_of(TillId till) const;
    [[nodiscard]] std::size_t pipes() const { return pipes_.size(); }
    [[nodiscard]] std::size_t pipes_max() const { return pipes_max_; }
    [[nodiscard]] std::size_t requests_open() const { return tokens_.size(); }
    [[nodiscard]] std::size_t requests_open_max() const { return tokens_max_; }

private:
    enum class Way : std::uint8_t { up, down };
    struct Path {
        std::int64_t parted_until_ms{};
        std::int64_t clogged_until_ms{};
    };
    struct Flight {
        std::uint64_t request{};
        sync::PipeId pipe{};
        std::uint64_t received{}; ///< answers on this line when it was sent
    };
    static constexpr std::size_t channels = 3;
    struct Line {
        std::array<Path, 2> paths;
        std::array<std::optional<Flight>, channels> flights;
        sync::PipeId pipe{}; ///< as the till sees it; 0: none
        std::uint64_t dial{};
        std::int64_t wait_ms{};
        std::uint64_t received{};
        bool dials{false};
    };
    struct Pipe {
        int till{};
        TillId owner; ///< when it was made
        bool till_end{true};
        bool server_end{true};
        std::vector<sync::RequestToken> tokens; ///< its requests that the server holds
    };
    struct Asked {
        sync::PipeId pipe{};
        std::uint64_t request{};
    };

    TillEnd& end(int till);
    Line& line(int till);
    Path& path(int till, Way way) { return line(till).paths[static_cast<std::size_t>(way)]; }
    /// How long a frame takes that way; empty: it does not arrive.
    std::optional<std::int64_t> travel(int till, Way way);
    void dial_after(int till, std::int64_t ms);
    void dial(int till);
    /// Somebody with a connection of its own sends what another till sent.
    void impersonate(int till, const std::string& frame);
    void transmit(int till, sync::PipeId pipe, std::uint64_t request, const std::string& frame,
                  std::int64_t extra_ms);
    void arrive(int till, sync::PipeId pipe, std::uint64_t request, std::string frame);
    void deliver(int till, sync::PipeId pipe, std::uint64_t request, std::string frame);
    void timed_out(int till, std::uint64_t request, std::size_t channel);
    void end_of_till(sync::PipeId pipe, bool tell_server);
    void end_of_server(sync::PipeId pipe, bool tell_till, bool tell_program);
    void forget_if_over(sync::PipeId pipe);

    World& world_;
    std::vector<Line> lines_;
    std::unordered_map<sync::PipeId, Pipe> pipes_;
    std::unordered_map<sync::RequestToken, Asked> tokens_;
    sync::PipeId pipes_ever_{};
    sync::RequestToken tokens_ever_{};
    std::size_t tokens_max_{};
    std::size_t pipes_max_{};
};

} // namespace mudi::sim
