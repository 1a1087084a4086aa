#pragma once

#include <cstddef>
#include <unordered_set>
#include <utility>

#include <mudi/base/id.hpp>

namespace mudi::till {

/// Whom the till has looked up lately: at least the last `kept_min`, at most twice as many.
class RecentProfiles {
public:
    static constexpr std::size_t kept_min = 2000;

    void add(ProfileId id) {
        if (young_.insert(id).second && young_.size() > kept_min) {
            old_ = std::exchange(young_, {});
            young_.insert(id);
        }
    }
    [[nodiscard]] bool has(ProfileId id) const { return young_.contains(id) || old_.contains(id); }

private:
    std::unordered_set<ProfileId> young_;
    std::unordered_set<ProfileId> old_;
};

} // namespace mudi::till
