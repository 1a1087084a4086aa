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
          generation(opened, "SELECT value FROM meta WHERE name = 'keys'"),
          quarantined(opened, "SELECT COUNT(*) FROM quarantine"),
          dirty(opened, "SELECT COUNT(*) FROM dirty_record"), till_count(opened, "SELECT COUNT(*) FROM till"),
          oldest(opened, "SELECT received_ms FROM inbox WHERE id > :cursor ORDER BY id LIMIT 1"),
          tills(opened,
                "SELECT t.till, t.store, t.workstation, l.incarnation, l.seq, t.last_contact_ms, t.ahead_ms "
                "FROM till t JOIN life l ON l.life = t.life WHERE t.till > 0 ORDER BY t.till"),
          lives(opened, "SELECT l.till, l.seq, i.received_ms FROM life l "
                        "LEFT JOIN inbox i ON i.life = l.life AND i.seq = l.taken_seq + 1 WHERE l.till > 0") {
    }

    db::Connection& connection;
    db::Query<Columns<std::string, std::int64_t>, Params<>> counters;
    db::Query<Columns<Bytes>, Params<>> generation;
    db::Query<Columns<std::int64_t>, Params<>> quarantined;
    db::Query<Columns<std::int64_t>, Params<>> dirty;
    db::Query<Columns<std::int64_t>, Params<>> till_count;
    db::Query<Columns<Time>, Params<std::int64_t>> oldest;
    db::Query<Columns<TillId, StoreId, WorkstationId, Incarnation, EventSeq, Time, std::int64_t>, Params<>>
        tills;
    db::Query<Columns<TillId, std::int64_t, std::optional<Time>>, Params<>> lives;
};

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
    counts.received = value(counter::received);
    counts.waiting = counts.received - value(counter::taken);
    MUDI_TRY(const auto quarantined, impl_->quarantined.first());
    counts.quarantined = quarantined ? std::get<0>(*quarantined) : 0;
    counts.applied = counts.received - counts.waiting - counts.quarantined;
    MUDI_TRY(const auto dirty, impl_->dirty.first());
    counts.dirty_profiles = dirty ? std::get<0>(*dirty) : 0;
    MUDI_TRY(const auto oldest, impl_->oldest.first(value(counter::apply_cursor)));
    if (oldest) counts.lag = std::max(Duration{0}, now - std::get<0>(*oldest));
    MUDI_TRY(const auto tills, impl_->till_count.first());
    counts.tills = tills ? std::get<0>(*tills) : 0;
    MUDI_TRY(const auto keys, impl_->generation.first());
    if (keys) {
        for (const char byte : std::get<0>(*keys).data.substr(0, 8)) {
            counts.generation = counts.generation << 8 | static_cast<unsigned char>(byte);
        }
    }
    counts.database_bytes = impl_->connection.size_bytes();
    return counts;
}

Result<std::vector<TillRow>> StatusReader::tills(Time now) {
    std::vector<TillRow> rows;
    MUDI_CHECK(
        impl_->tills.each([&](TillId till, StoreId store, WorkstationId workstation, Incarnation incarnation,
                              EventSeq seq, Time contact, std::int64_t ahead) {
            rows.push_back({till, std::move(store), std::move(workstation), incarnation, seq, 0, Duration{0},
                            contact, Duration{ahead}});
        }));
    MUDI_CHECK(impl_->lives.each([&](TillId till, std::int64_t seq, std::optional<Time> oldest) {
        const auto row = std::lower_bound(rows.begin(), rows.end(), till,
                                          [](const TillRow& a, TillId b) { return a.till < b; });
        if (row == rows.end() || row->till != till) return;
        row->received += seq;
        if (oldest) row->lag = std::max(row->lag, now - *oldest);
    }));
    return rows;
}

} // namespace mudi::server
