#include "cli/demo_shop/demo_shop.hpp"

#include <algorithm>
#include <set>

namespace mudi::cli {
namespace {

constexpr int shop_opens_hour_utc = 3; // half past eight in the morning in India
constexpr int shop_open_minutes = 12 * 60;

std::string digits_of(std::uint64_t number, std::size_t width) {
    std::string text = std::to_string(number);
    if (text.size() < width) text.insert(0, width - text.size(), '0');
    return text;
}

/// EAN-13 in the 2x range, the shop's own member cards.
std::string member_card(std::size_t serial) {
    std::string digits = "29" + digits_of(serial, 10);
    int sum = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) sum += (digits[i] - '0') * (i % 2 == 1 ? 3 : 1);
    return digits + std::to_string((10 - sum % 10) % 10);
}

/// A well-formed Indian mobile. India sets no numbers aside for fiction; these are never called or written
/// to.
std::string made_up_phone(std::size_t serial, Random& random) {
    return "+9170" + digits_of(random.below(1000), 3) + digits_of(serial % 100'000, 5);
}

int draw_community(std::string_view store, Random& random) {
    const auto dice = random.below(100);
    const int own = store == "KOL01" ? 0 : 1;
    if (dice < 70) return own;
    if (dice < 90) return 2;
    return dice < 96 ? 3 : 1 - own;
}

std::vector<ShopHabit> draw_habits(std::size_t products, Random& random) {
    std::vector<ShopHabit> habits;
    std::set<std::size_t> taken;
    const auto count = 5 + random.below(8);
    while (habits.size() < count) {
        // Squaring favours the front of the list: staples are in more homes than the rest.
        const auto u = random.below(1000);
        const auto product = static_cast<std::size_t>(u * u * products / 1'000'000);
        if (taken.insert(product).second) habits.push_back({product, 4 + static_cast<int>(random.below(25))});
    }
    return habits;
}

void add_records(DemoShop& shop, std::size_t person, const PersonName& name, bool native_script,
                 Random& random) {
    const ShopPerson& who = shop.people[person];
    ShopRecord record;
    record.source_key = "C" + digits_of(person + 1, 5);
    record.person = person;
    record.name = native_script ? name.native : name.latin;
    record.language = name.language;
    record.phone = who.phone;
    record.card = who.cards[0];
    const bool written_twice = random.below(100) < 8 && !who.phone.empty() && name.language != "en";
    if (who.cards.size() > 1 && !written_twice) record.card2 = who.cards[1];
    record.home_store = who.store;
    record.marketing = random.below(100) < 70;
    shop.records.push_back(record);
    if (!written_twice) return;
    ShopRecord again = record;
    again.source_key += "B";
    again.name = native_script ? name.latin : name.native;
    again.card = who.cards.size() > 1 ? who.cards[1] : std::string{};
    shop.records.push_back(again);
}

void add_people(DemoShop& shop, const DemoShopOptions& options, Random& random) {
    std::size_t cards = 0;
    for (std::size_t i = 0; i < options.people; ++i) {
        ShopPerson person;
        person.store = random.below(100) < 60 ? "KOL01" : "PUN01";
        const PersonName name = draw_name(draw_community(person.store, random), random);
        if (random.below(100) < 92) person.phone = made_up_phone(i, random);
        person.cards.push_back(member_card(++cards));
        if (random.below(100) < 7) person.cards.push_back(member_card(++cards));
        person.habits = draw_habits(shop.products.size(), random);
        person.visits_every_days = 5 + static_cast<int>(random.below(16));
        shop.people.push_back(std::move(person));
        add_records(shop, i, name, random.below(100) < 55, random);
    }
}

int workstations_of(std::string_view store) {
    for (const DemoStore& known : demo_stores)
        if (known.store == store) return known.workstations;
    return 1;
}

ShopSale make_sale(const DemoShop& shop, const ShopPerson& person, std::chrono::sys_days day, int day_number,
                   Random& random) {
    ShopSale sale;
    sale.store = person.store;
    sale.workstation =
        std::to_string(1 + random.below(static_cast<std::uint64_t>(workstations_of(person.store))));
    const auto minute = std::chrono::minutes{random.below(shop_open_minutes)};
    sale.time = Time{day} + std::chrono::hours{shop_opens_hour_utc} + minute;
    sale.day = business_day_at(sale.time, std::chrono::minutes{330});
    sale.card = person.cards[random.below(person.cards.size())];
    sale.lines = make_basket(shop, person, day_number, random);
    sale.total = Money{0, inr};
    for (const ShopLine& line : sale.lines) sale.total.minor += line.amount.minor;
    constexpr const char* tenders[] = {"upi", "upi", "cash", "cash", "card", "khata"};
    sale.tender = tenders[random.below(std::size(tenders))];
    return sale;
}

void add_history(DemoShop& shop, const DemoShopOptions& options, Random& random) {
    const auto last = to_days(options.last_day);
    for (int day_number = 0; day_number < options.history_days; ++day_number) {
        const auto day = last - std::chrono::days{options.history_days - 1 - day_number};
        const std::size_t first = shop.history.size();
        for (const ShopPerson& person : shop.people) {
            if (random.below(static_cast<std::uint64_t>(person.visits_every_days)) == 0)
                shop.history.push_back(make_sale(shop, person, day, day_number, random));
        }
        const auto begin = shop.history.begin() + static_cast<std::ptrdiff_t>(first);
        std::stable_sort(begin, shop.history.end(),
                         [](const auto& a, const auto& b) { return a.time < b.time; });
        for (std::size_t i = first; i < shop.history.size(); ++i)
            shop.history[i].number = "H" + digits_of(static_cast<std::uint64_t>(day_number), 3) + "-" +
                                     digits_of(i - first + 1, 4);
    }
}

} // namespace

ShopLine priced_line(const DemoShop& shop, std::size_t product, Quantity quantity) {
    const ShopProduct& goods = shop.products[product];
    // Prices of the shop are far from the limits, so the product cannot overflow.
    const Money amount = extend(goods.price, quantity).value_or(Money{0, inr});
    const std::int64_t rate = goods.tax_rate.value;
    // Tax inside the price, rounded once per line.
    const Money tax{round_half_even(Wide{amount.minor} * rate, 10'000 + rate), inr};
    return {product, quantity, amount, tax};
}

std::vector<ShopLine> make_basket(const DemoShop& shop, const ShopPerson& person, int day_number,
                                  Random& random) {
    std::vector<ShopLine> lines;
    std::set<std::size_t> taken;
    const auto put = [&](std::size_t product) {
        if (!taken.insert(product).second) return;
        const ShopProduct& goods = shop.products[product];
        const auto steps = static_cast<std::int64_t>(1 + random.below(goods.unit == "KGM" ? 5 : 2));
        const Quantity quantity{
            goods.unit == "KGM" ? 150 * steps + static_cast<std::int64_t>(random.below(100)) : 1000 * steps};
        lines.push_back(priced_line(shop, product, quantity));
    };
    for (const ShopHabit& habit : person.habits) {
        // Due when the habit's round has come up since the person's last visit.
        const int phase = static_cast<int>(habit.product % static_cast<std::size_t>(habit.every_days));
        if ((day_number + phase) % habit.every_days < person.visits_every_days) put(habit.product);
    }
    for (auto extra = random.below(3); extra > 0 || lines.empty(); extra -= extra > 0 ? 1 : 0)
        put(static_cast<std::size_t>(random.below(shop.products.size())));
    return lines;
}

DemoShop make_demo_shop(const DemoShopOptions& options) {
    SeededRandom random(options.seed);
    DemoShop shop;
    shop.products = demo_products();
    add_people(shop, options, random);
    add_history(shop, options, random);
    return shop;
}

} // namespace mudi::cli
