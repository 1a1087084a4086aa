#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <mudi/base/result.hpp>
#include <mudi/till/desk.hpp>
#include <mudi/till/values.hpp>

/// From the JSON of docs/pos-api.md to the desk's values. Strict in what is there, deaf to what is unknown;
/// faults as in Fields, and for words that must be known: sale.kind, sale.currency, line.type,
/// tender.unknown, identify.kind, join.marketing.
namespace mudi::till {

struct Basket {
    std::vector<crm::LineItem> lines;
    std::optional<Money> total;
};

struct SaleReading {
    Currency shop;
    /// Only a client on this machine may choose an event's identity.
    bool event_id_allowed{false};
};

Result<SaleDocument> sale_from(const nlohmann::json& document, const SaleReading& reading);
Result<Basket> basket_from(const nlohmann::json& document, Currency shop);
Result<crm::Tender> tender_from(const nlohmann::json& document, Currency shop);
Result<Presented> presented_from(const nlohmann::json& document);
Result<Desk::Begin> begin_from(const nlohmann::json& document, std::string number);
Result<Desk::Void> void_from(const nlohmann::json& document, std::string original_number);
Result<JoinDocument> join_from(const nlohmann::json& document);
Result<Points> points_from(const nlohmann::json& document);
Result<std::string> code_from(const nlohmann::json& document);

} // namespace mudi::till
