#include <mudi/server/backup.hpp>

#include <algorithm>
#include <map>
#include <tuple>

#include <mudi/base/db/halt.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/base/hash.hpp>

#include "schema_number.hpp"

namespace mudi::server {

namespace {

using db::Columns;
using db::Params;

tl::unexpected<Error> broken(std::string_view what) {
    return fail(Code::corrupt, "backup.chain", std::string(what));
}

bool is_called(const db::Halt* halt) { return halt != nullptr && halt->called(); }

tl::unexpected<Error> stopped() {
    return fail(Code::unavailable, "db.stopped", "the check was ended before it was done");
}

Status check_pages(db::Connection& file) {
    db::Query<Columns<std::string>, Params<>> check{file, "PRAGMA integrity_check(1)"};
    MUDI_TRY(const auto answer, check.first());
    if (answer && std::get<0>(*answer) == "ok") return {};
    return fail(Code::corrupt, "backup.damaged", "the engine's own check finds the file damaged");
}

Result<std::int64_t> schema_of(db::Connection& file) {
    db::Query<Columns<std::int64_t>, Params<>> newest{
        file, "SELECT COALESCE(MAX(number), 0) FROM schema_migration"};
    const auto row = newest.first();
    if (!row && row.error().name != "db.sql") return tl::make_unexpected(row.error());
    const std::int64_t number = row && *row ? std::get<0>(**row) : 0;
    if (number < 1 || number > schema_number())
        return fail(Code::invalid, "backup.schema", "no database of a server this program knows");
    return number;
}

/// In the order of arrival, which is the order of numbers within each life.
Status replay(db::Connection& file, const db::Halt* halt, std::map<std::int64_t, sync::HighWater>& marks,
              BackupFacts& facts) {
    db::Query<Columns<std::int64_t, EventSeq, Bits128, Bytes>, Params<>> events{
        file, "SELECT life, seq, chain, body FROM inbox ORDER BY id"};
    bool dense = true;
    bool chained = true;
    MUDI_CHECK(events.each([&](std::int64_t life, EventSeq seq, Bits128 chain, const Bytes& body) {
        sync::HighWater& mark = marks[life];
        dense = seq.value == mark.seq.value + 1;
        mark = {seq, chain_next(mark.chain, body.data)};
        chained = mark.chain == chain;
        ++facts.events;
        return dense && chained && !is_called(halt);
    }));
    if (is_called(halt)) return stopped();
    if (!dense) return broken("an event of a till's history is missing");
    if (!chained) return broken("an event is not what it was when it came");
    return {};
}

} // namespace

Result<BackupFacts> verify_backup(const std::string& path, const std::string& vfs, db::Halt* halt) {
    if (is_called(halt)) return stopped();
    db::Options options;
    options.target = path;
    options.read_only = true;
    options.vfs = vfs;
    options.halt = halt;
    MUDI_TRY(const auto file, db::Connection::open(options));
    MUDI_CHECK(check_pages(*file));
    BackupFacts facts;
    MUDI_TRY(facts.schema, schema_of(*file));
    facts.bytes = file->size_bytes();
    std::map<std::int64_t, sync::HighWater> marks;
    MUDI_CHECK(replay(*file, halt, marks, facts));
    db::Query<Columns<std::int64_t, TillId, Incarnation, EventSeq, Bits128>, Params<>> lives{
        *file, "SELECT life, till, incarnation, seq, chain FROM life"};
    MUDI_TRY(const auto rows, lives.all());
    for (const auto& [life, till, incarnation, seq, chain] : rows) {
        const sync::HighWater mark{seq, chain};
        if (marks[life] != mark) return broken("a till's mark is not where its events end");
        facts.lives.push_back({till, incarnation, mark});
    }
    if (marks.size() != rows.size()) return broken("there are events of no till");
    std::sort(facts.lives.begin(), facts.lives.end(), [](const auto& a, const auto& b) {
        return std::tie(a.till, a.incarnation) < std::tie(b.till, b.incarnation);
    });
    return facts;
}

} // namespace mudi::server
