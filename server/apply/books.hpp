#pragma once

#include <mudi/server/backlog.hpp>
#include <mudi/server/counters.hpp>
#include <mudi/server/habits.hpp>
#include <mudi/server/ledger.hpp>
#include <mudi/server/purchase_book.hpp>
#include <mudi/server/records.hpp>
#include <mudi/server/rights.hpp>

namespace mudi::server {

/// The tables that applying writes, all on the writer's connection.
struct Books {
    Books(db::Connection& writer, const Key256& identifier_key)
        : counters(writer), backlog(writer), purchases(writer), ledger(writer), habits(writer),
          records(writer, identifier_key), rights(writer) {}

    Counters counters;
    Backlog backlog;
    PurchaseBook purchases;
    Ledger ledger;
    Habits habits;
    Records records;
    RightsBook rights;

    Status flush() {
        MUDI_CHECK(purchases.flush());
        MUDI_CHECK(ledger.flush());
        MUDI_CHECK(habits.flush());
        MUDI_CHECK(records.flush());
        return counters.flush();
    }
    void forget() {
        habits.forget();
        records.forget();
        rights.forget();
        counters.forget();
    }
};

} // namespace mudi::server
