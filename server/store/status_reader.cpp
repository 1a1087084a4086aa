#include <mudi/server/status.hpp>

#include <algorithm>
#include <map>
#include <string>

#include <mudi/base/db/statement.hpp>
#include <mudi/server/counters.hpp>

namespace mudi::server {

namespace {
using db::Columns;
using db::Params;
} // namespace

struct StatusReader::Impl {
    explicit Impl(db::Connection& opened)
        : connection(opened), counters(opened, "SELECT name, value FROM counter"),
          generation(opened, "SELECT generation FROM generation ORDER BY ordinal DESC LIMIT 1"),
          starts(opened, "SELECT COUNT(*) FROM generation"),
          unsafe(opened, "SELECT CAST(COALESCE(SUM(seq - safe_seq), 0) AS INTEGER) FROM life"),
          backups(opened, "SELECT COUNT(*), COALESCE(MAX(verified_ms), 0) FROM backup"),
          enrolled(opened, "SELECT COUNT(*) FROM enrolled_till WHERE enrolled_ms > 0 AND revoked_ms = 0"),
          revoked(opened, "SELECT COUNT(*) FROM enrolled_till WHERE revoked_ms > 0"),
          quarantined(opened, "SELECT COUNT(*) FROM quarantine"),
          dirty(opened, "SELECT COUNT(*) FROM dirty_record"), till_count(opened, "SELECT COUNT(*) FROM till"),
          oldest(opened, "SELECT received_ms FROM inbox WHERE id > :cursor ORDER BY id LIMIT 1"),
          tills(opened, "SELECT t.till, t.store, t.workstation, l.incarnation, l.seq, t.captured, "
                        "t.last_contact_ms, t.ahead_ms, t.forked_ms, t.clone_ms, t.program, t.lead_url, "
                        "COALESCE(e.enrolled_ms, 0), COALESCE(e.revoked_ms, 0), "
                        "COALESCE(e.certificate_until_ms, 0) FROM till t JOIN life l ON l.life = t.life "
                        "LEFT JOIN enrolled_till e ON e.till = t.till WHERE t.till > 0 ORDER BY t.till"),
          lives(opened, "SELECT l.till, l.seq, l.safe_seq, i.received_ms FROM life l "
                        "LEFT JOIN inbox i ON i.life = l.life AND i.seq = l.taken_seq + 1 WHERE l.till > 0"),
          set_aside(opened, "SELECT l.till, COUNT(*) FROM quarantine q JOIN inbox i ON i.id = q.id "
                            "JOIN life l ON l.life = i.life WHERE l.till > 0 GROUP BY l.till") {}

    /// By till number; what only other tables know is not in them yet.
    Result<std::vector<TillRow>> rows(Time now);

