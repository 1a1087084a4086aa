#include "shop.hpp"

#include <mudi/crm/identifier.hpp>

namespace mudi::sim {
namespace {

std::string digits(std::int64_t number, std::size_t width) {
    std::string text = std::to_string(number);
    return std::string(width > text.size() ? width - text.size() : 0, '0') + text;
}

} // namespace

std::string card_of(int customer) {
    const std::string body = "29" + digits(customer, 10);
    for (char check = '0'; check <= '9'; ++check) {
        if (crm::passes_gs1(body + check)) return body + check;
    }
    return body + '0';
}

std::string phone_of(int customer) { return "98300" + digits(customer, 5); }

std::string name_of(int customer) {
    static constexpr const char* first[] = {"Kamala", "Rahim",  "Sunil", "Priya",
                                            "Anjali", "Farida", "Bikash"};
    static constexpr const char* last[] = {"Das", "Sheikh", "Ghosh", "Patil", "Kulkarni"};
    return std::string(first[customer % 7]) + " " + last[customer / 7 % 5] + " " + std::to_string(customer);
}

std::string item_of(int product) { return "item" + std::to_string(product); }
std::int64_t price_of(int product) { return 500 + 775 * product; }
StoreId store_of(int store) { return StoreId{"S" + std::to_string(store + 1)}; }

crm::Product product_of(int product, std::int64_t edition) {
    crm::Product out;
    out.item_id = item_of(product);
    out.name = "thing " + std::to_string(product) + (edition == 0 ? "" : " new " + std::to_string(edition));
    out.category = "group" + std::to_string(product % 4);
    out.unit = "EA";
    out.price = Money{price_of(product), inr};
    return out;
}

crm::SourceRecord record_of(int customer, std::int64_t edition, bool with_phone, const StoreId& home) {
    crm::SourceRecord record;
    record.source = "import";
    record.source_key = "c" + std::to_string(customer);
    record.name = name_of(customer);
    record.language = edition % 2 == 0 ? "bn" : "en";
    record.cards = {card_of(customer)};
    if (with_phone) {
        record.phone = phone_of(customer);
        record.phone_verified = true;
    }
    record.home_store = home;
    record.address = "street " + std::to_string(edition);
    return record;
}

} // namespace mudi::sim
