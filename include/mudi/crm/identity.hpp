#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/id.hpp>
#include <mudi/crm/customer.hpp>

namespace mudi::crm {

/// Keys of a name that survive script and spelling: each token transliterated to Latin (ICU), folded, and cut to a consonant
/// skeleton. "কমলা দাস", "Kamala Das" and "Komola Dass" share theirs. Thread-safe.
std::vector<std::string> name_keys(std::string_view name);

/// True when one may be the other's name: the keys of the shorter are all in the longer, or initials stand for them.
/// An empty name is compatible with nothing.
bool names_compatible(std::string_view a, std::string_view b);

/// Why two source records are one person.
enum class MergeReason : std::uint8_t { same_card = 1, same_phone_and_name = 2, same_source_key = 3 };

/// One record as the merge sees it.
struct MergeRecord {
    SourceRecordId id;
    SourceRecord record;
};
struct MergeLink {
    SourceRecordId a;
    SourceRecordId b;
    MergeReason reason;
};

/// Deterministic principles: same card; or same verified phone (E.164) on both and compatible names.
/// Gives the links between `arriving` and those of `candidates` (records that share a card or phone with it) it belongs to.
std::vector<MergeLink> merge_links(const MergeRecord& arriving, std::span<const MergeRecord> candidates);

/// The golden view of a cluster: each field from the newest record that has it, consent = the most restrictive,
/// language and home store from the newest that says. `records` is ordered oldest first.
SourceRecord golden_record(std::span<const MergeRecord> records);

} // namespace mudi::crm
