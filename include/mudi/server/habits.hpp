#pragma once

#include <memory>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/transaction.hpp>

namespace mudi::server {

/// Aggregates per source record that offers are chosen from: item_habit, record_visit, and item_word beside
/// them. Only sales and returns count; exercises, adjustments and voided transactions do not. Inside the
/// caller's write transaction.
class Habits {
public:
    explicit Habits(db::Connection& writer);
    Habits(const Habits&) = delete;
    Habits& operator=(const Habits&) = delete;
    ~Habits();

    /// Words of the receipt, and what the record's owner bought or brought back. Gathered until flush().
    void add(SourceRecordId record, Time at, const crm::RetailTransaction& transaction);
    Status flush();
    /// Counts the record's purchases anew: after a void, or when one found its owner late. Needs flush() of
    /// these and of the purchases before.
    Status rebuild(SourceRecordId record);
    /// After a rollback.
    void forget();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
