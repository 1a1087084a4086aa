#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// Planted bugs, for the proof that the simulator finds them. They exist in builds with MUDI_MUTANTS only,
/// and even there nothing is planted until plant() is called; elsewhere planted() is a constant `false` and
/// leaves no code.
namespace mudi::mutant {

enum class Bug : std::uint8_t {
    // the protocol
    fork_ignored,        ///< another event under a known number is taken for a repeat
    gap_accepted,        ///< the mark jumps over events that have not come
    ack_ahead,           ///< the till believes what it sent instead of what was answered
    hlc_unbounded,       ///< a clock far ahead is followed
    lost_future_carried, ///< versions of a history that a restore ended are believed
    cursor_before_parts, ///< the cursor is set before all parts are mended
    horizon_ignored,     ///< forgotten tombstones are not noticed
    pipe_not_bound,      ///< who proved one till may speak for another
    // the till
    sale_not_durable,    ///< a sale is answered before it is on the disk
    ack_kept_on_restore, ///< a server that lost events is not sent them again
    part_keeps_old_rows, ///< mending a part leaves what should have gone
    new_life_new_ids,    ///< a new life gives its events new ids
    prune_unsafe,        ///< events go before a backup has them
    cursor_before_rows,  ///< the cursor is saved before the rows it stands for
    chain_not_rewritten, ///< a new life keeps the old chain
    // the server
    ack_before_commit,   ///< events are acknowledged before they are on the disk
    mark_apart,          ///< the mark is saved apart from the events
    apply_twice,         ///< an event under two lives counts twice
    dedupe_by_time,      ///< two sales of one moment are taken for one
    poison_stops_apply,  ///< an event that cannot be applied holds up those behind it
    poison_dropped,      ///< … or is forgotten
    generation_kept,     ///< a start does not begin a history of its own
    version_reused,      ///< feed versions are given out twice
    safe_without_backup, ///< "safe" is said of what no backup has
    // rights to spend points
    rights_survive_restore, ///< a restored till goes on with the rights it had
    hold_granted_twice,     ///< the same points are granted to two
    recall_not_counted,     ///< rights given back are still spent
};
inline constexpr int bug_count = 27;
std::string_view to_string(Bug bug);
std::optional<Bug> bug_from(std::string_view word);

#ifdef MUDI_MUTANTS
bool planted(Bug bug);
/// One at a time, for the whole process. Not safe while other threads run.
void plant(std::optional<Bug> bug);
#else
constexpr bool planted(Bug) { return false; }
#endif

} // namespace mudi::mutant
