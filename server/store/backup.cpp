#include <mudi/server/backup.hpp>

#include <mudi/base/db/statement.hpp>
#include <mudi/server/inbox.hpp>

namespace mudi::server {

using db::Columns;
using db::Params;

struct Backups::Impl {
    Impl(db::Connection& connection, Inbox& told)
        : writer(connection), inbox(told), last_id(connection, "SELECT COALESCE(MAX(id), 0) FROM backup"),
          insert(connection, "INSERT INTO backup (id, made_ms, path, bytes, events, verified_ms, kept) "
                             "VALUES (:id, :made, :path, :bytes, :events, :verified, 1)"),
          // Only of the same history: under this number stands here what stands in the backup.
          save_safe(connection,
                    "UPDATE life SET safe_seq = :seq WHERE till = :till "
                    "AND incarnation = :incarnation AND safe_seq < :seq AND EXISTS (SELECT 1 "
                    "FROM inbox i WHERE i.life = life.life AND i.seq = :seq AND i.chain = :chain)"),
          lives(connection, "SELECT life FROM life ORDER BY life"),
          newest_before(connection, "SELECT seq FROM inbox WHERE life = :life AND received_ms <= :made "
                                    "ORDER BY seq DESC LIMIT 1"),
          raise_safe(connection, "UPDATE life SET safe_seq = :seq WHERE life = :life AND safe_seq < :seq"),
          list(connection, "SELECT id, made_ms, path, bytes, events, verified_ms FROM backup WHERE kept = 1 "
                           "ORDER BY id DESC LIMIT :limit"),
          drop(connection, "UPDATE backup SET kept = 0 WHERE id = :id AND kept = 1") {}

    Result<std::int64_t> note(const BackupRow& row);
    Result<std::int64_t> record(const BackupFacts& facts, const std::string& path, Time made, Time now);
    Result<std::int64_t> confirm(Time made, Time now);

    db::Connection& writer;
    Inbox& inbox;
    db::Query<Columns<std::int64_t>, Params<>> last_id;
    db::Command<std::int64_t, Time, std::string, std::int64_t, std::int64_t, Time> insert;
    db::Command<EventSeq, TillId, Incarnation, Bits128> save_safe;
    db::Query<Columns<std::int64_t>, Params<>> lives;
    db::Query<Columns<EventSeq>, Params<std::int64_t, Time>> newest_before;
    db::Command<EventSeq, std::int64_t> raise_safe;
    db::Query<Columns<std::int64_t, Time, std::string, std::int64_t, std::int64_t, Time>, Params<std::size_t>>
        list;
    db::Command<std::int64_t> drop;
};

Backups::Backups(db::Connection& writer, Inbox& inbox) : impl_(std::make_unique<Impl>(writer, inbox)) {}
Backups::~Backups() = default;

/// Numbered here.
Result<std::int64_t> Backups::Impl::note(const BackupRow& row) {
    MUDI_TRY(const auto last, last_id.first());
    const std::int64_t id = (last ? std::get<0>(*last) : 0) + 1;
    MUDI_CHECK(insert(id, row.made, row.path, row.bytes, row.events, row.verified));
    return id;
}

Result<std::int64_t> Backups::Impl::record(const BackupFacts& facts, const std::string& path, Time made,
                                           Time now) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    MUDI_TRY(const std::int64_t id, note({0, made, path, facts.bytes, facts.events, now}));
    for (const BackupFacts::Life& life : facts.lives)
        MUDI_CHECK(save_safe(life.mark.seq, life.till, life.incarnation, life.mark.chain));
    MUDI_CHECK(transaction.commit());
    return id;
}

Result<std::int64_t> Backups::Impl::confirm(Time made, Time now) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    std::int64_t events = 0;
    MUDI_TRY(const auto all, lives.all());
    for (const auto& [life] : all) {
        MUDI_TRY(const auto newest, newest_before.first(life, made));
        if (!newest) continue;
        events += std::get<0>(*newest).value;
        MUDI_CHECK(raise_safe(std::get<0>(*newest), life));
    }
    MUDI_TRY(const std::int64_t id, note({0, made, {}, 0, events, now}));
    MUDI_CHECK(transaction.commit());
    return id;
}

Result<std::int64_t> Backups::record(const BackupFacts& facts, const std::string& path, Time made, Time now) {
    auto id = impl_->record(facts, path, made, now);
    if (id) impl_->inbox.forget();
    return id;
}

Result<std::int64_t> Backups::confirm_external(Time made, Time now) {
    auto id = impl_->confirm(made, now);
    if (id) impl_->inbox.forget();
    return id;
}

Result<std::vector<BackupRow>> Backups::list(std::size_t limit) {
    std::vector<BackupRow> rows;
    MUDI_CHECK(impl_->list.each(
        [&](std::int64_t id, Time made, std::string path, std::int64_t bytes, std::int64_t events,
            Time verified) {
            rows.push_back({id, made, std::move(path), bytes, events, verified});
        },
        limit));
    return rows;
}

Result<bool> Backups::forget(std::int64_t id) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(impl_->writer));
    MUDI_TRY(const std::int64_t dropped, impl_->drop(id));
    MUDI_CHECK(transaction.commit());
    return dropped > 0;
}

} // namespace mudi::server
