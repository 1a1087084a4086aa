#include "postgresql_statement.hpp"

#include <mudi/base/assert.hpp>

#include "sql_text.hpp"

namespace mudi::db {

namespace {

/// SOCI keeps the type information of its backends to itself, so the checks of these casts cannot link.
__attribute__((no_sanitize("vptr"))) PGconn* native_handle(soci::session& session) {
    return static_cast<soci::postgresql_session_backend*>(session.get_backend())->conn_;
}
__attribute__((no_sanitize("vptr"))) PGresult* native_result(soci::statement& statement) {
    return static_cast<soci::postgresql_statement_backend*>(statement.get_backend())->result_.get_result();
}

} // namespace

std::string hex_text(const Bytes& bytes) { return "\\x" + to_hex(bytes.data); }

PostgresqlSession::PostgresqlSession(const std::string& target)
    : session_(soci::postgresql, target), handle_(native_handle(session_)) {}

Error PostgresqlSession::failure(const soci::soci_error& error) const {
    const bool connected = PQstatus(handle_) == CONNECTION_OK;
    if (const auto* own = dynamic_cast<const soci::postgresql_soci_error*>(&error)) {
        return postgresql_error(own->sqlstate(), own->get_error_message(), connected);
    }
    // SOCI's own complaint, about a value that is not what its column says.
    return connected ? sql_error("a column holds another kind of value") : postgresql_error({}, {}, false);
}

PostgresqlStatement::PostgresqlStatement(PostgresqlSession& connection, std::string_view sql,
                                         std::vector<Slot> parameter_slots, std::vector<Slot> column_slots)
    : StatementBackend(std::move(parameter_slots), std::move(column_slots)), connection_(connection),
      sql_(sql) {}

Status PostgresqlStatement::prepare() {
    std::vector<std::string> names;
    MUDI_TRY(const auto text, postgresql_statement_text(sql_, parameters, names));
    auto kept = std::make_shared<Kept>(connection_.session());
    kept->uses.resize(parameters.size());
    kept->intos.resize(columns.size());
    auto& statement = kept->statement;
    const auto exchange = [&](const Slot& slot, Value& value, auto wrap) {
        if (std::holds_alternative<std::int64_t>(slot.cell)) {
            statement.exchange(wrap(value.integer, value.indicator));
        } else if (std::holds_alternative<double>(slot.cell)) {
            statement.exchange(wrap(value.real, value.indicator));
        } else {
            statement.exchange(wrap(value.text, value.indicator));
        }
    };
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        exchange(parameters[i], kept->uses[i], [&](auto& value, soci::indicator& indicator) {
            return soci::use(value, indicator, names[i]);
        });
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
        exchange(columns[i], kept->intos[i],
                 [](auto& value, soci::indicator& indicator) { return soci::into(value, indicator); });
    }
    statement.alloc();
    statement.prepare(text);
    statement.define_and_bind();
    kept_ = std::move(kept);
    return {};
}

Status PostgresqlStatement::to_value(const Slot& slot, Value& value) {
    value.indicator = slot.null ? soci::i_null : soci::i_ok;
    if (slot.null) return {};
    if (const auto* integer = std::get_if<std::int64_t>(&slot.cell)) {
        value.integer = *integer;
    } else if (const auto* text = std::get_if<std::string>(&slot.cell)) {
        if (text->find('\0') != std::string::npos) {
            return fail(Code::invalid, "db.value", "a text contains a NUL");
        }
        value.text = *text;
    } else if (const auto* bytes = std::get_if<Bytes>(&slot.cell)) {
        value.text = hex_text(*bytes);
    } else {
        value.real = std::get<double>(slot.cell);
    }
    return {};
}

bool PostgresqlStatement::from_value(const Value& value, Slot& slot) {
    slot.null = value.indicator == soci::i_null;
    if (slot.null) return slot.nullable;
    if (auto* integer = std::get_if<std::int64_t>(&slot.cell)) {
        *integer = value.integer;
    } else if (auto* text = std::get_if<std::string>(&slot.cell)) {
        *text = value.text;
    } else if (auto* bytes = std::get_if<Bytes>(&slot.cell)) {
        if (!value.text.starts_with("\\x")) return false;
        auto data = from_hex(std::string_view(value.text).substr(2));
        if (!data) return false;
        bytes->data = std::move(*data);
    } else {
        std::get<double>(slot.cell) = value.real;
    }
    return true;
}

tl::unexpected<Error> PostgresqlStatement::give_up(Error error) {
    open_ = false;
    if (kept_) connection_.bury(std::exchange(kept_, nullptr));
    if (!connection_.in_transaction()) connection_.forget_buried();
    return connection_.note(std::move(error));
}

PGresult* PostgresqlStatement::result() const { return native_result(kept_->statement); }

Result<bool> PostgresqlStatement::give_row(bool found) {
    open_ = found;
    if (!found) return false;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (!from_value(kept_->intos[i], columns[i])) {
            const std::string place = "column " + std::to_string(i + 1);
            return give_up(sql_error(
                place + (columns[i].null ? " is NULL where none may be" : " holds another kind of value")));
        }
    }
    return true;
}

Result<bool> PostgresqlStatement::start() {
    MUDI_ASSERT(!open_);
    affected = 0;
    try {
        if (!kept_) {
            if (auto prepared = prepare(); !prepared) return give_up(std::move(prepared).error());
        }
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            if (auto put = to_value(parameters[i], kept_->uses[i]); !put)
                return give_up(std::move(put).error());
        }
        const bool found = kept_->statement.execute(true) && !columns.empty();
        if (!columns.empty() && static_cast<std::size_t>(PQnfields(result())) != columns.size()) {
            return give_up(sql_error("the statement gives another number of columns"));
        }
        // For a select the server counts the rows read.
        const bool reads = std::string_view(PQcmdStatus(result())).starts_with("SELECT");
        affected = reads ? 0 : kept_->statement.get_affected_rows();
        return give_row(found);
    } catch (const soci::soci_error& error) {
        return give_up(connection_.failure(error));
    }
}

Result<bool> PostgresqlStatement::next() {
    if (!open_) return false;
    try {
        return give_row(kept_->statement.fetch());
    } catch (const soci::soci_error& error) {
        return give_up(connection_.failure(error));
    }
}

} // namespace mudi::db
