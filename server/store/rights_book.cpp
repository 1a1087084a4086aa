#include <mudi/server/rights.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include <mudi/base/mutant.hpp>

#include "rights_impl.hpp"

namespace mudi::server {

namespace {

constexpr Duration ask_again{100};

} // namespace

RightsBook::Impl::Impl(db::Connection& connection)
    : writer(connection), counters(connection),
      profile_of(connection, "SELECT profile FROM profile_member WHERE record = :record"),
      records_of(connection, "SELECT record FROM profile_member WHERE profile = :profile ORDER BY record"),
      balance(connection,
              "SELECT CAST(COALESCE(SUM(points), 0) AS INTEGER) FROM ledger_entry WHERE account = :record"),
      // The first condition is that of the index.
      held(connection, "SELECT CAST(COALESCE(SUM(points), 0) AS INTEGER) FROM points_hold "
                       "WHERE record = :record AND state <> 1 AND state = 0"),
      wished(connection, "SELECT CAST(COALESCE(SUM(points), 0) AS INTEGER) FROM points_hold "
                         "WHERE record = :record AND state <> 1 AND state = 2 AND made_ms > :since"),
      accounts(connection, "SELECT a.holder, a.granted, a.recalled, a.closed, h.dead_ms FROM right_account a "
                           "JOIN rights_holder h ON h.holder = a.holder "
                           "WHERE a.record = :record AND h.freed = 0 ORDER BY a.holder"),
      account(connection, "SELECT granted, recalled, closed FROM right_account WHERE record = :record "
                          "AND holder = :holder"),
      save_account(
          connection,
          "INSERT INTO right_account (record, holder, granted, recalled, closed) "
          "VALUES (:record, :holder, :granted, :recalled, :closed) ON CONFLICT (record, holder) DO UPDATE "
          "SET granted = excluded.granted, recalled = excluded.recalled, closed = excluded.closed"),
      find_hold(connection, "SELECT record, points, state FROM points_hold WHERE hold = :hold"),
      save_hold(connection,
                "INSERT INTO points_hold (hold, record, till, points, made_ms, state) "
                "VALUES (:hold, :record, :till, :points, :now, :state) ON CONFLICT (hold) DO UPDATE "
                "SET record = excluded.record, till = excluded.till, points = excluded.points, "
                "made_ms = excluded.made_ms, state = excluded.state"),
      close_row(connection, "UPDATE points_hold SET state = 1 WHERE hold = :hold"),
      note_lent(connection, "INSERT INTO lent_hold (hold, lender) VALUES (:hold, :lender) "
                            "ON CONFLICT (hold, lender) DO NOTHING"),
      note_event(connection,
                 "INSERT INTO right_event (event) VALUES (:event) ON CONFLICT (event) DO NOTHING"),
      mark_dirty(connection, "INSERT INTO dirty_record (record, since_ms) VALUES (:record, 0) "
                             "ON CONFLICT (record) DO UPDATE SET since_ms = 0"),
      find_holder(connection, "SELECT till, dead_ms, freed FROM rights_holder WHERE holder = :holder"),
      make_holder(connection, "INSERT INTO rights_holder (holder, till, machine, born_ms, dead_ms, freed) "
                              "VALUES (:holder, :till, :machine, :now, 0, 0)"),
      revive(connection, "UPDATE rights_holder SET dead_ms = 0 WHERE holder = :holder"),
      bury(connection, "UPDATE rights_holder SET dead_ms = :now WHERE till = :till AND holder <> :holder "
                       "AND dead_ms = 0"),
      save_drained(connection, "UPDATE till SET drained_ms = :now WHERE till = :till"),
      save_holds(connection, "UPDATE till SET unborrowed_ms = :unborrowed, unheld_ms = :unheld "
                             "WHERE till = :till"),
      is_lead(connection, "SELECT lead FROM enrolled_till WHERE till = :till AND revoked_ms = 0"),
      wake_store(connection, "INSERT INTO dirty_record (record, since_ms) "
                             "SELECT CAST(key AS INTEGER), :now FROM feed "
                             "WHERE kind = 1 AND store = :store AND deleted = 0 "
                             "ON CONFLICT (record) DO NOTHING"),
      wake_all(connection, "INSERT INTO dirty_record (record, since_ms) SELECT DISTINCT profile, :now "
                           "FROM profile_member WHERE true ON CONFLICT (record) DO NOTHING"),
      holders_in(connection, "SELECT h.holder, e.lead FROM enrolled_till e JOIN rights_holder h "
                             "ON h.till = e.till AND h.dead_ms = 0 "
                             "WHERE e.store = :store AND e.revoked_ms = 0 ORDER BY e.lead DESC, h.holder"),
      newest_start(connection, "SELECT COALESCE(MAX(ordinal), 0) FROM generation"),
      find_start(connection, "SELECT ordinal FROM generation WHERE generation = :generation"),
      first_version(connection, "SELECT first_version FROM generation WHERE ordinal = :ordinal"),
      waiting_since(connection, "SELECT received_ms FROM inbox WHERE id > :cursor ORDER BY id LIMIT 1"),
      not_understood_since(connection, "SELECT i.received_ms FROM quarantine q JOIN inbox i ON i.id = q.id "
                                       "WHERE q.reason IN ('event.unknown_kind', 'event.newer_schema') "
                                       "ORDER BY q.id LIMIT 1"),
      dead(connection, "SELECT d.holder, d.till, d.dead_ms, d.machine, COALESCE(n.machine, '') "
                       "FROM rights_holder d LEFT JOIN rights_holder n ON n.till = d.till AND n.dead_ms = 0 "
                       "WHERE d.dead_ms <> 0 AND d.freed = 0 AND EXISTS (SELECT 1 FROM right_account a "
                       "WHERE a.holder = d.holder AND a.granted > a.closed) "
                       "ORDER BY d.dead_ms LIMIT 4096"),
      neighbours(connection,
                 "SELECT t.till, t.drained_ms, t.unborrowed_ms, COALESCE(e.revoked_ms, 0) FROM till t "
                 "LEFT JOIN enrolled_till e ON e.till = t.till "
                 "WHERE t.store = (SELECT store FROM till WHERE till = :till)"),
      elsewhere(connection, "SELECT h.holder FROM rights_holder h LEFT JOIN enrolled_till e "
                            "ON e.till = h.till WHERE h.till = :till AND h.machine <> :machine "
                            "AND h.born_ms >= COALESCE(e.enrolled_ms, 0) "
                            "AND (h.dead_ms = 0 OR h.dead_ms > :long_ago) LIMIT 1"),
      free_holder(connection, "UPDATE rights_holder SET freed = 1 WHERE holder = :holder"),
      wake_accounts(connection, "INSERT INTO dirty_record (record, since_ms) "
                                "SELECT record, :now FROM right_account WHERE holder = :holder "
                                "ON CONFLICT (record) DO NOTHING"),
      drop_accounts(connection, "DELETE FROM right_account WHERE holder = :holder"),
      forget_accounts(connection,
                      "DELETE FROM right_account WHERE holder IN (SELECT holder FROM rights_holder "
                      "WHERE freed = 0 AND dead_ms <> 0 AND dead_ms <= :long_ago) AND granted <= closed"),
      forget_holders(connection,
                     "DELETE FROM rights_holder WHERE freed = 0 AND dead_ms <> 0 AND dead_ms <= :long_ago "
                     "AND NOT EXISTS (SELECT 1 FROM right_account a WHERE a.holder = rights_holder.holder)"),
      any_to_bury(connection, "SELECT COUNT(*) FROM rights_holder h JOIN enrolled_till e ON e.till = h.till "
                              "WHERE h.freed = 0 AND h.dead_ms = 0 AND e.revoked_ms <> 0"),
      bury_revoked(connection, "UPDATE rights_holder SET dead_ms = :now WHERE dead_ms = 0 AND till IN "
                               "(SELECT till FROM enrolled_till WHERE revoked_ms <> 0)"),
      close_unused(connection,
                   "UPDATE points_hold SET state = 1 WHERE state <> 1 AND state = 0 AND EXISTS "
                   "(SELECT 1 FROM till t LEFT JOIN enrolled_till e ON e.till = t.till "
                   "WHERE t.till = points_hold.till AND ((((t.unheld_ms = -1 AND "
                   "t.drained_ms >= points_hold.made_ms + :lapsed) OR t.unheld_ms > points_hold.made_ms) "
                   "AND t.drained_ms < :applied) OR (COALESCE(e.revoked_ms, 0) <> 0 "
                   "AND points_hold.made_ms <= :long_ago)))"),
      wake_wished(connection, "INSERT INTO dirty_record (record, since_ms) SELECT DISTINCT record, :now "
                              "FROM points_hold WHERE state <> 1 AND state = 2 AND made_ms <= :before "
                              "ON CONFLICT (record) DO NOTHING"),
      forget_wishes(connection, "DELETE FROM points_hold WHERE state <> 1 AND state = 2 "
                                "AND made_ms <= :before"),
      waited_for(connection, "SELECT t.till FROM till t LEFT JOIN enrolled_till e ON e.till = t.till "
                             "WHERE t.last_contact_ms >= :recently AND COALESCE(e.revoked_ms, 0) = 0 "
                             "AND (t.unheld_ms <> -1 OR t.drained_ms < :lapsed OR t.drained_ms >= :applied) "
                             "AND (t.unheld_ms <= :since OR t.drained_ms >= :applied) ORDER BY t.till") {}

RightsBook::RightsBook(db::Connection& writer) : impl_(std::make_unique<Impl>(writer)) {}
RightsBook::~RightsBook() = default;

std::vector<crm::RightsAccount> RightsBook::Impl::Books::accounts() const {
    std::vector<crm::RightsAccount> all;
    all.reserve(booked.size());
    for (const Booked& one : booked) all.push_back(one.account);
    return all;
}

/// `asked` may have gone into another profile since.
Result<RightsBook::Impl::Books> RightsBook::Impl::open(ProfileId asked) {
    MUDI_TRY(const auto found, profile_of.first(SourceRecordId{asked.value}));
    if (!found) return Books{};
    const ProfileId profile = std::get<0>(*found);
    std::vector<SourceRecordId> records;
    MUDI_CHECK(records_of.each([&](SourceRecordId record) { records.push_back(record); }, profile));
    return open(profile, records);
}

Result<RightsBook::Impl::Books> RightsBook::Impl::open(ProfileId profile,
                                                       const std::vector<SourceRecordId>& records) {
    Books books;
    books.profile = profile;
    for (const SourceRecordId record : records) {
        MUDI_TRY(const auto points, balance.first(record));
        if (points) books.balance.value += std::get<0>(*points).value;
        MUDI_TRY(const auto on_hold, held.first(record));
        if (on_hold && !mutant::planted(mutant::Bug::hold_granted_twice))
            books.held.value += std::get<0>(*on_hold).value;
        MUDI_CHECK(accounts.each(
            [&](RightsHolder holder, Points granted, Points recalled, Points closed, Time died) {
                books.booked.push_back({record, {holder, granted, recalled, closed, died != Time{}}});
            },
            record));
    }
    return books;
}

Status RightsBook::Impl::save(const Booked& booked) {
    const crm::RightsAccount& now = booked.account;
    MUDI_CHECK(save_account(booked.record, now.holder, now.granted, now.recalled, now.closed));
    return {};
}

Status RightsBook::Impl::moved() {
    counters.add(counter::points_moves, 1);
    return counters.flush();
}

/// Not enough is free: who of the living has it?
Status RightsBook::Impl::call_back(Books& books, Points wanted, sync::ReserveAnswer& answer) {
    answer.available = books.free();
    std::vector<crm::RightsAccount> after = books.accounts();
    std::int64_t living = 0;
    for (const crm::RightsAccount& one : after) living += one.dead ? 0 : crm::outstanding(one).value;
    const Points missing{wanted.value - answer.available.value};
    if (living < missing.value) return {};
    if (crm::recall(after, missing).value > 0) {
        for (std::size_t i = 0; i < after.size(); ++i) {
            if (after[i] == books.booked[i].account) continue;
            books.booked[i].account = after[i];
            MUDI_CHECK(save(books.booked[i]));
        }
        MUDI_CHECK(mark_dirty(SourceRecordId{books.profile.value}));
    }
    answer.again_after = ask_again;
    return {};
}

Result<sync::ReserveAnswer> RightsBook::Impl::reserve(const sync::Reserve& asked, Time now) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    const SourceRecordId record{asked.profile.value};
    sync::ReserveAnswer answer;
    MUDI_TRY(const auto known, find_hold.first(asked.hold));
    if (known && std::get<2>(*known) != HoldState::wished) {
        const auto& [held_record, points, state] = *known;
        answer.granted = state == HoldState::open && points == asked.points && held_record == record;
        return answer;
    }
    MUDI_TRY(const bool wait, settling(now));
    if (wait) {
        return fail(Code::unavailable, "points.settling",
                    "points cannot be spent until every till has told what it did before the restore");
    }
    MUDI_TRY(auto books, open(asked.profile));
    if (books.profile.value == 0) return fail(Code::not_found, "customer.unknown", "no such customer");
    answer.granted = books.free() >= asked.points;
    if (!answer.granted) MUDI_CHECK(call_back(books, asked.points, answer));
    const bool wishes = answer.again_after > Duration{0};
    if (answer.granted || wishes) {
        MUDI_CHECK(save_hold(asked.hold, record, asked.till, asked.points, now,
                             wishes ? HoldState::wished : HoldState::open));
        MUDI_CHECK(moved());
    }
    MUDI_CHECK(transaction.commit());
    return answer;
}

