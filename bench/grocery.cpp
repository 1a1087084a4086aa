#include "bench/grocery.hpp"

#include <algorithm>
#include <set>

#include <mudi/crm/identifier.hpp>
#include <mudi/crm/loyalty.hpp>

namespace mudi::bench {
namespace {

constexpr std::uint64_t people = 2000;
constexpr std::chrono::minutes zone{330};

crm::LineItem line_of(const cli::DemoShop& shop, const cli::ShopLine& bought, std::size_t number) {
    const cli::ShopProduct& goods = shop.products[bought.product];
    crm::LineItem line;
    line.number = static_cast<std::int32_t>(number);
    line.item_id = goods.item_id;
    line.description = goods.name;
    line.category = goods.category;
    line.unit = goods.unit;
    line.quantity = bought.quantity;
    line.unit_price = goods.price;
    line.amount = bought.amount;
    line.tax_rate = goods.tax_rate;
    line.tax = bought.tax;
    return line;
}

std::string padded(std::int64_t number, std::size_t width) {
    std::string text = std::to_string(number);
    return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

cli::DemoShop shop_without_history(std::uint64_t seed) {
    return cli::make_demo_shop(
        {.seed = seed, .people = people, .history_days = 0, .last_day = BusinessDay{20261121}});
}

} // namespace

Grocery::Grocery(std::uint64_t seed, Time begin)
    : random_(seed), shop_(shop_without_history(seed)), now_(begin) {}

std::vector<crm::LineItem> Grocery::basket() { return basket_of(shop_.people[random_.below(people)]); }

std::vector<crm::LineItem> Grocery::basket_of(const cli::ShopPerson& person) {
    std::vector<crm::LineItem> lines;
    std::set<std::size_t> taken;
    const auto day = static_cast<int>(to_days(business_day_at(now_, zone)).time_since_epoch().count());
    while (lines.size() < lines_per_sale) {
        for (const cli::ShopLine& bought : cli::make_basket(shop_, person, day, random_)) {
            if (lines.size() < lines_per_sale && taken.insert(bought.product).second)
                lines.push_back(line_of(shop_, bought, lines.size() + 1));
        }
    }
    return lines;
}

crm::RetailTransaction Grocery::sale(std::int64_t till) {
    const std::size_t who = random_.below(people);
    const cli::ShopPerson& person = shop_.people[who];
    crm::RetailTransaction sale;
    sale.id = EventId{random_.bits128()};
    now_ += Duration{static_cast<std::int64_t>(200'000 + random_.below(400'000))};
    sale.begin = now_ - Duration{static_cast<std::int64_t>(20'000 + random_.below(90'000))};
    sale.end = now_;
    sale.key = {store_of(till), workstation_of(till), business_day_at(now_, zone),
                padded(++numbers_[till], 6)};
    sale.operator_id = "op" + std::to_string(11 + random_.below(4));
    sale.host = "odoo17";
    sale.currency = inr;
    sale.lines = basket_of(person);
    sale.total = sale.tax_total = Money{0, inr};
    for (const crm::LineItem& line : sale.lines) {
        sale.total.minor += line.amount.minor;
        sale.tax_total.minor += line.tax.minor;
    }
    if (random_.below(10) < 7) {
        const auto profile = ProfileId{static_cast<std::int64_t>(who) + 1};
        sale.member = crm::Member{{crm::IdentifierKind::card, person.cards.front()}, profile};
        const Points earned = crm::points_earned(sale, {}).value_or(Points{});
        if (earned.value > 0)
            sale.ledger.push_back({crm::LedgerKind::accumulate_points, earned, std::nullopt});
    }
    const bool upi = random_.below(2) == 0;
    const std::string reference =
        upi ? padded(static_cast<std::int64_t>(random_.below(1'000'000'000'000)), 12) : "";
    sale.tenders.push_back({upi ? crm::TenderKind::upi : crm::TenderKind::cash, sale.total, reference});
    return sale;
}

void Outbox::capture(const crm::RetailTransaction& sale) {
    sync::Event event;
    event.seq = EventSeq{last().value + 1};
    event.id = sale.id;
    event.hlc = to_ms(sale.end) << 16;
    event.kind = static_cast<std::uint32_t>(sync::EventKind::retail_transaction);
    event.body = sync::encode(sale);
    chains_.push_back(chain_next(chain_at(last()), event.body));
    events_.push_back(std::move(event));
}

sync::TillHello Outbox::hello(Time wall) const {
    sync::TillHello hello;
    hello.till = till_;
    hello.store = store_of(till_.value);
    hello.workstation = workstation_of(till_.value);
    hello.incarnation = incarnation;
    hello.last = last();
    hello.wall = wall;
    hello.schema = sync::event_schema;
    return hello;
}

Bits128 Outbox::chain_at(EventSeq seq) const {
    return seq.value == 0 ? Bits128{} : chains_[static_cast<std::size_t>(seq.value - 1)];
}

std::vector<sync::Event> Outbox::events_after(EventSeq seq, std::size_t count_max) const {
    const auto begin = events_.begin() + static_cast<std::ptrdiff_t>(seq.value);
    const auto left = static_cast<std::size_t>(events_.end() - begin);
    return {begin, begin + static_cast<std::ptrdiff_t>(std::min(left, count_max))};
}

sync::PushedBatch Outbox::next_batch(std::size_t count_max) {
    sync::PushedBatch batch{till_, incarnation, chain_at(batched_), events_after(batched_, count_max)};
    batched_.value += static_cast<std::int64_t>(batch.events.size());
    return batch;
}

StoreId store_of(std::int64_t till) { return {till <= 2 ? "KOL01" : "PUN01"}; }
WorkstationId workstation_of(std::int64_t till) { return {std::to_string((till - 1) % 2 + 1)}; }

std::string card_number(std::int64_t serial) {
    std::string digits = "29" + padded(serial, 10) + "0";
    while (!crm::passes_gs1(digits)) ++digits.back();
    return digits;
}

std::string phone_number(std::int64_t serial) { return "70" + padded(serial, 8); }

crm::Product product_of(const cli::ShopProduct& goods) {
    return {goods.item_id, goods.name, goods.category, goods.unit, goods.price, goods.tax_rate};
}

} // namespace mudi::bench
