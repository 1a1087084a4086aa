#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <mudi/base/db/column.hpp>
#include <mudi/base/db/connection.hpp>
#include <mudi/base/result.hpp>

namespace mudi::db {

/// A kept statement with its parameter and column slots; the untyped half of Query and Command.
/// SQL names its parameters `:like_this`; values are given in the order in which the names first appear.
/// Preparation is lazy (at the first run), so a store can be built before its tables are.
/// On PostgreSQL the words are translated as in a migration and every parameter is cast to the type of its
/// slot. A column must hold what its slot says: NULL for a value that is no optional, or text for a number,
/// is `db.sql`.
class Prepared {
public:
    Prepared(Connection& connection, std::string_view sql, std::vector<Slot> parameters,
             std::vector<Slot> columns);
    Prepared(Prepared&&) noexcept;
    Prepared& operator=(Prepared&&) noexcept;
    ~Prepared();

    Slot& parameter(std::size_t index);
    Slot& column(std::size_t index);

    /// Runs with the parameters as they stand; true when a first row is in the columns. Must be followed by
    /// next() until it is false, or by reset().
    Result<bool> start();
    Result<bool> next();
    /// Always called before the caller gets control back: an open select would block checkpoints and writes.
    void reset() noexcept;
    /// Rows changed by the last run.
    [[nodiscard]] std::int64_t affected() const;

private:
    std::unique_ptr<StatementBackend> backend_;
};

template <class... T>
struct Columns {};
template <class... T>
struct Params {};

/// A statement that gives rows: Query<Columns<CustomerId>, Params<std::string>> find{connection, "SELECT …"}.
/// Must not outlive the connection.
template <class ColumnList, class ParamList>
class Query;

template <class... C, class... P>
class Query<Columns<C...>, Params<P...>> {
public:
    using Row = std::tuple<C...>;

    Query(Connection& connection, std::string_view sql)
        : prepared_(connection, sql, {make_slot<P>()...}, {make_slot<C>()...}) {}

    /// Calls `visit(columns...)` per row; it may return void, or bool with false = enough.
    template <class Visit>
    Status each(Visit&& visit, const P&... parameters) {
        put_all(std::index_sequence_for<P...>{}, parameters...);
        auto more = prepared_.start();
        while (more && *more) {
            if (!call(visit, std::index_sequence_for<C...>{})) {
                prepared_.reset();
                return {};
            }
            more = prepared_.next();
        }
        prepared_.reset();
        if (!more) return tl::make_unexpected(std::move(more).error());
        return {};
    }

    /// The first row, if any; further rows are not looked at.
    Result<std::optional<Row>> first(const P&... parameters) {
        std::optional<Row> found;
        MUDI_CHECK(
            each([&](C... columns) { return found.emplace(std::move(columns)...), false; }, parameters...));
        return found;
    }

    Result<std::vector<Row>> all(const P&... parameters) {
        std::vector<Row> rows;
        MUDI_CHECK(each([&](C... columns) { rows.emplace_back(std::move(columns)...); }, parameters...));
        return rows;
    }

private:
    template <std::size_t... I>
    void put_all(std::index_sequence<I...>, const P&... parameters) {
        (put<P>(prepared_.parameter(I), parameters), ...);
    }
    template <class Visit, std::size_t... I>
    bool call(Visit& visit, std::index_sequence<I...>) {
        if constexpr (std::is_void_v<decltype(visit(std::declval<C>()...))>) {
            visit(take<C>(prepared_.column(I))...);
            return true;
        } else {
            return visit(take<C>(prepared_.column(I))...);
        }
    }

    Prepared prepared_;
};

/// A statement that changes rows: Command<std::string, std::int64_t> insert{connection, "INSERT …"}.
template <class... P>
class Command {
public:
    Command(Connection& connection, std::string_view sql)
        : prepared_(connection, sql, {make_slot<P>()...}, {}) {}

    /// Gives the number of rows changed.
    Result<std::int64_t> operator()(const P&... parameters) {
        put_all(std::index_sequence_for<P...>{}, parameters...);
        auto ran = prepared_.start();
        prepared_.reset();
        if (!ran) return tl::make_unexpected(std::move(ran).error());
        return prepared_.affected();
    }

private:
    template <std::size_t... I>
    void put_all(std::index_sequence<I...>, const P&... parameters) {
        (put<P>(prepared_.parameter(I), parameters), ...);
    }

    Prepared prepared_;
};

} // namespace mudi::db
