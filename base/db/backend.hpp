#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mudi/base/db/backup.hpp>
#include <mudi/base/db/column.hpp>
#include <mudi/base/db/connection.hpp>

namespace mudi::db {

/// What Prepared needs of an engine. The slots never move once made: engines keep their addresses.
struct StatementBackend {
    StatementBackend(std::vector<Slot> parameter_slots, std::vector<Slot> column_slots)
        : parameters(std::move(parameter_slots)), columns(std::move(column_slots)) {}
    StatementBackend(const StatementBackend&) = delete;
    StatementBackend& operator=(const StatementBackend&) = delete;
    virtual ~StatementBackend() = default;

    virtual Result<bool> start() = 0;
    virtual Result<bool> next() = 0;
    virtual void reset() noexcept = 0;

    std::vector<Slot> parameters;
    std::vector<Slot> columns;
    std::int64_t affected{};
};

struct BulkBackend {
    virtual ~BulkBackend() = default;
    virtual Slot& value(std::size_t index) = 0;
    virtual Status add_row() = 0;
    virtual Result<std::int64_t> flush() = 0;
};

/// The part of a transaction that is the same on every engine.
class ConnectionBase : public Connection {
public:
    [[nodiscard]] bool in_transaction() const final { return in_transaction_; }
    /// Passes every error of a statement on its way out, so that commit() can refuse.
    tl::unexpected<Error> note(Error error);
    /// Another number for every transaction.
    [[nodiscard]] std::uint64_t transaction_serial() const { return serial_; }
    /// db::backup.
    virtual Status back_up(const std::string& to_path, const GoOn& go_on);

private:
    Status begin_immediate(Commit commit) final;
    Status commit() final;
    void rollback() noexcept final;

    virtual Status run_begin(Commit commit) = 0;
    virtual Status run_commit() = 0;
    virtual void run_rollback() noexcept = 0;

    bool in_transaction_{};
    std::uint64_t serial_{};
    std::optional<Error> first_error_;
};

} // namespace mudi::db
