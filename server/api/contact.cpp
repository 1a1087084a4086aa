#include <algorithm>
#include <tuple>

#include <mudi/server/api.hpp>

namespace mudi::server {

void Contact::spoke(std::uint64_t pipe, Time wall, MonoTime now) {
    // Whoever was away has not been standing still meanwhile.
    if (!connected(now)) moved_ = now;
    if (pipe != pipe_) {
        // A connection that is heard again after another one has spoken is no reconnect: two are there.
        if (pipe == pipe_before_ && now - pipe_before_heard_ <= clone_contact) turns_ = now;
        pipe_before_ = pipe_;
        pipe_before_heard_ = heard_.value_or(MonoTime{});
        pipe_ = pipe;
    }
    last_ = wall;
    heard_ = now;
}

void Contact::greeted(Incarnation life, EventSeq captured, EventSeq acked, MonoTime now) {
    if (life != life_ || acked > acked_ || captured_ <= acked_) moved_ = now;
    life_ = life;
    captured_ = captured;
    acked_ = acked;
}

void Contact::captures(EventSeq last, MonoTime now) {
    if (captured_ <= acked_) moved_ = now;
    captured_ = std::max(captured_, last);
}

void Contact::acknowledged(Incarnation life, EventSeq mark, MonoTime now) {
    if (life != life_ || mark <= acked_) return;
    acked_ = mark;
    captured_ = std::max(captured_, mark);
    moved_ = now;
}

std::optional<Duration> Contact::stalled(MonoTime now) const {
    if (!connected(now) || captured_ <= acked_ || now - moved_ < stalled_after) return std::nullopt;
    return now - moved_;
}

bool Contact::cloned(MonoTime now) const { return turns_ && now - *turns_ <= clone_contact; }

std::vector<Alarm> alarms_of(const Live& live) {
    std::vector<Alarm> alarms;
    if (live.apply_waits_since && live.now - *live.apply_waits_since >= stalled_after) {
        alarms.push_back({"apply.stalled", TillId{}, live.now - *live.apply_waits_since,
                          "events wait and none is applied"});
    }
    if (!live.backup_failed.empty()) {
        alarms.push_back({"backup.failed", TillId{}, Duration{}, "the last backup did not succeed"});
    }
    if (live.points_unconfirmed.value > 0) {
        alarms.push_back(
            {"points.breached", TillId{}, Duration{},
             "points were spent that nobody had set aside: look for cloned tills, then confirm it"});
    }
    for (const auto& [till, contact] : live.contacts) {
        if (const auto lasts = contact.stalled(live.now)) {
            alarms.push_back(
                {"till.stalled", till, *lasts, "connected, with events to send, and none of them comes"});
        }
        if (contact.cloned(live.now)) {
            alarms.push_back({"till.cloned", till, Duration{},
                              "two machines speak for this till: revoke it and enrol one"});
        }
    }
    std::sort(alarms.begin(), alarms.end(), [](const Alarm& a, const Alarm& b) {
        return std::tie(a.name, a.till) < std::tie(b.name, b.till);
    });
    return alarms;
}

} // namespace mudi::server
