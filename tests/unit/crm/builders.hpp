#pragma once

#include <string>
#include <utility>
#include <vector>

#include <mudi/crm/customer.hpp>
#include <mudi/crm/transaction.hpp>

/// Right by construction, so that each test says only what it makes wrong.
namespace mudi::crm::build {

inline const Time noon = time_from_ms(1'790'000'000'000);

inline Money rupees(std::int64_t whole) { return {whole * 100, inr}; }
inline Money paise(std::int64_t minor) { return {minor, inr}; }

inline BusinessKey key(std::string number = "1042") {
    return {StoreId{"kolkata-1"}, WorkstationId{"till-2"}, BusinessDay{20260921}, std::move(number)};
}

/// One piece at `amount`, tax 0.
inline LineItem line(std::int32_t number, Money amount, std::string item = "8901030865275") {
    LineItem made;
    made.number = number;
    made.item_id = std::move(item);
    made.description = "Rice 1 kg";
    made.category = "Staples";
    made.unit = "EA";
    made.quantity = {1000};
    made.unit_price = amount;
    made.amount = amount;
    made.tax = {0, amount.currency};
    return made;
}

inline LineItem return_of(const BusinessKey& original, const LineItem& sold, Quantity quantity,
                          Money amount) {
    LineItem made = sold;
    made.type = LineType::return_;
    made.quantity = quantity;
    made.amount = amount;
    made.unit_price.reset();
    made.discounts.clear();
    made.link = LineLink{original, sold.number};
    return made;
}

/// A cash sale of these lines; totals and tender follow from them.
inline RetailTransaction sale(std::vector<LineItem> lines) {
    RetailTransaction made;
    made.id = {Bits128{1, 2}};
    made.key = key();
    made.begin = noon;
    made.end = noon + std::chrono::seconds(40);
    made.operator_id = "c7";
    made.currency = inr;
    made.lines = std::move(lines);
    made.total = made.tax_total = {0, inr};
    for (const LineItem& item : made.lines) {
        const int sign = item.type == LineType::return_ ? -1 : 1;
        made.total.minor += sign * item.amount.minor;
        made.tax_total.minor += sign * item.tax.minor;
    }
    if (made.total.minor != 0) made.tenders = {{TenderKind::cash, made.total, ""}};
    made.host = "test";
    return made;
}

} // namespace mudi::crm::build
