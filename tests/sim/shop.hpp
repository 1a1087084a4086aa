#pragma once

#include <cstdint>
#include <string>

#include <mudi/crm/customer.hpp>

namespace mudi::sim {

/// The same people and things in every world, by number.
std::string card_of(int customer);
std::string phone_of(int customer);
std::string name_of(int customer);
std::string item_of(int product);
std::int64_t price_of(int product); ///< paise
StoreId store_of(int store);
/// `edition` changes what the catalogue says of it.
crm::Product product_of(int product, std::int64_t edition);
/// As an import would bring them. `with_phone`: the one fact that makes a customer known by card and one
/// known by phone the same person.
crm::SourceRecord record_of(int customer, std::int64_t edition, bool with_phone, const StoreId& home);

} // namespace mudi::sim
