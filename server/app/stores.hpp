#pragma once

#include <memory>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/server/apply.hpp>
#include <mudi/server/backup.hpp>
#include <mudi/server/enrolment.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/server/import.hpp>
#include <mudi/server/inbox.hpp>
#include <mudi/server/keys.hpp>
#include <mudi/server/offer_refresh.hpp>
#include <mudi/server/rights.hpp>

#include "settings.hpp"

namespace mudi::server {

/// Everything that writes, on the one write connection. One thread at a time.
struct Stores {
    Stores(std::unique_ptr<db::Connection> opened, const ServerKeys& keys, const Plan& plan);

    std::unique_ptr<db::Connection> connection;
    ApplyRules rules;
    Inbox inbox;
    Enrolment enrolment;
    Backups backups;
    Apply apply;
    Import import;
    OfferRefresh offers;
    FeedWriter feed; ///< for forgetting tombstones
    RightsBook rights;
};

/// Opens the database for writing, brings it up to this program, reads or makes the keys, begins a history of
/// its own.
struct OpenedDatabase {
    std::unique_ptr<db::Connection> connection;
    ServerKeys keys;
    sync::Lineage lineage;
};
Result<OpenedDatabase> open_database(const db::Options& options, Time now);

/// The plan's rules completed with the keys.
crm::IdentifierRules identifier_rules(const Plan& plan, const ServerKeys& keys);
crm::StoreSettings store_settings(const Plan& plan, const ServerKeys& keys);

} // namespace mudi::server
