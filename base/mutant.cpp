#include <mudi/base/mutant.hpp>

#include <array>

namespace mudi::mutant {
namespace {

constexpr std::array<std::string_view, bug_count> words{
    "fork_ignored",           "gap_accepted",        "ack_ahead",
    "hlc_unbounded",          "lost_future_carried", "cursor_before_parts",
    "horizon_ignored",        "pipe_not_bound",      "sale_not_durable",
    "ack_kept_on_restore",    "part_keeps_old_rows", "new_life_new_ids",
    "prune_unsafe",           "cursor_before_rows",  "chain_not_rewritten",
    "ack_before_commit",      "mark_apart",          "apply_twice",
    "dedupe_by_time",         "poison_stops_apply",  "poison_dropped",
    "generation_kept",        "version_reused",      "safe_without_backup",
    "rights_survive_restore", "hold_granted_twice",  "recall_not_counted"};

#ifdef MUDI_MUTANTS
std::optional<Bug>& now_planted() {
    static std::optional<Bug> bug;
    return bug;
}
#endif

} // namespace

std::string_view to_string(Bug bug) { return words.at(static_cast<std::size_t>(bug)); }

std::optional<Bug> bug_from(std::string_view word) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == word) return static_cast<Bug>(i);
    }
    return std::nullopt;
}

#ifdef MUDI_MUTANTS
bool planted(Bug bug) { return now_planted() == bug; }
void plant(std::optional<Bug> bug) { now_planted() = bug; }
#endif

} // namespace mudi::mutant
