#include <mudi/server/schema.hpp>

#include <span>
#include <string>
#include <vector>

#include <mudi/base/db/migrate.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/sync/event.hpp>

#include "schema_number.hpp"

namespace mudi::server {

namespace sql {
std::span<const db::Migration> migrations();
} // namespace sql

namespace {

constexpr std::size_t rows_per_transaction = 500;

/// Rows of a time when the feed had no parts.
class Digests {
public:
    explicit Digests(db::Connection& writer)
        : writer_(writer), stores_(writer, "SELECT store FROM bucket ORDER BY store"),
          missing_(writer, "SELECT kind, key, body FROM feed WHERE store = :store AND part < 0 "
                           "AND deleted = 0 LIMIT " +
                               std::to_string(rows_per_transaction)),
          save_(writer, "UPDATE feed SET part = :part, digest = :digest WHERE kind = :kind AND key = :key "
                        "AND store = :store") {}

    Status fill() {
        MUDI_TRY(const auto stores, stores_.all());
        for (const auto& [store] : stores) {
            for (bool more = true; more;) {
                MUDI_TRY(more, fill_some(store));
            }
        }
        return {};
    }

private:
    Result<bool> fill_some(const StoreId& store) {
        MUDI_TRY(const auto rows, missing_.all(store));
        if (rows.empty()) return false;
        // What a power cut takes is computed again at the next start.
        MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer_, db::Commit::relaxed));
        for (const auto& [kind, key, body] : rows) {
            const auto digest = static_cast<std::int64_t>(sync::row_digest(kind, key, body.data));
            MUDI_CHECK(save_(sync::part_of(kind, key), digest, kind, key, store));
        }
        MUDI_CHECK(transaction.commit());
        return rows.size() == rows_per_transaction;
    }

    db::Connection& writer_;
    db::Query<db::Columns<StoreId>, db::Params<>> stores_;
    db::Query<db::Columns<std::uint32_t, std::string, Bytes>, db::Params<StoreId>> missing_;
    db::Command<std::uint32_t, std::int64_t, std::uint32_t, std::string, StoreId> save_;
};

} // namespace

int schema_number() { return sql::migrations().back().number; }

Status migrate(db::Connection& writer) {
    MUDI_CHECK(db::migrate(writer, sql::migrations()));
    if (writer.engine() == db::Engine::sqlite)
        MUDI_CHECK(writer.execute("PRAGMA wal_autocheckpoint = " + std::to_string(log_pages_max)));
    return Digests{writer}.fill();
}

} // namespace mudi::server
