#pragma once

#include <vector>

#include <mudi/server/api.hpp>

namespace mudi::server {

struct AlarmChanges {
    std::vector<Alarm> begun;
    std::vector<Alarm> ended;
};
/// By name and till; how long one lasts is no change. Pure.
AlarmChanges changes(const std::vector<Alarm>& before, const std::vector<Alarm>& now);

/// One line when an alarm begins and one when it ends. Loop thread only.
class AlarmLog {
public:
    void look(std::vector<Alarm> now);

private:
    std::vector<Alarm> before_;
};

} // namespace mudi::server
