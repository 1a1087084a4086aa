#include "errors.hpp"

#include <array>
#include <string>

#include <sqlite3.h>

namespace mudi::db {

namespace {

Error make(Code code, std::string_view name, std::string_view what) {
    return Error{code, std::string(name), std::string(what)};
}

/// "Cannot execute query. ERROR:  duplicate key value …\n" -> "duplicate key value …".
std::string first_line(std::string_view message) {
    for (const std::string_view severity : {"ERROR:", "FATAL:", "PANIC:"}) {
        const auto at = message.find(severity);
        if (at != std::string_view::npos) message.remove_prefix(at + severity.size());
    }
    message = message.substr(0, message.find('\n'));
    const auto begin = message.find_first_not_of(' ');
    return std::string(begin == std::string_view::npos ? std::string_view{} : message.substr(begin));
}

struct StateRow {
    std::string_view prefix;
    Code code;
    std::string_view name;
    std::string_view what;
};

/// By SQLSTATE; the first that fits counts.
constexpr std::array states{
    StateRow{"08", Code::unavailable, "db.connection", "the connection to PostgreSQL is lost"},
    StateRow{"57P", Code::unavailable, "db.connection", "PostgreSQL ended the connection"},
    StateRow{"533", Code::unavailable, "db.connection", "PostgreSQL has no connection left"},
    StateRow{"55P03", Code::busy, "db.busy", "another connection holds the lock"},
    StateRow{"40", Code::busy, "db.busy", "the transaction lost against another one"},
    StateRow{"57014", Code::busy, "db.busy", "the statement was cancelled"},
    StateRow{"53100", Code::io, "db.full", "the disk of PostgreSQL is full"},
    StateRow{"53", Code::io, "db.io", "PostgreSQL is out of a resource"},
    StateRow{"58", Code::io, "db.io", "PostgreSQL met an error of its system"},
    StateRow{"XX", Code::corrupt, "db.corrupt", "PostgreSQL reports damaged data"},
    StateRow{"25006", Code::denied, "db.read_only", "this connection only reads"},
    StateRow{"42501", Code::denied, "db.denied", "PostgreSQL refuses this to our user"},
    StateRow{"22", Code::invalid, "db.value", "PostgreSQL cannot take a value"},
};

} // namespace

Error sql_error(std::string_view what) { return make(Code::invalid, "db.sql", what); }

Error sqlite_error(int code, std::string_view message, SqliteStage stage) {
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_SCHEMA:
    case SQLITE_PROTOCOL: return make(Code::busy, "db.busy", "another connection holds the database");
    case SQLITE_CONSTRAINT: return make(Code::conflict, "db.constraint", message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return make(Code::corrupt, "db.corrupt", "the database file is damaged or is no database");
    case SQLITE_INTERRUPT:
        return make(Code::unavailable, "db.stopped", "the work was ended before it was done");
    case SQLITE_FULL: return make(Code::io, "db.full", "the disk is full");
    case SQLITE_READONLY: return make(Code::denied, "db.read_only", "the database can only be read");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH: return make(Code::io, "db.open", "the database file cannot be opened");
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH: return make(Code::invalid, "db.value", "the database cannot take a value");
    case SQLITE_ERROR:
    case SQLITE_RANGE:
    case SQLITE_MISUSE:
        return stage == SqliteStage::preparing ? sql_error(message) : sql_error("the statement failed");
    default: return make(Code::io, "db.io", std::string("the database file failed: ") + sqlite3_errstr(code));
    }
}

Error postgresql_error(std::string_view sqlstate, std::string_view message, bool connected) {
    if (!connected) return make(Code::unavailable, "db.connection", "the connection to PostgreSQL is lost");
    if (sqlstate.starts_with("23")) return make(Code::conflict, "db.constraint", first_line(message));
    for (const auto& row : states) {
        if (sqlstate.starts_with(row.prefix)) return make(row.code, row.name, row.what);
    }
    // Class 42 quotes the statement's own words, never its values.
    if (sqlstate.starts_with("42")) return sql_error(first_line(message));
    return sql_error("the statement failed, SQLSTATE " + std::string(sqlstate));
}

} // namespace mudi::db
