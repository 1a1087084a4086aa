#pragma once

#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/result.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/server/feed.hpp>

namespace mudi::server {

/// One transaction: these settings go to every store, those that come later included. Call at start with what
/// the configuration says; unchanged settings write nothing.
Result<std::vector<FeedMoved>> publish_settings(db::Connection& writer, const crm::StoreSettings& settings);
/// The same for the stores' lead tills: call when one was added or revoked.
Result<std::vector<FeedMoved>> publish_leads(db::Connection& writer);

} // namespace mudi::server
