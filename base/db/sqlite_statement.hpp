#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <soci/sqlite3/soci-sqlite3.h>

#include "backend.hpp"
#include "errors.hpp"

namespace mudi::db {

/// The message of the last failure on `handle`, as our Error.
Error sqlite_failure(sqlite_api::sqlite3* handle, SqliteStage stage);

/// On the native handle: through SOCI the same insert runs at four fifths of this rate, a value of the wrong
/// kind is converted in silence, and an error loses its extended code.
class SqliteStatement final : public StatementBackend {
public:
    SqliteStatement(ConnectionBase& connection, sqlite_api::sqlite3* handle, std::string_view sql,
                    std::vector<Slot> parameter_slots, std::vector<Slot> column_slots);

    Result<bool> start() override;
    Result<bool> next() override;
    void reset() noexcept override;

private:
    struct Finalize {
        void operator()(sqlite_api::sqlite3_stmt* statement) const {
            sqlite_api::sqlite3_finalize(statement);
        }
    };

    Status prepare();
    Status check_shape();
    Status bind_all();
    int bind(int position, const Slot& slot);
    /// One step of the engine: true with a row at hand.
    Result<bool> step();
    Status load_row();
    bool load(int position, Slot& slot);
    Result<bool> run_changing();
    Result<bool> take_kept();
    tl::unexpected<Error> give_up(Error error);

    ConnectionBase& connection_;
    sqlite_api::sqlite3* handle_;
    std::string sql_;
    std::unique_ptr<sqlite_api::sqlite3_stmt, Finalize> statement_;
    bool open_{};
    bool read_only_{};
    /// Rows of a statement that changes and returns (RETURNING), last one first.
    std::vector<std::vector<Slot>> kept_;
};

} // namespace mudi::db
