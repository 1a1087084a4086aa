#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <mudi/base/db/statement.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/till/storage.hpp>

#include "name_part.hpp"
#include "sale_table.hpp"
#include "sealer.hpp"

namespace mudi::till {

struct HeldSlice {
    crm::ProfileSlice slice;
    SliceMarks marks;
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
    Result<ProfileChange> put(const crm::ProfileSlice& slice, std::string_view body, std::int64_t epoch,
                              SliceMarks marks);
    Result<ProfileChange> erase(ProfileId id);
    /// Forgets what no slice of this epoch has; gives the number of slices and offers left.
    Result<ProfileChange> sweep(std::int64_t epoch);
    /// Profiles that probably match every key, at most `count_max`; the caller looks at the names.
    Result<std::vector<ProfileId>> candidates(std::span<const std::string> keys, std::size_t count_max);

private:
    using SliceColumns = db::Columns<EventRow, EventRow, Bytes>;
    Result<crm::ProfileSlice> unseal(const Bytes& body) const;
    Result<std::optional<HeldSlice>> find_old(ProfileId id);
    Status index(const crm::ProfileSlice& slice, const std::optional<crm::ProfileSlice>& before);
    Status index_names(ProfileId id, std::string_view name, std::string_view before);
    /// Sorted; empty when more than can be looked at.
    Result<std::optional<std::vector<ProfileId>>> scan(NameParts::Range range, bool cut);

    const Sealer& sealer_;
    NameParts parts_;
    db::Query<SliceColumns, db::Params<ProfileId>> by_id_;
    db::Query<SliceColumns, db::Params<IdentifierHash>> by_identifier_;
    db::Command<ProfileId, std::int64_t, EventRow, EventRow, Bytes> put_;
    db::Command<ProfileId> erase_;
    db::Command<IdentifierHash, ProfileId> put_identifier_;
    db::Command<IdentifierHash, ProfileId> erase_identifier_;
    db::Command<std::int64_t, ProfileId> put_name_;
    db::Command<std::int64_t, ProfileId> erase_name_;
    db::Query<db::Columns<ProfileId>, db::Params<std::int64_t, std::int64_t, std::int64_t>> by_name_;
    db::Query<db::Columns<ProfileId>, db::Params<std::int64_t>> older_;
};

} // namespace mudi::till
