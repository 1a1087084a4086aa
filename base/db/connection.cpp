#include <algorithm>

#include <mudi/base/assert.hpp>
#include <mudi/base/db/bulk.hpp>
#include <mudi/base/db/connection.hpp>
#include <mudi/base/db/statement.hpp>

#include "backend.hpp"
#include "postgresql.hpp"
#include "sqlite.hpp"

namespace mudi::db {

Result<Options> parse_target(std::string_view text) {
    Options options;
    if (text.starts_with("postgresql://") || text.starts_with("postgres://")) {
        options.engine = Engine::postgresql;
        options.target = text;
        return options;
    }
    constexpr std::string_view sqlite_prefix = "sqlite:";
    const bool prefixed = text.starts_with(sqlite_prefix);
    if (prefixed) text.remove_prefix(sqlite_prefix.size());
    const auto colon = text.find(':');
    // A colon before the first slash is the scheme of something we do not speak.
    const bool other_scheme = !prefixed && text != ":memory:" && colon < text.find('/');
    const bool odd =
        std::ranges::any_of(text, [](char c) { return c == '"' || static_cast<unsigned char>(c) < ' '; });
    if (text.empty() || other_scheme || odd) {
        return fail(Code::invalid, "db.target",
                    "a database is named sqlite:PATH, postgresql://... or by a plain path");
    }
    options.target = text;
    return options;
}

Result<std::unique_ptr<Connection>> Connection::open(const Options& options) {
    return options.engine == Engine::sqlite ? open_sqlite(options) : open_postgresql(options);
}

tl::unexpected<Error> ConnectionBase::note(Error error) {
    if (in_transaction_ && !first_error_) first_error_ = error;
    return tl::make_unexpected(std::move(error));
}

Status ConnectionBase::begin_immediate(Commit commit) {
    MUDI_ASSERT(!in_transaction_);
    MUDI_CHECK(run_begin(commit));
    in_transaction_ = true;
    first_error_.reset();
    ++serial_;
    return {};
}

Status ConnectionBase::commit() {
    if (first_error_) {
        auto error = std::move(*first_error_);
        rollback();
        return tl::make_unexpected(std::move(error));
    }
    auto committed = run_commit();
    if (!committed) {
        rollback();
        return committed;
    }
    in_transaction_ = false;
    return {};
}

void ConnectionBase::rollback() noexcept {
    run_rollback();
    in_transaction_ = false;
    first_error_.reset();
    ++serial_;
}

Result<WriteTransaction> WriteTransaction::begin(Connection& connection, Commit commit) {
    MUDI_CHECK(connection.begin_immediate(commit));
    return WriteTransaction{connection};
}

Status WriteTransaction::commit() {
    MUDI_ASSERT(connection_ != nullptr);
    return std::exchange(connection_, nullptr)->commit();
}

Prepared::Prepared(Connection& connection, std::string_view sql, std::vector<Slot> parameters,
                   std::vector<Slot> columns)
    : backend_(connection.make_statement(sql, std::move(parameters), std::move(columns))) {}
Prepared::Prepared(Prepared&&) noexcept = default;
Prepared& Prepared::operator=(Prepared&&) noexcept = default;
Prepared::~Prepared() = default;

Slot& Prepared::parameter(std::size_t index) { return backend_->parameters[index]; }
Slot& Prepared::column(std::size_t index) { return backend_->columns[index]; }
Result<bool> Prepared::start() { return backend_->start(); }
Result<bool> Prepared::next() { return backend_->next(); }
void Prepared::reset() noexcept { backend_->reset(); }
std::int64_t Prepared::affected() const { return backend_->affected; }

BulkInserter::BulkInserter(Connection& connection, std::string_view table, std::string_view columns,
                           std::string_view on_conflict, std::vector<Slot> prototype)
    : backend_(connection.make_bulk(table, columns, on_conflict, std::move(prototype))) {}
BulkInserter::BulkInserter(BulkInserter&&) noexcept = default;
BulkInserter& BulkInserter::operator=(BulkInserter&&) noexcept = default;
BulkInserter::~BulkInserter() = default;

Slot& BulkInserter::value(std::size_t index) { return backend_->value(index); }
Status BulkInserter::add_row() { return backend_->add_row(); }
Result<std::int64_t> BulkInserter::flush() { return backend_->flush(); }

} // namespace mudi::db
