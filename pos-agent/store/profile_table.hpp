#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <mudi/base/db/statement.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/till/storage.hpp>

#include "feed_place.hpp"
#include "name_part.hpp"
#include "sale_table.hpp"
#include "sealer.hpp"

namespace mudi::till {

/// What a slice's balance contains of our own events, as known when it came and as it said itself.
struct SliceSays {
    SliceMarks marks;
    std::int64_t applied{}; ///< sync::FeedRow::applied
    std::int64_t era{};     ///< Meta::era when it came
};

struct HeldSlice {
    crm::ProfileSlice slice;
    SliceSays says;
    std::uint64_t digest{};
};

/// How the counters move with a change.
struct ProfileChange {
    std::int64_t profiles{};
    std::int64_t offers{};
};

/// Profile slices, sealed, with the two ways to find one: by identifier and by the beginning of a name.
class ProfileTable {
public:
    ProfileTable(db::Connection& connection, const Sealer& sealer, const Key256& data_key);

    Result<std::optional<HeldSlice>> find(const ProfileName& name);
    /// `body` is the encoded slice as it came.
    Result<ProfileChange> put(const crm::ProfileSlice& slice, std::string_view body, FeedPlace place,
                              const SliceSays& says);
    Result<ProfileChange> erase(ProfileId id);
    /// The slice goes on serving, but the server has another one.
    Status outdate(ProfileId id);

    Result<std::vector<ProfileId>> in_parts(PartRange range);
    Status sum(PartSums& sums);
    Result<std::vector<ProfileId>> ids_after(ProfileId after, std::int64_t count_max);
    /// Computes what is missing since the last program, for at most `count_max` slices; gives for how many.
    Result<std::int64_t> place_old(std::int64_t count_max);

    /// Profiles that probably match every key, at most `count_max`; the caller looks at the names.
    Result<std::vector<ProfileId>> candidates(std::span<const std::string> keys, std::size_t count_max);

private:
    using SliceColumns = db::Columns<EventRow, EventRow, std::int64_t, std::int64_t, std::uint64_t, Bytes>;
    Result<crm::ProfileSlice> unseal(const Bytes& body) const;
    Result<std::optional<HeldSlice>> find_old(ProfileId id);
    Status index_identifiers(const crm::ProfileSlice& slice);
    Status index(const crm::ProfileSlice& slice, const std::optional<crm::ProfileSlice>& before);
    Status index_names(ProfileId id, std::string_view name, std::string_view before);
    /// Sorted; empty when more than can be looked at.
    Result<std::optional<std::vector<ProfileId>>> scan(NameParts::Range range, bool cut);

    const Sealer& sealer_;
    NameParts parts_;
    db::Query<SliceColumns, db::Params<ProfileId>> by_id_;
    db::Query<SliceColumns, db::Params<IdentifierHash>> by_identifier_;
    db::Command<ProfileId, EventRow, EventRow, std::int64_t, std::int64_t, std::int64_t, std::uint64_t, Bytes>
        put_;
    db::Command<EventRow, EventRow, std::int64_t, std::int64_t, ProfileId> say_;
    db::Command<std::int64_t, std::uint64_t, ProfileId> place_;
    db::Command<ProfileId> outdate_;
    db::Command<ProfileId> erase_;
    db::Command<IdentifierHash, ProfileId> put_identifier_;
    db::Command<IdentifierHash, ProfileId> erase_identifier_;
    db::Command<std::int64_t, ProfileId> put_name_;
    db::Command<std::int64_t, ProfileId> erase_name_;
    db::Query<db::Columns<ProfileId>, db::Params<std::int64_t, std::int64_t, std::int64_t>> by_name_;
    db::Query<db::Columns<ProfileId>, db::Params<std::int64_t, std::int64_t>> in_parts_;
    db::Query<db::Columns<std::int64_t, std::uint64_t>, db::Params<>> digests_;
    db::Query<db::Columns<ProfileId>, db::Params<ProfileId, std::int64_t>> ids_after_;
    db::Query<db::Columns<ProfileId, Bytes>, db::Params<std::int64_t>> unplaced_;
};

} // namespace mudi::till
