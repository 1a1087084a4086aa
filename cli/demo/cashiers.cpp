#include <algorithm>
#include <utility>

#include <mudi/base/text.hpp>
#include <mudi/http/message.hpp>

#include "cli/demo/demo.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;

constexpr std::size_t visits_shown = 6;
constexpr std::size_t returnable_max = 50;
constexpr std::int64_t points_worth_redeeming = 60;

json line_document(const DemoShop& shop, const ShopLine& line, int number) {
    const ShopProduct& goods = shop.products[line.product];
    return {{"line", number},
            {"item", goods.item_id},
            {"description", goods.name},
            {"category", goods.category},
            {"unit", goods.unit},
            {"quantity", line.quantity.thousandths},
            {"unit_price", goods.price.minor},
            {"amount", line.amount.minor},
            {"tax_rate", goods.tax_rate.value},
            {"tax", line.tax.minor}};
}

std::int64_t sum_of(const json& lines, const char* key) {
    std::int64_t sum = 0;
    for (const json& line : lines) sum += line.value(key, std::int64_t{0});
    return sum;
}

/// The till says what an offer takes off which line; a POS program books it so.
void take_off(json& lines, const json& effect) {
    for (json& line : lines) {
        if (line.value("line", 0) != effect.value("line", -1)) continue;
        const std::int64_t amount =
            line.value("amount", std::int64_t{0}) - effect.value("amount", std::int64_t{0});
        const std::int64_t rate = line.value("tax_rate", std::int64_t{0});
        line["amount"] = amount;
        line["tax"] = round_half_even(Wide{amount} * rate, 10'000 + rate);
        line["discounts"].push_back({{"promotion", effect.value("promotion", "offer")},
                                     {"offer", effect.value("offer", "")},
                                     {"amount", effect.value("amount", std::int64_t{0})}});
    }
}

} // namespace

DemoCashiers::DemoCashiers(const DemoShop& shop, const Fleet& fleet, std::uint64_t seed)
    : shop_(shop), fleet_(fleet), random_(seed + 1), sold_(fleet.size()), standing_(fleet.size()),
      day_number_(90) {
    for (std::size_t i = 0; i < fleet.size(); ++i)
        clients_.emplace_back(http::Target::unix_socket(fleet.till(i).socket), std::string{});
    for (std::size_t i = 0; i < shop.people.size(); ++i) people_of_[shop.people[i].store].push_back(i);
}

void DemoCashiers::ring_up() {
    const auto till = static_cast<std::size_t>(random_.below(fleet_.size()));
    const auto dice = random_.below(100);
    if (dice < 2 && !sold_[till].empty()) {
        // A refusal is in the tally; the queue goes on.
        static_cast<void>(take_back(till));
        return;
    }
    const auto& people = people_of_[fleet_.till(till).spec.store];
    const ShopPerson* person =
        dice < 20 || people.empty() ? nullptr : &shop_.people[people[random_.below(people.size())]];
    finish(till);
    // Who cannot even be begun with is a refusal like any other.
    if (const auto begun = begin(till, person); !begun) note(tl::make_unexpected(begun.error()));
}

void DemoCashiers::finish(std::size_t till) {
    if (auto standing = std::exchange(standing_[till], std::nullopt)) note(pay(till, *std::move(standing)));
}

void DemoCashiers::close() {
    for (std::size_t till = 0; till < standing_.size(); ++till) finish(till);
}

json DemoCashiers::identify(std::size_t till, const std::string& txn, const ShopPerson& person) {
    const bool by_phone = !person.phone.empty() && random_.below(100) < 25;
    const json body{{"kind", by_phone ? "phone" : "card"},
                    {"value", by_phone ? person.phone : person.cards[random_.below(person.cards.size())]}};
    auto known = clients_[till].send("POST", txn + "/identify", body.dump(), true);
    if (!known) return nullptr;
    ++tally_.greeted;
    const json offers = known->value("offers", json::array());
    if (!offers.empty()) ++tally_.with_offer;
    const TillSpec& spec = fleet_.till(till).spec;
    const std::string offer =
        offers.empty() ? std::string{} : offers[0].value("title", "") + " - " + offers[0].value("reason", "");
    visits_.push_front({spec.store + "/" + spec.workstation, known->value("greeting", ""), offer});
    if (visits_.size() > visits_shown) visits_.pop_back();
    return *std::move(known);
}

std::int64_t DemoCashiers::use_offer(std::size_t till, const std::string& txn, const json& offers,
                                     json& lines) {
    for (const json& offer : offers) {
        if (!offer.value("applicable", false)) continue;
        const auto effects =
            clients_[till].send("POST", txn + "/offers/" + offer.value("offer", "") + "/apply", "{}", true);
        if (!effects) return 0;
        const json list = effects->value("effects", json::array());
        const bool on_lines =
            std::ranges::all_of(list, [](const json& effect) { return effect.value("line", 0) > 0; });
        if (!on_lines || list.empty()) {
            // This cashier's POS can only take money off lines.
            static_cast<void>(clients_[till].send(
                "DELETE", txn + "/offers/" + offer.value("offer", "") + "/apply", {}, true));
            continue;
        }
        for (const json& effect : list) take_off(lines, effect);
        ++tally_.offers_used;
        return 1;
    }
    return 0;
}

