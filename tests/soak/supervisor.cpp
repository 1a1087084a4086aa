#include "soak/supervisor.hpp"

#include <thread>

namespace mudi::soak {
namespace {

using namespace std::chrono_literals;

/// A process that has just been killed may still hold its lock or port for a moment.
constexpr int attempts_max = 50;
constexpr auto between_attempts = 100ms;
/// Its database may have to be put in order after the kill.
constexpr auto ready_within = 30s;

} // namespace

std::string Supervisor::name(std::size_t who) const {
    return who == server ? "server" : "till " + std::to_string(fleet_.till(who - 1).spec.till);
}

bool Supervisor::running(std::size_t who) const {
    const State state = programs_[who].state;
    return state == State::ready || state == State::starting;
}

void Supervisor::stop(std::size_t who) {
    if (who == server)
        fleet_.kill_server();
    else
        fleet_.kill_till(who - 1);
}

bool Supervisor::kill(std::size_t who, Duration away) {
    if (!running(who)) return false;
    Program& program = programs_[who];
    kills_at_start_ += program.state == State::starting ? 1 : 0;
    stop(who);
    program = {State::away, Clock::now() + away, 0};
    return true;
}

void Supervisor::hold(std::size_t who) {
    if (running(who)) stop(who);
    programs_[who].state = State::held;
}

void Supervisor::release(std::size_t who) { programs_[who] = {State::away, Clock::now(), 0}; }

Status Supervisor::start(std::size_t who) {
    MUDI_CHECK(who == server ? fleet_.launch_server() : fleet_.launch_till(who - 1));
    programs_[who].state = State::starting;
    programs_[who].at = Clock::now();
    return {};
}

Status Supervisor::look_at_start(std::size_t who) {
    Program& program = programs_[who];
    const Status ready =
        who == server ? fleet_.await_server(Duration{0}) : fleet_.await_till(who - 1, Duration{0});
    if (ready) {
        program = {State::ready, {}, 0};
        return {};
    }
    if (ready.error().code == Code::busy) {
        if (Clock::now() - program.at < ready_within) return {};
        return fail(Code::io, "soak.ended", name(who) + " does not become ready");
    }
    if (++program.attempts > attempts_max)
        return fail(Code::io, "soak.ended", name(who) + " " + ready.error().what);
    program.state = State::away;
    program.at = Clock::now() + between_attempts;
    return {};
}

Status Supervisor::look() {
    for (std::size_t who = 0; who < programs_.size(); ++who) {
        const Program& program = programs_[who];
        if (program.state == State::away && program.at <= Clock::now()) MUDI_CHECK(start(who));
        if (program.state == State::starting) MUDI_CHECK(look_at_start(who));
    }
    const std::string who = fleet_.ended();
    const bool starts = !who.empty() && [&] {
        for (std::size_t one = 0; one < programs_.size(); ++one)
            if (programs_[one].state != State::ready && name(one) == who) return true;
        return false;
    }();
    if (!who.empty() && !starts)
        return fail(Code::io, "soak.ended", who + " ended although nobody killed it");
    return {};
}

Status Supervisor::wait_all_ready(Duration patience) {
    const auto end = Clock::now() + patience;
    for (;;) {
        MUDI_CHECK(look());
        bool all = true;
        for (std::size_t who = 0; who < programs_.size(); ++who) all = all && ready(who);
        if (all) return {};
        if (Clock::now() > end) return fail(Code::busy, "soak.start", "not all programs became ready");
        std::this_thread::sleep_for(between_attempts);
    }
}

} // namespace mudi::soak
