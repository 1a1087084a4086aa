#include "unit/sync/grocery.hpp"

#include <array>
#include <string_view>

namespace mudi::test {
namespace {

constexpr std::array<std::string_view, 24> brands{
    "Annapurna", "Shreeji",   "Kolhapuri", "Sonar Bangla", "Deccan Gold", "Suruchi", "Bikano",    "Chitale",
    "Katraj",    "Gowardhan", "Cookme",    "JK",           "Mukharochak", "Priya",   "Laxmi",     "Rajdhani",
    "24 Mantra", "Nirma",     "Ghadi",     "Boroline",     "Santoor",     "Medimix", "Chandrika", "Vicco"};
constexpr std::array<std::string_view, 30> products{
    "Basmati Rice",   "Mustard Oil",  "Turmeric Powder", "Toor Dal",      "Besan",          "Poha",
    "Garam Masala",   "Pickle Mango", "Papad Urad",      "Namkeen Mix",   "Butter Biscuit", "Rusk",
    "Ghee",           "Curd",         "Paneer",          "Lassi",         "Tea Dust",       "Bath Soap",
    "Washing Powder", "Hair Oil",     "Face Cream",      "Tooth Powder",  "Floor Cleaner",  "Incense",
    "Jaggery",        "Sago",         "Vermicelli",      "Chilli Powder", "Coconut Water",  "Khakhra"};
constexpr std::array<std::string_view, 12> sizes{"50g", "100g", "200g", "250g",  "400g", "500g",
                                                 "1kg", "2kg",  "5kg",  "500ml", "1L",   "pack"};
constexpr std::array<std::string_view, 14> categories{
    "Staples",   "Oils", "Masala",  "Pulses", "Snacks",    "Biscuits",  "Dairy",
    "Beverages", "Bath", "Laundry", "Hair",   "Cosmetics", "Household", "Puja"};
constexpr std::array<std::string_view, 12> loose{"Aloo",  "Pyaz",   "Tamatar", "Begun", "Phulkopi", "Bhindi",
                                                 "Kanda", "Batata", "Kela",    "Seb",   "Rui Mach", "Murgi"};
constexpr std::array<std::int32_t, 4> rates{0, 500, 1200, 1800};

std::string with_check_digit(std::string digits) {
    int sum = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) sum += (digits[i] - '0') * (i % 2 == 0 ? 1 : 3);
    return digits + static_cast<char>('0' + (10 - sum % 10) % 10);
}

std::string digits(Random& random, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += static_cast<char>('0' + random.below(10));
    return text;
}

} // namespace

Grocery::Grocery(std::uint64_t seed, int goods) : random_(seed) {
    for (int i = 0; i < goods; ++i) {
        Good good;
        if (i % 8 == 0) { // sold by weight
            good.item_id = with_check_digit("20" + digits(random_, 10));
            good.name = std::string(loose[random_.below(loose.size())]) + " " + std::to_string(i);
            good.category = random_.below(2) == 0 ? "Vegetables" : "Fresh";
            good.unit = "KGM";
        } else {
            good.item_id = with_check_digit("890" + digits(random_, 9));
            good.name = std::string(brands[random_.below(brands.size())]) + " " +
                        std::string(products[random_.below(products.size())]) + " " +
                        std::string(sizes[random_.below(sizes.size())]);
            good.category = categories[random_.below(categories.size())];
            good.unit = "EA";
        }
        good.price = 500 + 50 * static_cast<std::int64_t>(random_.below(1000));
        good.tax_rate = rates[random_.below(rates.size())];
        goods_.push_back(good);
    }
    for (int i = 0; i < 2000; ++i) cards_.push_back(with_check_digit("29" + digits(random_, 10)));
}

const Grocery::Good& Grocery::demanded() {
    // Product of two even draws: the first tenth of the goods makes a third of the lines, with a long tail.
    return goods_[random_.below(1 + random_.below(goods_.size()))];
}

crm::LineItem Grocery::line(int number, bool with_offer) {
    const Good& good = demanded();
    crm::LineItem line;
    line.number = number;
    line.item_id = good.item_id;
    line.description = good.name;
    line.category = good.category;
    line.unit = good.unit;
    line.unit_price = Money{good.price, inr};
    line.tax_rate = BasisPoints{good.tax_rate};
    if (good.unit == "KGM") {
        line.quantity.thousandths = 100 + 5 * static_cast<std::int64_t>(random_.below(400));
    } else {
        line.quantity.thousandths =
            random_.below(4) == 0 ? 2000 + 1000 * static_cast<std::int64_t>(random_.below(3)) : 1000;
    }
    line.amount = *extend(*line.unit_price, line.quantity);
    if (with_offer) {
        const Money off{line.amount.minor / 10 + 1, inr};
        line.discounts.push_back({"Your usual", OfferId{random_.bits128()}, off});
        line.amount.minor -= off.minor;
    }
    line.tax = Money{round_half_even(Wide{line.amount.minor} * good.tax_rate, 10'000 + good.tax_rate), inr};
    return line;
}

crm::RetailTransaction Grocery::transaction(int lines) {
    crm::RetailTransaction sale;
    sale.id = EventId{random_.bits128()};
    sale.currency = inr;
    sale.host = "odoo17";
    now_ += Duration{60'000 + static_cast<std::int64_t>(random_.below(120'000))};
    sale.begin = now_;
    sale.end = now_ + Duration{20'000 + static_cast<std::int64_t>(random_.below(90'000))};
    sale.key = {StoreId{"kol-03"}, WorkstationId{"T2"},
                business_day_at(sale.begin, std::chrono::minutes{330}), std::to_string(next_number_++)};
    sale.operator_id = "op" + std::to_string(11 + next_number_ / 200 % 4);
    const bool offer = random_.below(10) == 0;
    sale.total = sale.tax_total = Money{0, inr};
    for (int i = 1; i <= lines; ++i) {
        sale.lines.push_back(line(i, offer && i == 1));
        sale.total.minor += sale.lines.back().amount.minor;
        sale.tax_total.minor += sale.lines.back().tax.minor;
    }
    if (offer) sale.redeemed_offers.push_back(*sale.lines.front().discounts.front().offer);
    if (random_.below(10) < 7) {
        const std::uint64_t who = random_.below(cards_.size());
        sale.member = crm::Member{{crm::IdentifierKind::card, cards_[who]},
                                  ProfileId{static_cast<std::int64_t>(who) + 1}};
        sale.ledger.push_back(
            {crm::LedgerKind::accumulate_points, Points{sale.total.minor / 10'000}, std::nullopt});
    }
    const bool upi = random_.below(2) == 0;
    sale.tenders.push_back(
        {upi ? crm::TenderKind::upi : crm::TenderKind::cash, sale.total, upi ? digits(random_, 12) : ""});
    return sale;
}

sync::Event Grocery::sale(int lines) {
    const crm::RetailTransaction made = transaction(lines);
    return {EventSeq{next_seq_++}, made.id,
            hlc_.next(made.end),   static_cast<std::uint32_t>(sync::EventKind::retail_transaction),
            sync::event_schema,    sync::encode(made)};
}

} // namespace mudi::test