std::int64_t DemoCashiers::use_points(std::size_t till, const std::string& txn, const json& customer,
                                      std::int64_t total, json& document) {
    const std::int64_t points = customer.is_object() ? customer.value("points", std::int64_t{0}) : 0;
    if (points < points_worth_redeeming || (random_.below(100) >= 10 && !server_away_)) return 0;
    const auto hold = clients_[till].send("POST", txn + "/redeem", json{{"points", points / 2}}.dump(), true);
    if (!hold) return 0;
    const std::int64_t amount = hold->value("amount", std::int64_t{0});
    if (amount > total) {
        static_cast<void>(clients_[till].send("DELETE", txn + "/holds/" + hold->value("hold", ""), {}, true));
        return 0;
    }
    document["hold"] = hold->value("hold", "");
    document["tenders"].push_back({{"kind", "loyalty_points"}, {"amount", amount}});
    tally_.points_redeemed += points / 2;
    if (server_away_) tally_.points_offline += points / 2;
    return amount;
}

Status DemoCashiers::begin(std::size_t till, const ShopPerson* person) {
    Standing standing;
    standing.number = "D-" + std::to_string(++next_number_);
    standing.txn = "/v1/txn/" + http::percent_encode(standing.number);
    ApiClient& client = clients_[till];
    MUDI_CHECK(client.send("PUT", standing.txn, R"({"operator":"demo","host":"demo"})", true));
    if (person != nullptr) standing.customer = identify(till, standing.txn, *person);
    const ShopPerson stranger{};
    standing.lines = json::array();
    for (const ShopLine& line :
         make_basket(shop_, person != nullptr ? *person : stranger, day_number_, random_)) {
        standing.lines.push_back(line_document(shop_, line, static_cast<int>(standing.lines.size()) + 1));
    }
    MUDI_TRY(const json basket,
             client.send("PUT", standing.txn + "/basket",
                         json{{"lines", standing.lines}, {"total", sum_of(standing.lines, "amount")}}.dump(),
                         true));
    use_offer(till, standing.txn, basket.value("offers", json::array()), standing.lines);
    standing_[till] = std::move(standing);
    return {};
}

Result<json> DemoCashiers::pay(std::size_t till, Standing standing) {
    const json& lines = standing.lines;
    const std::int64_t total = sum_of(lines, "amount");
    json document{
        {"lines", lines}, {"total", total}, {"tax_total", sum_of(lines, "tax")}, {"tenders", json::array()}};
    const std::int64_t paid = use_points(till, standing.txn, standing.customer, total, document);
    if (total > paid) {
        document["tenders"].push_back(
            {{"kind", random_.below(2) == 0 ? "upi" : "cash"}, {"amount", total - paid}});
    }
    MUDI_TRY(auto receipt, clients_[till].send("POST", standing.txn + "/complete", document.dump(), true));
    if (sold_[till].size() < returnable_max)
        sold_[till].push_back({standing.number, receipt.value("business_day", ""), lines[0]});
    return receipt;
}

Status DemoCashiers::take_back(std::size_t till) {
    const Sold sold = sold_[till].back();
    sold_[till].pop_back();
    const std::int64_t amount = sold.line.value("amount", std::int64_t{0});
    json line = sold.line;
    line.erase("discounts");
    line.erase("unit_price");
    line["type"] = "return";
    line["original"] = {
        {"number", sold.number}, {"business_day", sold.business_day}, {"line", sold.line.value("line", 1)}};
    const json document{{"number", "R-" + std::to_string(++next_number_)},
                        {"kind", "return"},
                        {"currency", "INR"},
                        {"lines", json::array({line})},
                        {"total", -amount},
                        {"tax_total", -sold.line.value("tax", std::int64_t{0})},
                        {"tenders", json::array({{{"kind", "cash"}, {"amount", -amount}}})}};
    auto receipt = clients_[till].send("POST", "/v1/returns", document.dump(), true);
    note(receipt);
    if (!receipt) return tl::make_unexpected(receipt.error());
    ++tally_.returns;
    return {};
}

void DemoCashiers::note(const Result<json>& receipt) {
    ++tally_.tried;
    if (receipt && receipt->value("saved", false)) {
        ++tally_.saved;
        tally_.events.insert(receipt->value("event", ""));
        return;
    }
    ++tally_.refused;
    if (tally_.first_refusal.empty() && !receipt)
        tally_.first_refusal = receipt.error().name + ": " + receipt.error().what;
}

} // namespace mudi::cli
