#include "alarm_log.hpp"

#include <algorithm>
#include <utility>

#include <mudi/base/log.hpp>

namespace mudi::server {
namespace {

/// When a whole chain stands still, more lines tell no more.
constexpr std::size_t lines_max = 20;

bool contains(const std::vector<Alarm>& alarms, const Alarm& wanted) {
    return std::any_of(alarms.begin(), alarms.end(), [&](const Alarm& alarm) {
        return alarm.name == wanted.name && alarm.till == wanted.till;
    });
}

std::vector<Alarm> without(const std::vector<Alarm>& alarms, const std::vector<Alarm>& others) {
    std::vector<Alarm> left;
    std::copy_if(alarms.begin(), alarms.end(), std::back_inserter(left),
                 [&](const Alarm& alarm) { return !contains(others, alarm); });
    return left;
}

} // namespace

AlarmChanges changes(const std::vector<Alarm>& before, const std::vector<Alarm>& now) {
    return {without(now, before), without(before, now)};
}

void AlarmLog::look(std::vector<Alarm> now) {
    const auto changed = changes(before_, now);
    for (std::size_t i = 0; i < std::min(changed.begun.size(), lines_max); ++i) {
        const auto& alarm = changed.begun[i];
        log::warning(alarm.name,
                     {{"till", alarm.till}, {"for_ms", alarm.lasts.count()}, {"text", alarm.text}});
    }
    for (std::size_t i = 0; i < std::min(changed.ended.size(), lines_max); ++i) {
        log::info("alarm.ended", {{"alarm", changed.ended[i].name}, {"till", changed.ended[i].till}});
    }
    const auto told = std::min(changed.begun.size(), lines_max) + std::min(changed.ended.size(), lines_max);
    if (const auto all = changed.begun.size() + changed.ended.size(); all > told) {
        log::warning("alarm.more", {{"begun", static_cast<std::int64_t>(changed.begun.size())},
                                    {"ended", static_cast<std::int64_t>(changed.ended.size())}});
    }
    before_ = std::move(now);
}

} // namespace mudi::server
