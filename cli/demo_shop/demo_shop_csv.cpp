#include <mudi/base/csv.hpp>

#include "cli/demo_shop/demo_shop.hpp"

namespace mudi::cli {

std::string customers_csv(const DemoShop& shop) {
    std::string out;
    csv::append_row(out, {"source_key", "name", "language", "phone", "phone_verified", "card", "card2",
                          "home_store", "marketing"});
    for (const ShopRecord& record : shop.records) {
        csv::append_row(out, {record.source_key, record.name, record.language, record.phone,
                              record.phone.empty() ? "no" : "yes", record.card, record.card2,
                              record.home_store, record.marketing ? "given" : "refused"});
    }
    return out;
}

std::string products_csv(const DemoShop& shop) {
    std::string out;
    csv::append_row(out, {"item_id", "name", "category", "unit", "price", "tax_rate"});
    for (const ShopProduct& product : shop.products) {
        csv::append_row(out, {product.item_id, product.name, product.category, product.unit,
                              std::to_string(product.price.minor), std::to_string(product.tax_rate.value)});
    }
    return out;
}

std::string purchases_csv(const DemoShop& shop) {
    std::string out;
    csv::append_row(out, {"store", "workstation", "business_day", "number", "time", "card", "line", "item_id",
                          "description", "category", "unit", "quantity", "unit_price", "amount", "tax_rate",
                          "tax", "kind", "tender"});
    for (const ShopSale& sale : shop.history) {
        int number = 0;
        for (const ShopLine& line : sale.lines) {
            const ShopProduct& goods = shop.products[line.product];
            csv::append_row(out,
                            {sale.store, sale.workstation, format_business_day(sale.day), sale.number,
                             format_time(sale.time), sale.card, std::to_string(++number), goods.item_id,
                             goods.name, goods.category, goods.unit,
                             std::to_string(line.quantity.thousandths), std::to_string(goods.price.minor),
                             std::to_string(line.amount.minor), std::to_string(goods.tax_rate.value),
                             std::to_string(line.tax.minor), "sale", sale.tender});
        }
    }
    return out;
}

} // namespace mudi::cli