Result<sync::ReserveAnswer> RightsBook::reserve(const sync::Reserve& asked, Time now) {
    if (asked.points.value <= 0 || asked.points.value > points_max)
        return fail(Code::invalid, "points.amount", "so many points cannot be spent");
    auto answer = impl_->reserve(asked, now);
    if (!answer) forget();
    return answer;
}

Status RightsBook::adopt(const PointsPolicy& policy, Time now) {
    const std::pair<std::string_view, std::int64_t> wanted[] = {
        {counter::points_offline, static_cast<std::int64_t>(policy.offline)},
        {counter::points_store_max, policy.rights.store_max.value},
        {counter::points_till_max, policy.rights.till_max.value}};
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(impl_->writer));
    bool changed = false;
    for (const auto& [name, value] : wanted) {
        MUDI_TRY(const std::int64_t before, impl_->counters.get(name));
        if (before == value) continue;
        MUDI_CHECK(impl_->counters.set(name, value));
        changed = true;
    }
    if (!changed) return {};
    MUDI_CHECK(impl_->wake_all(now));
    return transaction.commit();
}

/// `promised` goes to nobody; empty: nothing is given out.
Result<crm::Right> RightsBook::Impl::allot_one(Books& books, RightsHolder holder, Points max,
                                               Points useful_min, std::optional<Points> promised) {
    const SourceRecordId record{books.profile.value};
    Points room = max;
    std::size_t at = books.booked.size();
    for (std::size_t i = 0; i < books.booked.size(); ++i) {
        const Booked& one = books.booked[i];
        if (one.account.holder != holder) continue;
        if (one.record == record)
            at = i;
        else // of a profile that went into this one: the holder gives it back when that one's slice goes
            room.value = std::max<std::int64_t>(room.value - crm::outstanding(one.account).value, 0);
    }
    if (at == books.booked.size()) {
        if (room.value == 0) return crm::Right{holder, {}, {}};
        books.booked.push_back({record, {holder, {}, {}, {}, false}});
    }
    const crm::RightsAccount before = books.booked[at].account;
    crm::RightsAccount after = before;
    if (promised) {
        const Points free{std::max<std::int64_t>(books.free().value - promised->value, 0)};
        crm::top_up(after, room, useful_min, free);
    }
    if (const Points has = crm::outstanding(after); has > max) {
        std::vector<crm::RightsAccount> alone{after};
        crm::recall(alone, {has.value - max.value});
        after = alone.front();
    }
    books.booked[at].account = after;
    if (after != before) MUDI_CHECK(save(books.booked[at]));
    if (after != before) MUDI_CHECK(moved());
    return crm::Right{holder, after.granted, after.recalled};
}

