#include "sqlite_statement.hpp"

#include <algorithm>
#include <cstring>

#include <mudi/base/assert.hpp>

namespace mudi::db {

using namespace sqlite_api;

Error sqlite_failure(sqlite3* handle, SqliteStage stage) {
    return sqlite_error(sqlite3_extended_errcode(handle), sqlite3_errmsg(handle), stage);
}

SqliteStatement::SqliteStatement(ConnectionBase& connection, sqlite3* handle, std::string_view sql,
                                 std::vector<Slot> parameter_slots, std::vector<Slot> column_slots)
    : StatementBackend(std::move(parameter_slots), std::move(column_slots)), connection_(connection),
      handle_(handle), sql_(sql) {}

Status SqliteStatement::prepare() {
    sqlite3_stmt* statement = nullptr;
    const char* tail = nullptr;
    const int code = sqlite3_prepare_v3(handle_, sql_.c_str(), static_cast<int>(sql_.size()) + 1,
                                        SQLITE_PREPARE_PERSISTENT, &statement, &tail);
    if (code != SQLITE_OK) return tl::make_unexpected(sqlite_failure(handle_, SqliteStage::preparing));
    statement_.reset(statement);
    if (statement == nullptr || std::strspn(tail, " \t\r\n;") != std::strlen(tail)) {
        statement_.reset();
        return tl::make_unexpected(sql_error("exactly one statement can be prepared"));
    }
    auto shape = check_shape();
    if (!shape) statement_.reset();
    return shape;
}

Status SqliteStatement::check_shape() {
    auto* statement = statement_.get();
    const int named = sqlite3_bind_parameter_count(statement);
    bool all_named = true;
    for (int i = 1; i <= named; ++i) {
        const char* name = sqlite3_bind_parameter_name(statement, i);
        all_named = all_named && name != nullptr && name[0] == ':';
    }
    if (!all_named || static_cast<std::size_t>(named) != parameters.size()) {
        return tl::make_unexpected(sql_error("the statement's :names do not match its parameters"));
    }
    if (!columns.empty() && static_cast<std::size_t>(sqlite3_column_count(statement)) != columns.size()) {
        return tl::make_unexpected(sql_error("the statement gives another number of columns"));
    }
    read_only_ = sqlite3_stmt_readonly(statement) != 0;
    return {};
}

int SqliteStatement::bind(int position, const Slot& slot) {
    auto* statement = statement_.get();
    if (slot.null) return sqlite3_bind_null(statement, position);
    // SQLITE_STATIC: the slots keep still until the statement is reset.
    if (const auto* integer = std::get_if<std::int64_t>(&slot.cell)) {
        return sqlite3_bind_int64(statement, position, *integer);
    }
    if (const auto* text = std::get_if<std::string>(&slot.cell)) {
        return sqlite3_bind_text64(statement, position, text->data(), text->size(), SQLITE_STATIC,
                                   SQLITE_UTF8);
    }
    if (const auto* bytes = std::get_if<Bytes>(&slot.cell)) {
        return sqlite3_bind_blob64(statement, position, bytes->data.data(), bytes->data.size(),
                                   SQLITE_STATIC);
    }
    return sqlite3_bind_double(statement, position, std::get<double>(slot.cell));
}

Status SqliteStatement::bind_all() {
    int position = 0;
    for (const auto& slot : parameters) {
        const auto* text = std::get_if<std::string>(&slot.cell);
        if (text != nullptr && !slot.null && std::memchr(text->data(), '\0', text->size()) != nullptr) {
            return fail(Code::invalid, "db.value", "a text contains a NUL");
        }
        const int code = bind(++position, slot);
        if (code != SQLITE_OK) return tl::make_unexpected(sqlite_error(code, {}, SqliteStage::running));
    }
    return {};
}

bool SqliteStatement::load(int position, Slot& slot) {
    auto* statement = statement_.get();
    const int type = sqlite3_column_type(statement, position);
    slot.null = type == SQLITE_NULL;
    if (slot.null) return slot.nullable;
    if (auto* integer = std::get_if<std::int64_t>(&slot.cell)) {
        *integer = sqlite3_column_int64(statement, position);
        return type == SQLITE_INTEGER;
    }
    if (auto* text = std::get_if<std::string>(&slot.cell)) {
        if (type != SQLITE_TEXT) return false;
        const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement, position));
        text->assign(data, static_cast<std::size_t>(sqlite3_column_bytes(statement, position)));
        return true;
    }
    if (auto* bytes = std::get_if<Bytes>(&slot.cell)) {
        if (type != SQLITE_BLOB) return false;
        // An empty blob has no address.
        const auto* data = static_cast<const char*>(sqlite3_column_blob(statement, position));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, position));
        bytes->data.assign(size == 0 ? "" : data, size);
        return true;
    }
    std::get<double>(slot.cell) = sqlite3_column_double(statement, position);
    return type == SQLITE_FLOAT || type == SQLITE_INTEGER;
}

Status SqliteStatement::load_row() {
    int position = 0;
    for (auto& slot : columns) {
        if (!load(position, slot)) {
            const std::string place = "column " + std::to_string(position + 1);
            return tl::make_unexpected(sql_error(
                place + (slot.null ? " is NULL where none may be" : " holds another kind of value")));
        }
        ++position;
    }
    return {};
}

tl::unexpected<Error> SqliteStatement::give_up(Error error) {
    open_ = false;
    kept_.clear();
    if (statement_) sqlite3_reset(statement_.get());
    return connection_.note(std::move(error));
}

Result<bool> SqliteStatement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) return tl::make_unexpected(sqlite_failure(handle_, SqliteStage::running));
    // Reset at once: a statement left at its end still counts as open for some pragmas.
    sqlite3_reset(statement_.get());
    return false;
}

Result<bool> SqliteStatement::start() {
    MUDI_ASSERT(!open_);
    affected = 0;
    if (!statement_) {
        if (auto prepared = prepare(); !prepared) return give_up(std::move(prepared).error());
    }
    if (auto bound = bind_all(); !bound) return give_up(std::move(bound).error());
    open_ = true;
    return read_only_ ? next() : run_changing();
}

/// A changing statement always runs to its end here, so that its error, also that of its commit, is seen.
Result<bool> SqliteStatement::run_changing() {
    for (;;) {
        const auto more = step();
        if (!more) return give_up(more.error());
        if (!*more) break;
        if (columns.empty()) continue;
        if (auto loaded = load_row(); !loaded) return give_up(std::move(loaded).error());
        kept_.push_back(columns);
    }
    affected = sqlite3_changes64(handle_);
    std::ranges::reverse(kept_);
    return take_kept();
}

Result<bool> SqliteStatement::take_kept() {
    open_ = !kept_.empty();
    if (!open_) return false;
    std::ranges::move(kept_.back(), columns.begin());
    kept_.pop_back();
    return true;
}

Result<bool> SqliteStatement::next() {
    if (!open_) return false;
    if (!read_only_) return take_kept();
    const auto more = step();
    if (!more) return give_up(more.error());
    if (!*more) {
        open_ = false;
        return false;
    }
    if (auto loaded = load_row(); !loaded) return give_up(std::move(loaded).error());
    return true;
}

void SqliteStatement::reset() noexcept {
    if (!open_) return;
    open_ = false;
    kept_.clear();
    sqlite3_reset(statement_.get());
}

} // namespace mudi::db
