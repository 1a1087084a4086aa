#include "points_books.hpp"

#include <string>
#include <string_view>
#include <tuple>

namespace mudi::sim {
namespace {

std::optional<std::vector<SourceRecordId>> records(const Status& read, std::vector<SourceRecordId>& found) {
    if (!read) return std::nullopt;
    return std::move(found);
}

} // namespace

PointsBooks::PointsBooks(db::Connection& connection)
    : account_(connection,
               "SELECT CAST(COALESCE(SUM(points), 0) AS INTEGER), CAST(COALESCE(SUM(CASE WHEN points < 0 AND "
               "kind <> 3 THEN -points ELSE 0 END), 0) AS INTEGER), CAST(COALESCE((SELECT SUM(points) "
               "FROM points_hold WHERE record = :record AND state <> 1 AND state = 0), 0) "
               "+ COALESCE((SELECT SUM(a.granted - a.closed) FROM right_account a "
               "JOIN rights_holder h ON h.holder = a.holder "
               "WHERE a.record = :record AND h.freed = 0 AND a.granted > a.closed), 0) AS INTEGER) "
               "FROM ledger_entry WHERE account = :record"),
      beside_(connection, "SELECT b.record FROM profile_member a JOIN profile_member b "
                          "ON b.profile = a.profile WHERE a.record = :record"),
      all_(connection, "SELECT record FROM profile_member ORDER BY record"),
      dirty_(connection, "SELECT record FROM dirty_record"),
      counter_(connection, "SELECT value FROM counter WHERE name = :name"),
      any_right_(connection, "SELECT 1 FROM right_account WHERE granted > 0 LIMIT 1") {}

std::optional<PointsBooks::Account> PointsBooks::of(SourceRecordId record) {
    const auto row = account_.first(record);
    if (!row || !*row) return std::nullopt;
    Account account;
    std::tie(account.balance, account.taken, account.aside) = **row;
    return account;
}

std::optional<std::vector<SourceRecordId>> PointsBooks::beside(SourceRecordId record) {
    std::vector<SourceRecordId> found{record};
    return records(beside_.each([&](SourceRecordId other) { found.push_back(other); }, record), found);
}

std::optional<std::vector<SourceRecordId>> PointsBooks::all() {
    std::vector<SourceRecordId> found;
    return records(all_.each([&](SourceRecordId record) { found.push_back(record); }), found);
}

std::vector<SourceRecordId> PointsBooks::dirty() {
    std::vector<SourceRecordId> found;
    (void)dirty_.each([&](SourceRecordId record) { found.push_back(record); }).has_value();
    return found;
}

std::optional<std::int64_t> PointsBooks::counter(std::string_view name) {
    const auto row = counter_.first(std::string(name));
    if (!row) return std::nullopt;
    return *row ? std::get<0>(**row) : 0;
}

bool PointsBooks::any_right() {
    const auto row = any_right_.first();
    return row && row->has_value();
}

} // namespace mudi::sim