Result<std::vector<crm::Right>> RightsBook::allot(ProfileId profile, std::span<const SourceRecordId> records,
                                                  std::span<const StoreId> stores, const PointsPolicy& policy,
                                                  Time now) {
    std::vector<crm::Right> rights;
    std::vector<std::pair<RightsHolder, bool>> holders;
    for (const StoreId& store : stores) {
        MUDI_CHECK(impl_->holders_in.each(
            [&](RightsHolder holder, bool lead) { holders.emplace_back(holder, lead); }, store));
    }
    if (holders.empty()) return rights;
    MUDI_TRY(const bool wait, impl_->settling(now));
    MUDI_TRY(auto books, impl_->open(profile, {records.begin(), records.end()}));
    std::optional<Points> promised;
    if (!wait) {
        promised.emplace();
        for (const SourceRecordId record : records) {
            MUDI_TRY(const auto wishes, impl_->wished.first(record, now - wish_lasts));
            if (wishes) promised->value += std::get<0>(*wishes).value;
        }
    }
    const bool escrow = policy.offline == crm::OfflinePoints::escrow;
    for (const auto& [holder, lead] : holders) {
        const Points max = !escrow ? Points{} : lead ? policy.rights.store_max : policy.rights.till_max;
        MUDI_TRY(const crm::Right right,
                 impl_->allot_one(books, holder, max, policy.rights.useful_min, promised));
        if (right.granted.value > 0) rights.push_back(right);
    }
    return rights;
}

void RightsBook::forget() {
    impl_->counters.forget();
    impl_->breached = {};
}

} // namespace mudi::server
