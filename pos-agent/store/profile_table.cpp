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
      by_id_(connection, "SELECT reflected, handed, applied, era, digest, body FROM profile WHERE id = :id"),
      by_identifier_(connection,
                     "SELECT p.reflected, p.handed, p.applied, p.era, p.digest, p.body FROM identifier i "
                     "JOIN profile p ON p.id = i.profile WHERE i.hash = :hash"),
      put_(connection,
           "INSERT INTO profile (id, reflected, handed, applied, era, part, digest, body) "
           "VALUES (:id, :reflected, :handed, :applied, :era, :part, :digest, :body) "
           "ON CONFLICT (id) DO UPDATE SET reflected = excluded.reflected, handed = excluded.handed, "
           "applied = excluded.applied, era = excluded.era, part = excluded.part, "
           "digest = excluded.digest, body = excluded.body"),
      say_(connection, "UPDATE profile SET reflected = :reflected, handed = :handed, applied = :applied, "
                       "era = :era WHERE id = :id"),
      place_(connection, "UPDATE profile SET part = :part, digest = :digest WHERE id = :id"),
      outdate_(connection, "UPDATE profile SET digest = 0 WHERE id = :id"),
      erase_(connection, "DELETE FROM profile WHERE id = :id"),
      put_identifier_(connection, "INSERT INTO identifier (hash, profile) VALUES (:hash, :profile) "
                                  "ON CONFLICT (hash) DO UPDATE SET profile = excluded.profile "
                                  "WHERE profile <> excluded.profile"),
      erase_identifier_(connection, "DELETE FROM identifier WHERE hash = :hash AND profile = :profile"),
      put_name_(connection,
                "INSERT INTO name_part (token, profile) VALUES (:token, :profile) ON CONFLICT DO NOTHING"),
      erase_name_(connection, "DELETE FROM name_part WHERE token = :token AND profile = :profile"),
      by_name_(connection,
               "SELECT profile FROM name_part WHERE token BETWEEN :first AND :last LIMIT :count_max"),
      in_parts_(connection, "SELECT id FROM profile WHERE part BETWEEN :first AND :last"),
      digests_(connection, "SELECT part, digest FROM profile"),
      ids_after_(connection, "SELECT id FROM profile WHERE id > :after ORDER BY id LIMIT :count_max"),
      unplaced_(connection, "SELECT id, body FROM profile WHERE part < 0 LIMIT :count_max") {}

Result<crm::ProfileSlice> ProfileTable::unseal(const Bytes& body) const {
    MUDI_TRY(const auto plain, sealer_.open(body));
    return sync::decode_profile(plain);
}

Result<std::optional<HeldSlice>> ProfileTable::find(const ProfileName& name) {
    const auto* id = std::get_if<ProfileId>(&name);
    auto found = id != nullptr ? by_id_.first(*id) : by_identifier_.first(std::get<IdentifierHash>(name));
    if (!found) return tl::make_unexpected(std::move(found).error());
    if (!*found) return std::optional<HeldSlice>{};
    const auto& [reflected, handed, applied, era, digest, body] = **found;
    MUDI_TRY(auto slice, unseal(body));
    return std::optional{HeldSlice{std::move(slice), {{reflected, handed}, applied, era}, digest}};
}

Result<std::optional<HeldSlice>> ProfileTable::find_old(ProfileId id) {
    auto found = find(id);
    // A damaged slice is replaced or goes: it must not stop the feed.
    if (!found && found.error().code == Code::corrupt) return std::optional{HeldSlice{}};
    return found;
}

Result<ProfileChange> ProfileTable::put(const crm::ProfileSlice& slice, std::string_view body,
                                        FeedPlace place, const SliceSays& says) {
    MUDI_TRY(auto before, find_old(slice.id));
    const auto& [reflected, handed] = says.marks;
    if (before && before->digest == place.digest && before->digest != 0) {
        MUDI_CHECK(say_(reflected, handed, says.applied, says.era, slice.id));
        MUDI_CHECK(index_identifiers(slice));
        return ProfileChange{};
    }
    MUDI_CHECK(put_(slice.id, reflected, handed, says.applied, says.era, place.part, place.digest,
                    sealer_.seal(body)));
    ProfileChange change{before ? 0 : 1, static_cast<std::int64_t>(slice.offers.size())};
    std::optional<crm::ProfileSlice> old;
    if (before) {
        change.offers -= static_cast<std::int64_t>(before->slice.offers.size());
        old = std::move(before->slice);
    }
    MUDI_CHECK(index(slice, old));
    return change;
}

/// Also when the slice had them already: two profiles may have claimed one in the meantime.
Status ProfileTable::index_identifiers(const crm::ProfileSlice& slice) {
    for (const IdentifierHash& hash : slice.identifiers) MUDI_CHECK(put_identifier_(hash, slice.id));
    return {};
}

Status ProfileTable::index(const crm::ProfileSlice& slice, const std::optional<crm::ProfileSlice>& before) {
    MUDI_CHECK(index_identifiers(slice));
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

Status ProfileTable::outdate(ProfileId id) {
    MUDI_CHECK(outdate_(id));
    return {};
}

Result<std::vector<ProfileId>> ProfileTable::in_parts(PartRange range) {
    std::vector<ProfileId> ids;
    MUDI_CHECK(in_parts_.each([&](ProfileId id) { ids.push_back(id); }, range.first, range.last));
    return ids;
}

Status ProfileTable::sum(PartSums& sums) {
    return digests_.each([&](std::int64_t part, std::uint64_t digest) { add(sums, part, digest); });
}

Result<std::vector<ProfileId>> ProfileTable::ids_after(ProfileId after, std::int64_t count_max) {
    std::vector<ProfileId> ids;
    MUDI_CHECK(ids_after_.each([&](ProfileId id) { ids.push_back(id); }, after, count_max));
    return ids;
}

Result<std::int64_t> ProfileTable::place_old(std::int64_t count_max) {
    MUDI_TRY(const auto rows, unplaced_.all(count_max));
    for (const auto& [id, sealed] : rows) {
        const auto body = sealer_.open(sealed);
        FeedPlace place =
            place_of(sync::FeedKind::profile, std::to_string(id.value), body ? *body : std::string{});
        // A damaged slice counts as another content: the server's takes its place.
        if (!body) place.digest = 0;
        MUDI_CHECK(place_(place.part, place.digest, id));
    }
    return static_cast<std::int64_t>(rows.size());
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
