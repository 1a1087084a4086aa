#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <sqlite3.h>

#include <mudi/base/result.hpp>

/// SQLite itself, for anchors: no layer of ours between them and it.
namespace mudi::bench {

struct CloseDatabase {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct EndStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using BareDatabase = std::unique_ptr<sqlite3, CloseDatabase>;
using BareStatement = std::unique_ptr<sqlite3_stmt, EndStatement>;

/// WAL, synchronous=FULL, cache and checkpoints as the server's writer has them; `words` come after that.
/// anchor.sql (io).
Result<BareDatabase> open_bare_database(const std::filesystem::path& file, const std::string& words);
Result<BareStatement> prepare(const BareDatabase& database, const std::string& sql);
Status run(const BareDatabase& database, const char* sql);
/// Steps a statement without rows and resets it.
Status done(const BareDatabase& database, const BareStatement& statement);
Status sql_error(sqlite3* database);

} // namespace mudi::bench
