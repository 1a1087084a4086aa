#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <mudi/crm/customer.hpp>
#include <mudi/crm/transaction.hpp>
#include <mudi/sync/event.hpp>
#include <mudi/sync/server_sync.hpp>

#include "sync/protocol/frames.hpp"

/// Values in words, field by field, so that what a release wrote can be compared with what another one reads
/// without either of them encoding anything. A field that is empty or at its default is left out: a later
/// release may know fields that an earlier one did not write.
namespace mudi::golden {

using Json = nlohmann::json;

Json describe(const crm::RetailTransaction& transaction);
Json describe(const crm::SourceRecord& record);
Json describe(const sync::RightReturned& returned);
Json describe(const crm::ProfileSlice& slice);
Json describe(const crm::Product& product);
Json describe(const crm::StoreSettings& settings);
/// With its body: in words when this program knows the kind, else in hex.
Json describe(const sync::Event& event);
Json describe(const sync::FeedRow& row);

Json describe(const sync::RequestFrame& frame);
Json describe(const sync::AnswerFrame& frame);

/// Everything that `wanted` says stands in `found` too; objects may know more. Gives where they differ, empty
/// when they do not.
std::string difference(const Json& wanted, const Json& found, const std::string& at = "");

} // namespace mudi::golden
