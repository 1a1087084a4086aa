#include "network.hpp"

#include <algorithm>
#include <utility>

#include "server_machine.hpp"
#include "world.hpp"

namespace mudi::sim {
namespace {

constexpr std::int64_t dial_min_ms = 100;
constexpr std::int64_t dial_max_ms = 5'000;
/// How long an end that nobody told stays unnoticed by who has nothing to send.
constexpr std::int64_t unnoticed_min_ms = 20'000;
constexpr std::int64_t unnoticed_max_ms = 300'000;
constexpr std::int64_t replay_late_ms = 20'000;

} // namespace

TillEnd& Network::end(int till) { return *world_.ends[static_cast<std::size_t>(till)]; }

Network::Line& Network::line(int till) {
    const auto at = static_cast<std::size_t>(till);
    if (lines_.size() <= at) lines_.resize(at + 1);
    return lines_[at];
}

std::optional<std::int64_t> Network::travel(int till, Way way) {
    const NetFaults& net = world_.swarm.net;
    const Path& road = path(till, way);
    const std::int64_t now = world_.timeline.now_ms();
    std::int64_t ms = world_.between(0, net.delay_ms_max);
    if (now < road.parted_until_ms) {
        if (!world_.chance(net.held)) return std::nullopt;
        ms += road.parted_until_ms - now;
    }
    if (world_.chance(net.loss)) return std::nullopt;
    if (now < road.clogged_until_ms) ms += world_.between(500, 15'000);
    return ms;
}

// ---- connections ----

void Network::till_started(int till) {
    Line& l = line(till);
    l.dials = true;
    l.pipe = 0;
    l.wait_ms = dial_min_ms;
    dial_after(till, world_.between(0, 200));
}

void Network::till_stopped(int till) {
    Line& l = line(till);
    l.dials = false;
    ++l.dial;
    l.flights.fill(std::nullopt);
    if (l.pipe != 0) end_of_till(l.pipe, true);
}

void Network::dial_after(int till, std::int64_t ms) {
    const std::uint64_t dial = ++line(till).dial;
    world_.timeline.after(ms, [this, till, dial] {
        if (line(till).dial == dial && line(till).dials && line(till).pipe == 0) this->dial(till);
    });
}

void Network::dial(int till) {
    Line& l = line(till);
    const std::int64_t now = world_.timeline.now_ms();
    const bool parted = now < l.paths[0].parted_until_ms || now < l.paths[1].parted_until_ms;
    if (parted || !world_.server->running() || world_.chance(world_.swarm.net.loss)) {
        l.wait_ms = std::min(l.wait_ms * 2, dial_max_ms);
        return dial_after(till, world_.between(l.wait_ms / 2, l.wait_ms));
    }
    l.wait_ms = dial_min_ms;
    l.pipe = ++pipes_ever_;
    pipes_.emplace(l.pipe, Pipe{till, end(till).till(), true, true, {}});
    pipes_max_ = std::max(pipes_max_, pipes_.size());
    world_.note("pipe", {till, static_cast<std::int64_t>(l.pipe)});
    end(till).link(true);
}

void Network::forget_if_over(sync::PipeId pipe) {
    const auto found = pipes_.find(pipe);
    if (found != pipes_.end() && !found->second.till_end && !found->second.server_end) pipes_.erase(found);
}

/// The till sees its connection end, or is no more.
void Network::end_of_till(sync::PipeId pipe, bool tell_server) {
    const auto found = pipes_.find(pipe);
    if (found == pipes_.end() || !found->second.till_end) return;
    found->second.till_end = false;
    const int till = found->second.till;
    const bool told = tell_server && found->second.server_end;
    Line& l = line(till);
    if (l.pipe == pipe) {
        l.pipe = 0;
        if (l.dials) dial_after(till, world_.between(1, dial_min_ms));
        TillEnd& machine = end(till);
        for (std::size_t i = 0; i < channels; ++i) {
            const auto flight = std::exchange(line(till).flights[i], std::nullopt);
            if (flight && line(till).dials) machine.answer(flight->request, std::nullopt);
        }
        if (line(till).dials) machine.link(false);
    }
    if (told) {
        const bool unnoticed = world_.chance(world_.swarm.net.half_open);
        if (unnoticed) world_.outcome.marks.hit("half-open connection");
        const std::int64_t ms =
            unnoticed ? world_.between(unnoticed_min_ms, unnoticed_max_ms) : world_.between(0, 20);
        world_.timeline.after(ms, [this, pipe] { end_of_server(pipe, false, true); });
    }
    forget_if_over(pipe);
}

/// The server sees it end.
void Network::end_of_server(sync::PipeId pipe, bool tell_till, bool tell_program) {
    const auto found = pipes_.find(pipe);
    if (found == pipes_.end() || !found->second.server_end) return;
    found->second.server_end = false;
    const bool told = tell_till && found->second.till_end;
    for (const sync::RequestToken token : found->second.tokens) tokens_.erase(token);
    found->second.tokens.clear();
    if (told) {
        const bool unnoticed = world_.chance(world_.swarm.net.half_open);
        const std::int64_t ms =
            unnoticed ? world_.between(unnoticed_min_ms, unnoticed_max_ms) : world_.between(0, 20);
        world_.timeline.after(ms, [this, pipe] { end_of_till(pipe, false); });
    }
    forget_if_over(pipe);
    if (tell_program) world_.server->pipe_gone(pipe);
}

void Network::server_stopped() {
    tokens_.clear();
    std::vector<sync::PipeId> ids;
    for (const auto& [id, pipe] : pipes_) {
        if (pipe.server_end) ids.push_back(id);
    }
    std::sort(ids.begin(), ids.end());
    for (const sync::PipeId id : ids) end_of_server(id, true, false);
}

void Network::close_pipe(sync::PipeId pipe) {
    world_.timeline.after(0, [this, pipe] { end_of_server(pipe, true, true); });
}

// ---- frames ----

void Network::send(int till, std::uint64_t request, sync::Channel channel, std::string frame,
                   Duration timeout) {
    Line& l = line(till);
    TillEnd& machine = end(till);
    world_.trace.bytes(frame);
    machine.sends();
    const auto refuse = [&](std::uint64_t which) {
        const std::uint64_t program = machine.running_program();
        world_.timeline.after(0, [&machine, which, program] {
            if (machine.running_program() == program) machine.answer(which, std::nullopt);
        });
    };
    if (l.pipe == 0) return refuse(request);
    const auto at = static_cast<std::size_t>(channel);
    if (l.flights[at]) refuse(l.flights[at]->request);
    l.flights[at] = Flight{request, l.pipe, l.received};
    transmit(till, l.pipe, request, frame, 0);
    if (world_.chance(world_.swarm.net.replay)) {
        world_.outcome.marks.hit("request doubled");
        transmit(till, l.pipe, request, frame, world_.between(0, world_.chance(80) ? 200 : replay_late_ms));
    }
    if (world_.chance(world_.swarm.net.impostors)) impersonate(till, frame);
    const std::uint64_t program = machine.running_program();
    world_.timeline.after(timeout, [this, till, request, at, program] {
        if (end(till).running_program() == program) timed_out(till, request, at);
    });
}

void Network::impersonate(int till, const std::string& frame) {
    const int other = static_cast<int>(world_.between(0, static_cast<std::int64_t>(world_.ends.size()) - 1));
    const sync::PipeId pipe = line(other).pipe;
    if (other == till || pipe == 0) return;
    world_.outcome.marks.hit("frame on another till's connection");
    transmit(other, pipe, 0, frame, 0);
}

bool Network::connected(int till) const {
    const auto pipe = pipes_.find(lines_.at(static_cast<std::size_t>(till)).pipe);
    return pipe != pipes_.end() && pipe->second.server_end;
}

std::vector<sync::PipeId> Network::pipes_of(TillId till) const {
    std::vector<sync::PipeId> ids;
    for (const auto& [id, pipe] : pipes_) {
        if (pipe.owner == till && pipe.server_end) ids.push_back(id);
    }
    std::sort(ids.begin(), ids.end());
    return ids;
}

TillId Network::owner_of(sync::RequestToken token) const {
    const auto asked = tokens_.find(token);
    if (asked == tokens_.end()) return {};
    const auto pipe = pipes_.find(asked->second.pipe);
    return pipe == pipes_.end() ? TillId{} : pipe->second.owner;
}

void Network::timed_out(int till, std::uint64_t request, std::size_t channel) {
    Line& l = line(till);
    if (!l.flights[channel] || l.flights[channel]->request != request) return;
    const Flight flight = *std::exchange(l.flights[channel], std::nullopt);
    const bool silent = l.received == flight.received && l.pipe == flight.pipe;
    end(till).answer(request, std::nullopt);
    if (silent) end_of_till(flight.pipe, true);
}

void Network::transmit(int till, sync::PipeId pipe, std::uint64_t request, const std::string& frame,
                       std::int64_t extra_ms) {
    const auto ms = travel(till, Way::up);
    if (!ms) return;
    world_.timeline.after(*ms + extra_ms,
                          [this, till, pipe, request, frame] { arrive(till, pipe, request, frame); });
}

void Network::arrive(int till, sync::PipeId pipe, std::uint64_t request, std::string frame) {
    const auto found = pipes_.find(pipe);
    if (found == pipes_.end()) return;
    if (!found->second.server_end) {
        // Nobody there who knows the connection: it is reset.
        if (travel(till, Way::down)) end_of_till(pipe, false);
        return;
    }
    const sync::RequestToken token = ++tokens_ever_;
    tokens_.emplace(token, Asked{pipe, request});
    found->second.tokens.push_back(token);
    tokens_max_ = std::max(tokens_max_, tokens_.size());
    world_.server->request(token, pipe, std::move(frame));
}

void Network::reply(sync::RequestToken token, std::string frame) {
    const auto found = tokens_.find(token);
    if (found == tokens_.end()) return; // its connection is gone
    const Asked asked = found->second;
    tokens_.erase(found);
    world_.trace.bytes(frame);
    const auto pipe = pipes_.find(asked.pipe);
    if (pipe == pipes_.end()) return;
    std::erase(pipe->second.tokens, token);
    const int till = pipe->second.till;
    const auto ms = travel(till, Way::down);
    if (!ms) return;
    world_.timeline.after(*ms, [this, till, asked, frame = std::move(frame)]() mutable {
        deliver(till, asked.pipe, asked.request, std::move(frame));
    });
}

void Network::deliver(int till, sync::PipeId pipe, std::uint64_t request, std::string frame) {
    Line& l = line(till);
    if (l.pipe != pipe) return;
    for (auto& flight : l.flights) {
        if (!flight || flight->request != request || flight->pipe != pipe) continue;
        flight.reset();
        ++l.received;
        end(till).answer(request, std::move(frame));
        return;
    }
}

// ---- faults ----

void Network::bounce(int till) {
    const sync::PipeId pipe = line(till).pipe;
    if (pipe == 0) return;
    world_.note("bounce", {till});
    if (world_.chance(50))
        end_of_till(pipe, true);
    else
        end_of_server(pipe, true, true);
}

void Network::part(int till, bool up, bool down, std::int64_t ms) {
    const std::int64_t until = world_.timeline.now_ms() + ms;
    world_.note("part", {till, up ? 1 : 0, down ? 1 : 0, ms});
    if (up) path(till, Way::up).parted_until_ms = until;
    if (down) path(till, Way::down).parted_until_ms = until;
    world_.outcome.marks.hit(up && down ? "partition" : "one-way partition");
}

void Network::clog(int till, bool up, std::int64_t ms) {
    path(till, up ? Way::up : Way::down).clogged_until_ms = world_.timeline.now_ms() + ms;
    world_.note("clog", {till, up ? 1 : 0, ms});
}

void Network::heal() {
    for (Line& l : lines_) l.paths.fill(Path{});
}

} // namespace mudi::sim
