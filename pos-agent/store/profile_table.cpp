#include "profile_table.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include <mudi/sync/event.hpp>
#include <mudi/till/name_fold.hpp>

namespace mudi::till {
namespace {

/// Of one part of a name; beyond it the part narrows nothing down. Keeps a search over a million names within
/// some 10 ms.
constexpr std::int64_t rows_scanned_max = 20'000;

} // namespace

ProfileTable::ProfileTable(db::Connection& connection, const Sealer& sealer, const Key256& data_key)
    : sealer_(sealer), parts_(data_key),
      by_id_(connection, "SELECT reflected, handed, body FROM profile WHERE id = :id"),
      by_identifier_(
          connection,
          "SELECT p.reflected, p.handed, p.body FROM identifier i JOIN profile p ON p.id = i.profile "
          "WHERE i.hash = :hash"),
      put_(connection,
           "INSERT INTO profile (id, epoch, reflected, handed, body) VALUES (:id, :epoch, :reflected, "
           ":handed, :body) "
           "ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, reflected = excluded.reflected, "
           "handed = excluded.handed, body = excluded.body"),
      erase_(connection, "DELETE FROM profile WHERE id = :id"),
      put_identifier_(connection, "INSERT INTO identifier (hash, profile) VALUES (:hash, :profile) "
                                  "ON CONFLICT (hash) DO UPDATE SET profile = excluded.profile"),
      erase_identifier_(connection, "DELETE FROM identifier WHERE hash = :hash AND profile = :profile"),
      put_name_(connection,
                "INSERT INTO name_part (token, profile) VALUES (:token, :profile) ON CONFLICT DO NOTHING"),
      erase_name_(connection, "DELETE FROM name_part WHERE token = :token AND profile = :profile"),
      by_name_(connection,
               "SELECT profile FROM name_part WHERE token BETWEEN :first AND :last LIMIT :count_max"),
      older_(connection, "SELECT id FROM profile WHERE epoch < :epoch") {}

Result<crm::ProfileSlice> ProfileTable::unseal(const Bytes& body) const {
    MUDI_TRY(const auto plain, sealer_.open(body));
    return sync::decode_profile(plain);
}

Result<std::optional<HeldSlice>> ProfileTable::find(const ProfileName& name) {
    const auto* id = std::get_if<ProfileId>(&name);
    auto found = id != nullptr ? by_id_.first(*id) : by_identifier_.first(std::get<IdentifierHash>(name));
    if (!found) return tl::make_unexpected(std::move(found).error());
    if (!*found) return std::optional<HeldSlice>{};
    const auto& [reflected, handed, body] = **found;
    MUDI_TRY(auto slice, unseal(body));
    return std::optional{HeldSlice{std::move(slice), {reflected, handed}}};
}

Result<std::optional<HeldSlice>> ProfileTable::find_old(ProfileId id) {
    auto found = find(id);
    // A damaged slice is replaced or goes: it must not stop the feed.
    if (!found && found.error().code == Code::corrupt) return std::optional{HeldSlice{}};
    return found;
}

Result<ProfileChange> ProfileTable::put(const crm::ProfileSlice& slice, std::string_view body,
                                        std::int64_t epoch, SliceMarks marks) {
    MUDI_TRY(auto before, find_old(slice.id));
    MUDI_CHECK(put_(slice.id, epoch, marks.reflected, marks.handed, sealer_.seal(body)));
    ProfileChange change{before ? 0 : 1, static_cast<std::int64_t>(slice.offers.size())};
    std::optional<crm::ProfileSlice> old;
    if (before) {
        change.offers -= static_cast<std::int64_t>(before->slice.offers.size());
        old = std::move(before->slice);
    }
    MUDI_CHECK(index(slice, old));
    return change;
}

Status ProfileTable::index(const crm::ProfileSlice& slice, const std::optional<crm::ProfileSlice>& before) {
    // Written again even when the slice had it already: two profiles may have claimed it in the meantime.
    for (const IdentifierHash& hash : slice.identifiers) MUDI_CHECK(put_identifier_(hash, slice.id));
    if (before) {
        for (const IdentifierHash& hash : before->identifiers) {
            if (std::ranges::find(slice.identifiers, hash) != slice.identifiers.end()) continue;
            MUDI_CHECK(erase_identifier_(hash, slice.id));
        }
        if (before->name == slice.name) return {};
    }
    return index_names(slice.id, slice.name, before ? std::string_view(before->name) : std::string_view());
}

Status ProfileTable::index_names(ProfileId id, std::string_view name, std::string_view before) {
    const auto tokens = [&](std::string_view text) {
        std::set<std::int64_t> out;
        if (text.empty()) return out;
        for (const std::string& key : name_parts(text)) out.insert(parts_.token(key));
        return out;
    };
    const auto now = tokens(name);
    for (const std::int64_t token : tokens(before)) {
        if (!now.contains(token)) MUDI_CHECK(erase_name_(token, id));
    }
    for (const std::int64_t token : now) MUDI_CHECK(put_name_(token, id));
    return {};
}

Result<ProfileChange> ProfileTable::erase(ProfileId id) {
    MUDI_TRY(const auto before, find_old(id));
    if (!before) return ProfileChange{};
    for (const IdentifierHash& hash : before->slice.identifiers) MUDI_CHECK(erase_identifier_(hash, id));
    MUDI_CHECK(index_names(id, {}, before->slice.name));
    MUDI_CHECK(erase_(id));
    return ProfileChange{-1, -static_cast<std::int64_t>(before->slice.offers.size())};
}

Result<ProfileChange> ProfileTable::sweep(std::int64_t epoch) {
    std::vector<ProfileId> gone;
    MUDI_CHECK(older_.each([&](ProfileId id) { gone.push_back(id); }, epoch));
    ProfileChange sum;
    for (const ProfileId id : gone) {
        MUDI_TRY(const auto change, erase(id));
        sum.profiles += change.profiles;
        sum.offers += change.offers;
    }
    return sum;
}

Result<std::optional<std::vector<ProfileId>>> ProfileTable::scan(NameParts::Range range, bool cut) {
    std::vector<ProfileId> found;
    MUDI_CHECK(
        by_name_.each([&](ProfileId id) { found.push_back(id); }, range.first, range.last, rows_scanned_max));
    if (!cut && static_cast<std::int64_t>(found.size()) == rows_scanned_max)
        return std::optional<std::vector<ProfileId>>{};
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return std::optional{std::move(found)};
}

Result<std::vector<ProfileId>> ProfileTable::candidates(std::span<const std::string> keys,
                                                        std::size_t count_max) {
    // The longest beginning first: it leaves the fewest.
    std::vector<std::string_view> typed(keys.begin(), keys.end());
    std::ranges::sort(typed, std::ranges::greater{}, &std::string_view::size);
    std::optional<std::vector<ProfileId>> left;
    for (const std::string_view key : typed) {
        if (key.size() < 2 && left) break; // an initial narrows too little down
        const auto range = parts_.beginning(key);
        if (!range) continue;
        MUDI_TRY(auto found, scan(*range, !left));
        if (!found) continue;
        if (!left) {
            left = std::move(found);
            continue;
        }
        std::vector<ProfileId> both;
        std::ranges::set_intersection(*left, *found, std::back_inserter(both));
        left = std::move(both);
    }
    if (!left) return std::vector<ProfileId>{};
    if (left->size() > count_max) left->resize(count_max);
    return *std::move(left);
}

} // namespace mudi::till
