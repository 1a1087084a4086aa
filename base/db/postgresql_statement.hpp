#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

#include "backend.hpp"
#include "errors.hpp"

namespace mudi::db {

/// "\x0001ff", the form in which bytes travel as text.
std::string hex_text(const Bytes& bytes);

/// What the statements of one PostgreSQL connection share.
class PostgresqlSession : public ConnectionBase {
public:
    soci::session& session() { return session_; }
    [[nodiscard]] PGconn* handle() const { return handle_; }
    Error failure(const soci::soci_error& error) const;

    /// A statement that failed leaves buffers in SOCI, so it is thrown away; but the server refuses to forget
    /// it until the transaction has ended.
    void bury(std::shared_ptr<void> statement) { buried_.push_back(std::move(statement)); }
    void forget_buried() noexcept { buried_.clear(); }

protected:
    explicit PostgresqlSession(const std::string& target);

private:
    soci::session session_;
    PGconn* handle_;
    std::vector<std::shared_ptr<void>> buried_;
};

class PostgresqlStatement final : public StatementBackend {
public:
    PostgresqlStatement(PostgresqlSession& connection, std::string_view sql,
                        std::vector<Slot> parameter_slots, std::vector<Slot> column_slots);

    Result<bool> start() override;
    Result<bool> next() override;
    void reset() noexcept override { open_ = false; }

private:
    /// What SOCI exchanges; it keeps the addresses.
    struct Value {
        long long integer{};
        double real{};
        std::string text;
        soci::indicator indicator{soci::i_ok};
    };
    struct Kept {
        explicit Kept(soci::session& session) : statement(session) {}
        std::vector<Value> uses;
        std::vector<Value> intos;
        soci::statement statement;
    };

    Status prepare();
    static Status to_value(const Slot& slot, Value& value);
    static bool from_value(const Value& value, Slot& slot);
    Result<bool> give_row(bool found);
    tl::unexpected<Error> give_up(Error error);
    PGresult* result() const;

    PostgresqlSession& connection_;
    std::string sql_;
    std::shared_ptr<Kept> kept_;
    bool open_{};
};

} // namespace mudi::db