    db::Connection& connection;
    db::Query<Columns<std::string, std::int64_t>, Params<>> counters;
    db::Query<Columns<std::uint64_t>, Params<>> generation;
    db::Query<Columns<std::int64_t>, Params<>> starts;
    db::Query<Columns<std::int64_t>, Params<>> unsafe;
    db::Query<Columns<std::int64_t, Time>, Params<>> backups;
    db::Query<Columns<std::int64_t>, Params<>> enrolled;
    db::Query<Columns<std::int64_t>, Params<>> revoked;
    db::Query<Columns<std::int64_t>, Params<>> quarantined;
    db::Query<Columns<std::int64_t>, Params<>> dirty;
    db::Query<Columns<std::int64_t>, Params<>> till_count;
    db::Query<Columns<Time>, Params<std::int64_t>> oldest;
    db::Query<Columns<TillId, StoreId, WorkstationId, Incarnation, EventSeq, EventSeq, Time, std::int64_t,
                      Time, Time, std::string, std::string, Time, Time, Time>,
              Params<>>
        tills;
    db::Query<Columns<TillId, std::int64_t, std::int64_t, std::optional<Time>>, Params<>> lives;
    db::Query<Columns<TillId, std::int64_t>, Params<>> set_aside;
};

namespace {

std::optional<Time> if_set(Time time) { return time == Time{} ? std::nullopt : std::optional{time}; }

/// For queries of one number.
template <class Query>
Result<std::int64_t> number(Query& query) {
    MUDI_TRY(const auto row, query.first());
    return row ? std::get<0>(*row) : std::int64_t{0};
}

TillRow* find(std::vector<TillRow>& rows, TillId till) {
    const auto row = std::ranges::lower_bound(rows, till, {}, &TillRow::till);
    return row == rows.end() || row->till != till ? nullptr : &*row;
}

} // namespace

StatusReader::StatusReader(db::Connection& connection) : impl_(std::make_unique<Impl>(connection)) {}
StatusReader::~StatusReader() = default;

Result<StatusCounts> StatusReader::counts(Time now) {
    std::map<std::string, std::int64_t, std::less<>> values;
    MUDI_CHECK(
        impl_->counters.each([&](std::string name, std::int64_t value) { values[std::move(name)] = value; }));
    const auto value = [&](std::string_view name) {
        const auto found = values.find(name);
        return found == values.end() ? std::int64_t{0} : found->second;
    };
    StatusCounts counts;
    counts.purchases = value(counter::purchases);
    counts.lines = value(counter::lines);
    counts.profiles = value(counter::profiles);
    counts.source_records = value(counter::records);
    counts.merges = value(counter::merges);
    counts.offers_out = value(counter::offers_out);
    counts.offers_pushed = value(counter::offers_pushed);
    counts.feed_rows = value(counter::feed_rows);
    counts.points_breached = Points{value(counter::points_breached)};
    counts.points_confirmed = Points{value(counter::points_confirmed)};
    counts.points_settling = value(counter::points_settling) != 0;
    counts.received = value(counter::received);
    counts.waiting = counts.received - value(counter::taken);
    MUDI_TRY(counts.quarantined, number(impl_->quarantined));
    counts.applied = counts.received - counts.waiting - counts.quarantined;
    MUDI_TRY(counts.dirty_profiles, number(impl_->dirty));
    MUDI_TRY(const auto oldest, impl_->oldest.first(value(counter::apply_cursor)));
    if (oldest) counts.lag = std::max(Duration{0}, now - std::get<0>(*oldest));
    MUDI_TRY(counts.tills, number(impl_->till_count));
    MUDI_TRY(const auto generation, impl_->generation.first());
    if (generation) counts.generation = std::get<0>(*generation);
    MUDI_TRY(counts.starts, number(impl_->starts));
    MUDI_TRY(counts.unsafe, number(impl_->unsafe));
    MUDI_TRY(const auto backups, impl_->backups.first());
    if (backups) {
        counts.backups = std::get<0>(*backups);
        counts.backup_verified = if_set(std::get<1>(*backups));
    }
    MUDI_TRY(counts.tills_enrolled, number(impl_->enrolled));
    MUDI_TRY(counts.tills_revoked, number(impl_->revoked));
    counts.database_bytes = impl_->connection.size_bytes();
    return counts;
}

Result<std::vector<TillRow>> StatusReader::Impl::rows(Time now) {
    std::vector<TillRow> out;
    MUDI_CHECK(tills.each([&](TillId till, StoreId store, WorkstationId workstation, Incarnation incarnation,
                              EventSeq seq, EventSeq captured, Time contact, std::int64_t ahead, Time forked,
                              Time clone, std::string program, std::string lead_url, Time enrolled_at,
                              Time revoked_at, Time until) {
        TillRow row;
        row.till = till;
        row.store = std::move(store);
        row.workstation = std::move(workstation);
        row.incarnation = incarnation;
        row.acked = seq;
        row.captured = std::max(captured, seq);
        row.unsent = row.captured.value - seq.value;
        row.last_contact = contact;
        row.clock_ahead = Duration{ahead};
        row.forked = if_set(forked);
        row.clone = clone != Time{} && now - clone < clone_shown;
        row.enrolled = enrolled_at != Time{};
        row.revoked = revoked_at != Time{};
        row.certificate_until = if_set(until);
        row.program = std::move(program);
        row.lead_url = std::move(lead_url);
        out.push_back(std::move(row));
    }));
    return out;
}

Result<std::vector<TillRow>> StatusReader::tills(Time now) {
    MUDI_TRY(auto rows, impl_->rows(now));
    MUDI_CHECK(
        impl_->lives.each([&](TillId till, std::int64_t seq, std::int64_t safe, std::optional<Time> oldest) {
            TillRow* const row = find(rows, till);
            if (row == nullptr) return;
            ++row->lives;
            row->received += seq;
            row->unsafe += seq - safe;
            if (oldest) row->lag = std::max(row->lag, now - *oldest);
        }));
    MUDI_CHECK(impl_->set_aside.each([&](TillId till, std::int64_t events) {
        if (TillRow* const row = find(rows, till)) row->quarantined = events;
    }));
    return rows;
}

} // namespace mudi::server
