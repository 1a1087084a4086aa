#include <catch2/catch.hpp>

#include <map>
#include <set>

#include <mudi/base/text.hpp>
#include <mudi/crm/identifier.hpp>

#include "cli/demo_shop/demo_shop.hpp"

using namespace mudi;
using namespace mudi::cli;

namespace {

DemoShopOptions options(std::uint64_t seed) {
    DemoShopOptions out;
    out.seed = seed;
    out.people = 400;
    out.history_days = 30;
    out.last_day = BusinessDay{20261120};
    return out;
}

} // namespace

TEST_CASE("the same seed makes the same shop, another seed another one") {
    const DemoShop a = make_demo_shop(options(7));
    CHECK(customers_csv(a) == customers_csv(make_demo_shop(options(7))));
    CHECK(purchases_csv(a) == purchases_csv(make_demo_shop(options(7))));
    CHECK(customers_csv(a) != customers_csv(make_demo_shop(options(8))));
}

TEST_CASE("a shop has 400 goods with right numbers, some of them weighed") {
    const auto products = demo_products();
    REQUIRE(products.size() == 400);
    std::set<std::string> numbers;
    std::size_t weighed = 0;
    for (const ShopProduct& product : products) {
        CHECK(crm::passes_gs1(product.item_id));
        CHECK(product.price.minor > 0);
        numbers.insert(product.item_id);
        weighed += product.unit == "KGM" ? 1u : 0u;
    }
    CHECK(numbers.size() == 400);
    CHECK(weighed >= 20);
}

TEST_CASE(
    "customers carry cards and phones a till takes, in all four languages, some of them written twice") {
    const DemoShop shop = make_demo_shop(options(1));
    std::map<std::string, int> languages;
    std::map<std::size_t, std::set<std::string>> names;
    std::size_t two_cards = 0;
    const crm::IdentifierRules rules;
    for (const ShopRecord& record : shop.records) {
        ++languages[record.language];
        names[record.person].insert(record.name);
        CHECK(is_utf8(record.name));
        if (!record.card.empty()) CHECK(crm::parse_card(record.card, rules)->value == record.card);
        if (!record.phone.empty()) CHECK(crm::parse_phone(record.phone, rules)->value == record.phone);
        two_cards += record.card2.empty() ? 0u : 1u;
    }
    CHECK(languages.size() == 4);
    CHECK(two_cards > 0);
    CHECK(std::any_of(names.begin(), names.end(),
                      [](const auto& person) { return person.second.size() == 2; }));
}

TEST_CASE("every basket adds up and its tax is inside its price") {
    const DemoShop shop = make_demo_shop(options(3));
    REQUIRE(shop.history.size() > 500);
    std::set<std::string> numbers;
    for (const ShopSale& sale : shop.history) {
        REQUIRE_FALSE(sale.lines.empty());
        std::int64_t sum = 0;
        for (const ShopLine& line : sale.lines) {
            CHECK(line.amount.minor > 0);
            CHECK(line.tax.minor < line.amount.minor);
            sum += line.amount.minor;
        }
        CHECK(sum == sale.total.minor);
        CHECK(sale.day <= BusinessDay{20261120});
        CHECK(numbers.insert(sale.store + sale.workstation + sale.number).second);
    }
}
