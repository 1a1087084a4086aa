#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <mudi/base/money.hpp>
#include <mudi/base/random.hpp>
#include <mudi/base/time.hpp>

/// A shop chain out of nothing: two stores, their goods, their customers and 90 days of what these bought.
/// The same seed and day give the same shop, to the byte. Everybody and every number in it is made up.
namespace mudi::cli {

struct ShopProduct {
    std::string item_id; ///< GTIN-13, or an in-store number for weighed goods
    std::string name;
    std::string category;
    std::string unit; ///< EA or KGM
    Money price;      ///< of one unit, tax included
    BasisPoints tax_rate;
    std::int64_t usual_thousandths{1000}; ///< what a household takes at a time
};

/// One source record; a person written twice has two with different source keys.
struct ShopRecord {
    std::string source_key;
    std::size_t person{}; ///< index of the person behind it
    std::string name;
    std::string language;
    std::string phone; ///< E.164, may be empty
    std::string card;
    std::string card2;
    std::string home_store;
    bool marketing{};
};

/// What a person is used to: this product, about every so many days.
struct ShopHabit {
    std::size_t product{};
    int every_days{};
};

struct ShopPerson {
    std::string store;
    std::vector<std::string> cards;
    std::string phone;
    std::vector<ShopHabit> habits;
    int visits_every_days{};
};

struct ShopLine {
    std::size_t product{};
    Quantity quantity;
    Money amount;
    Money tax;
};

struct ShopSale {
    std::string store;
    std::string workstation;
    BusinessDay day;
    std::string number;
    Time time;
    std::string card;
    std::vector<ShopLine> lines;
    Money total;
    std::string tender;
};

struct DemoShop {
    std::vector<ShopProduct> products;
    std::vector<ShopRecord> records;
    std::vector<ShopPerson> people;
    std::vector<ShopSale> history;
};

struct DemoShopOptions {
    std::uint64_t seed{1};
    std::size_t people{2000};
    int history_days{90};
    BusinessDay last_day; ///< newest day of the history
};

struct DemoStore {
    std::string_view store;
    int workstations;
};
/// Kolkata with three tills, Pune with two.
inline constexpr DemoStore demo_stores[] = {{"KOL01", 3}, {"PUN01", 2}};

DemoShop make_demo_shop(const DemoShopOptions& options);

/// A basket as this person would fill it today: what is due of their habits and a few things besides. Never
/// empty.
std::vector<ShopLine> make_basket(const DemoShop& shop, const ShopPerson& person, int day_number,
                                  Random& random);
/// Quantity times price with the tax inside it.
ShopLine priced_line(const DemoShop& shop, std::size_t product, Quantity quantity);

/// CSV as `mudi import` takes it.
std::string customers_csv(const DemoShop& shop);
std::string products_csv(const DemoShop& shop);
std::string purchases_csv(const DemoShop& shop);

std::vector<ShopProduct> demo_products();

struct PersonName {
    std::string latin;
    std::string native; ///< in Bengali or Devanagari script; the Latin form for English names
    std::string language;
};
/// `community` picks the stock of names: 0 Bengali, 1 Marathi, 2 Hindi, 3 English.
PersonName draw_name(int community, Random& random);

} // namespace mudi::cli
