#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/id.hpp>
#include <mudi/crm/customer.hpp>

namespace mudi::crm {

/// Keys of a name that survive script and spelling: each word transliterated to Latin (ICU), folded, and cut
/// to a consonant skeleton, in the order written. "কমলা দাস", "Kamala Das" and "Komola Dass" share theirs.
/// Titles ("Shri", "Mrs") have none; usual other forms share one (Md and Mohammad, Mukherjee and
/// Mukhopadhyay). No words, or not UTF-8: empty. Thread-safe: what ICU needs is made once in each thread that
/// asks (some ms), and the words it saw last are remembered there.
std::vector<std::string> name_keys(std::string_view name);

/// True when one may be the other's name: every word of the shorter is in the longer, in any order, or an
/// initial stands for it; one word at least is the same. Stricter than equal keys where an i tells two names
/// apart (Sunil and Sonali, Dev and Devi). An empty name is compatible with nothing.
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
/// And two records of one source and source_key. Gives the links between `arriving` (a) and those of
/// `candidates` (b; records that share a card, phone or source key with it) it belongs to: one for each, with
/// its strongest reason, in the order of their ids.
std::vector<MergeLink> merge_links(const MergeRecord& arriving, std::span<const MergeRecord> candidates);

/// The golden view of a cluster: each field from the newest record that has it, consent = the most
/// restrictive, language and home store from the newest that says; all cards, oldest first. Consent is given
/// only when every record says so. It has no source and no source_key. `records` is ordered oldest first.
SourceRecord golden_record(std::span<const MergeRecord> records);

} // namespace mudi::crm
