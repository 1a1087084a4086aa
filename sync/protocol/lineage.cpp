#include <algorithm>

#include <mudi/base/assert.hpp>
#include <mudi/base/mutant.hpp>
#include <mudi/sync/server_sync.hpp>

namespace mudi::sync {

std::optional<std::int64_t> carried_on(const Lineage& lineage, const FeedCursor& cursor) {
    MUDI_ASSERT(!lineage.empty());
    if (cursor.generation == 0) return std::nullopt;
    const auto found = std::find_if(lineage.begin(), lineage.end(), [&](const GenerationStart& start) {
        return start.generation == cursor.generation;
    });
    if (found == lineage.end()) return std::nullopt;
    const auto next = found + 1;
    if (next == lineage.end() || mutant::planted(mutant::Bug::lost_future_carried)) return cursor.version;
    // What the till has from beyond the next beginning was lost with a restore: other rows have these
    // versions now.
    if (cursor.version > next->first_version) return std::nullopt;
    return cursor.version;
}

} // namespace mudi::sync
