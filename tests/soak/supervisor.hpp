#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>

#include "cli/fleet.hpp"

namespace mudi::soak {

/// Keeps a server and its tills running, as an init system does, and kills them. It never waits for a program
/// to become ready: one may be killed while it starts. The thread that makes it does it all.
class Supervisor {
public:
    using Clock = std::chrono::steady_clock;

    /// All run and are ready.
    explicit Supervisor(cli::Fleet& fleet) : fleet_(fleet), programs_(fleet.size() + 1) {}
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    static constexpr std::size_t server = 0;
    static constexpr std::size_t till(std::size_t index) { return index + 1; }

    /// SIGKILL; started again after so long. False, and nothing done, when it is not running.
    bool kill(std::size_t who, Duration away);
    /// SIGKILL if it runs; it stays away until release().
    void hold(std::size_t who);
    void release(std::size_t who);

    /// To be called often: starts whose time has come, and looks who is ready now. soak.ended (io): a program
    /// ended although nobody killed it, or does not become ready.
    Status look();
    [[nodiscard]] bool running(std::size_t who) const;
    [[nodiscard]] bool ready(std::size_t who) const { return programs_[who].state == State::ready; }
    [[nodiscard]] std::size_t count() const { return programs_.size(); }
    /// soak.start (busy): not all are ready after so long.
    Status wait_all_ready(Duration patience);
    /// Kills that met a program that was not ready yet.
    [[nodiscard]] int kills_at_start() const { return kills_at_start_; }

private:
    enum class State { ready, starting, away, held };
    struct Program {
        State state{State::ready};
        Clock::time_point at{}; ///< away: when it starts; starting: since when
        int attempts{};         ///< starts in a row that ended at once
    };

    void stop(std::size_t who);
    Status start(std::size_t who);
    Status look_at_start(std::size_t who);
    [[nodiscard]] std::string name(std::size_t who) const;

    cli::Fleet& fleet_;
    std::vector<Program> programs_;
    int kills_at_start_{};
};

} // namespace mudi::soak
