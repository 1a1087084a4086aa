#include "right_table.hpp"

namespace mudi::till {

RightTable::RightTable(db::Connection& connection)
    : any_(connection, "SELECT 1 FROM right_use LIMIT 1"),
      hear_(connection, "INSERT INTO right_use (profile, granted, recalled, used) "
                        "VALUES (:profile, :granted, :recalled, 0) ON CONFLICT (profile) DO UPDATE SET "
                        "granted = excluded.granted, recalled = excluded.recalled"),
      want_back_(connection, "UPDATE right_use SET recalled = granted WHERE profile = :profile"),
      find_(connection, "SELECT granted, recalled, used FROM right_use WHERE profile = :profile"),
      use_(connection, "UPDATE right_use SET used = used + :points WHERE profile = :profile "
                       "AND used + :points BETWEEN 0 AND max(granted, used)"),
      forget_recall_(connection, "UPDATE right_use SET recalled = 0 WHERE profile = :profile"),
      due_(connection, "SELECT profile, granted, recalled, used FROM right_use "
                       "WHERE recalled > used AND granted > used ORDER BY profile LIMIT :count_max"),
      held_(connection, "SELECT CAST(COALESCE(SUM(granted - used), 0) AS INTEGER) FROM right_use "
                        "WHERE granted > used"),
      lend_(connection, "INSERT INTO lent (hold, profile, points, till, lent_ms) "
                        "VALUES (:hold, :profile, :points, :till, :at)"),
      lent_(connection, "SELECT hold, profile, points, till, lent_ms FROM lent"),
      forget_lent_(connection, "DELETE FROM lent WHERE lent_ms < :before"),
      clear_rights_(connection, "DELETE FROM right_use"), clear_lent_(connection, "DELETE FROM lent") {}

Result<bool> RightTable::any() {
    MUDI_TRY(const auto found, any_.first());
    return found.has_value();
}

Status RightTable::hear(ProfileId profile, const crm::Right& right) {
    MUDI_CHECK(hear_(profile, right.granted, right.recalled));
    return {};
}

Status RightTable::want_back(ProfileId profile) {
    MUDI_CHECK(want_back_(profile));
    return {};
}

Result<std::optional<crm::RightUse>> RightTable::find(ProfileId profile) {
    MUDI_TRY(const auto found, find_.first(profile));
    if (!found) return std::optional<crm::RightUse>{};
    const auto& [granted, recalled, used] = *found;
    return std::optional{crm::RightUse{{{}, granted, recalled}, used}};
}

Result<bool> RightTable::use(ProfileId profile, Points points) {
    MUDI_TRY(const auto moved, use_(points, profile));
    return moved == 1;
}

Status RightTable::forget_recall(ProfileId profile) {
    MUDI_CHECK(forget_recall_(profile));
    return {};
}

Result<std::vector<RightDue>> RightTable::due(std::size_t count_max) {
    std::vector<RightDue> out;
    MUDI_CHECK(due_.each(
        [&](ProfileId profile, Points granted, Points recalled, Points used) {
            out.push_back({profile, {{{}, granted, recalled}, used}});
        },
        static_cast<std::int64_t>(count_max)));
    return out;
}

Result<Points> RightTable::held() {
    MUDI_TRY(const auto sum, held_.first());
    return sum ? std::get<0>(*sum) : Points{};
}

Status RightTable::lend(const Lent& lent) {
    MUDI_CHECK(lend_(lent.hold, lent.profile, lent.points, lent.till, lent.at));
    return {};
}

Result<std::vector<Lent>> RightTable::lent() {
    std::vector<Lent> out;
    MUDI_CHECK(lent_.each([&](HoldId hold, ProfileId profile, Points points, TillId till, Time at) {
        out.push_back({hold, profile, points, till, at});
    }));
    return out;
}

Status RightTable::forget_lent(Time before) {
    MUDI_CHECK(forget_lent_(before));
    return {};
}

Status RightTable::clear() {
    MUDI_CHECK(clear_rights_());
    MUDI_CHECK(clear_lent_());
    return {};
}

} // namespace mudi::till
