#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <mudi/till/store.hpp>
#include <mudi/till/values.hpp>

/// From the desk's values to the JSON of docs/pos-api.md. `language` is the reader's, for customers who have
/// none of their own.
namespace mudi::till {

nlohmann::json customer_json(const CustomerView& customer, std::string_view language);
nlohmann::json offers_json(const std::vector<OfferView>& offers, std::string_view language);
/// `promotion` is the name for the host's receipt; empty: left out.
nlohmann::json effects_json(std::span<const crm::OfferEffect> effects, std::string_view promotion = {});
nlohmann::json receipt_json(const Receipt& receipt, std::string_view language);
nlohmann::json hold_json(const HoldView& hold);
/// `customer` is what identify would say, or null.
nlohmann::json open_transaction_json(const OpenTransaction& open, nlohmann::json customer);

/// Micro-seconds, as the API has times.
std::int64_t to_us(Time time);

} // namespace mudi::till
