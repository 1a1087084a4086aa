#include <mudi/crm/identity.hpp>

#include <algorithm>
#include <optional>

namespace mudi::crm {
namespace {

std::optional<MergeReason> reason_for(const SourceRecord& a, const SourceRecord& b) {
    if (!a.source_key.empty() && a.source == b.source && a.source_key == b.source_key)
        return MergeReason::same_source_key;
    const auto in_b = [&](const std::string& card) {
        return !card.empty() && std::ranges::find(b.cards, card) != b.cards.end();
    };
    if (std::ranges::any_of(a.cards, in_b)) return MergeReason::same_card;
    const bool same_phone = !a.phone.empty() && a.phone == b.phone && a.phone_verified && b.phone_verified;
    if (same_phone && names_compatible(a.name, b.name)) return MergeReason::same_phone_and_name;
    return std::nullopt;
}

/// Not asked is not a yes.
int width(Consent consent) {
    switch (consent) {
    case Consent::given: return 2;
    case Consent::unknown: return 1;
    case Consent::refused: return 0;
    }
    return 0;
}

void take(std::string& field, const std::string& newer) {
    if (!newer.empty()) field = newer;
}

} // namespace

std::vector<MergeLink> merge_links(const MergeRecord& arriving, std::span<const MergeRecord> candidates) {
    std::vector<MergeLink> links;
    for (const MergeRecord& candidate : candidates) {
        if (candidate.id == arriving.id) continue;
        if (const auto reason = reason_for(arriving.record, candidate.record))
            links.push_back({arriving.id, candidate.id, *reason});
    }
    std::ranges::sort(links, {}, &MergeLink::b);
    const auto same = [](const MergeLink& a, const MergeLink& b) { return a.b == b.b; };
    links.erase(std::unique(links.begin(), links.end(), same), links.end());
    return links;
}

SourceRecord golden_record(std::span<const MergeRecord> records) {
    SourceRecord golden;
    golden.marketing = records.empty() ? Consent::unknown : Consent::given;
    for (const MergeRecord& merged : records) {
        const SourceRecord& record = merged.record;
        take(golden.name, record.name);
        take(golden.language, record.language);
        take(golden.email, record.email);
        take(golden.birthday, record.birthday);
        take(golden.home_store.value, record.home_store.value);
        if (!record.phone.empty()) {
            // Once verified, a number stays so however often it is written down again.
            golden.phone_verified =
                record.phone_verified || (golden.phone_verified && golden.phone == record.phone);
            golden.phone = record.phone;
        }
        take(golden.address, record.address);
        take(golden.pincode, record.pincode);
        for (const std::string& card : record.cards)
            if (!card.empty() && std::ranges::find(golden.cards, card) == golden.cards.end())
                golden.cards.push_back(card);
        if (width(record.marketing) < width(golden.marketing)) golden.marketing = record.marketing;
    }
    return golden;
}

} // namespace mudi::crm
