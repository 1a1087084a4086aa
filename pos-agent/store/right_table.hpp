#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <mudi/base/db/statement.hpp>
#include <mudi/crm/rights.hpp>
#include <mudi/till/storage.hpp>

namespace mudi::till {

/// What became of the rights of this till's present memory, and what of them was lent.
class RightTable {
public:
    explicit RightTable(db::Connection& connection);

    Result<bool> any();
    /// The slice as it came has this right.
    Status hear(ProfileId profile, const crm::Right& right);
    /// The slice has none any more, or is gone: all that is left is wanted back.
    Status want_back(ProfileId profile);
    /// Without the holder, which is always the present one.
    Result<std::optional<crm::RightUse>> find(ProfileId profile);
    /// False: more would be used than there is, or less than nothing.
    Result<bool> use(ProfileId profile, Points points);
    Status forget_recall(ProfileId profile);
    Result<std::vector<RightDue>> due(std::size_t count_max);
    Result<Points> held();

    Status lend(const Lent& lent);
    Result<std::vector<Lent>> lent();
    Status forget_lent(Time before);

    Status clear();

private:
    db::Query<db::Columns<std::int64_t>, db::Params<>> any_;
    db::Command<ProfileId, Points, Points> hear_;
    db::Command<ProfileId> want_back_;
    db::Query<db::Columns<Points, Points, Points>, db::Params<ProfileId>> find_;
    db::Command<Points, ProfileId> use_;
    db::Command<ProfileId> forget_recall_;
    db::Query<db::Columns<ProfileId, Points, Points, Points>, db::Params<std::int64_t>> due_;
    db::Query<db::Columns<Points>, db::Params<>> held_;
    db::Command<HoldId, ProfileId, Points, TillId, Time> lend_;
    db::Query<db::Columns<HoldId, ProfileId, Points, TillId, Time>, db::Params<>> lent_;
    db::Command<Time> forget_lent_;
    db::Command<> clear_rights_;
    db::Command<> clear_lent_;
};

} // namespace mudi::till
