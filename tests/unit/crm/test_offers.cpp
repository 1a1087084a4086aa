#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

#include <rapidcheck.h>

#include <mudi/crm/offers.hpp>

#include "builders.hpp"

using namespace mudi;
using namespace mudi::crm;
using namespace mudi::crm::build;
using Days = std::chrono::days;

namespace {

const OfferPolicy policy;

/// Bought `times` times, every `every` days, last `ago` days ago.
ItemHabit habit(std::string item, int times, int every, int ago, std::string category = "Staples") {
    ItemHabit made;
    made.item_id = std::move(item);
    made.description = "Item " + made.item_id;
    made.category = std::move(category);
    made.times = times;
    made.last = noon - Days(ago);
    made.first = made.last - Days(every * (times - 1));
    made.spent = rupees(40 * times);
    return made;
}

OfferHistory history(std::vector<ItemHabit> items) {
    OfferHistory made;
    made.profile = {42};
    made.joined = noon - Days(200);
    made.visits = 20;
    made.items = std::move(items);
    return made;
}

bool offers_item(const OfferHistory& past, std::string_view item) {
    const auto offers = choose_offers(past, policy, noon);
    return std::ranges::any_of(
        offers, [&](const Offer& o) { return o.kind == OfferKind::usual_item && o.item_id == item; });
}

const Offer* of_kind(const std::vector<Offer>& offers, OfferKind kind) {
    const auto found = std::ranges::find(offers, kind, &Offer::kind);
    return found == offers.end() ? nullptr : &*found;
}

Offer percent_offer(std::int32_t basis_points) {
    Offer offer;
    offer.id = {Bits128{5, 6}};
    offer.percent = {basis_points};
    offer.amount_off = offer.basket_min = offer.discount_max = {0, inr};
    offer.valid_from = noon - Days(1);
    offer.valid_to = noon + Days(1);
    return offer;
}
Offer amount_offer(std::int64_t minor) {
    Offer offer = percent_offer(0);
    offer.amount_off.minor = minor;
    return offer;
}

Money total_of_lines(std::span<const LineItem> lines) {
    Money total{0, inr};
    for (const LineItem& item : lines) total.minor += item.amount.minor;
    return total;
}
OfferApplication applied(const Offer& offer, std::span<const LineItem> lines) {
    return apply_offer(offer, lines, total_of_lines(lines), noon);
}
std::int64_t sum_of(const OfferApplication& application) {
    std::int64_t sum = 0;
    for (const OfferEffect& effect : application.effects) sum += effect.amount.minor;
    return sum;
}

} // namespace

TEST_CASE("an item becomes overdue after a fifth more than its usual interval and is given up after five") {
    CHECK_FALSE(offers_item(history({habit("rice", 4, 10, 12)}), "rice"));
    CHECK(offers_item(history({habit("rice", 4, 10, 13)}), "rice"));
    CHECK(offers_item(history({habit("rice", 4, 10, 49)}), "rice"));
    CHECK_FALSE(offers_item(history({habit("rice", 4, 10, 50)}), "rice"));
    CHECK_FALSE(offers_item(history({habit("rice", 2, 10, 13)}), "rice"));
    CHECK(offers_item(history({habit("milk", 3, 3, 4)}), "milk"));
    CHECK_FALSE(offers_item(history({habit("milk", 3, 2, 4)}), "milk"));
    CHECK_FALSE(offers_item(history({habit("rice", 4, 10, -3)}), "rice"));
}

TEST_CASE("a usual item's offer names the item, the days and its own price cut") {
    const auto offers = choose_offers(history({habit("rice", 4, 7, 10)}), policy, noon);
    REQUIRE(offers.size() == 1);
    const Offer& offer = offers.front();
    CHECK(offer.item_id == "rice");
    CHECK(offer.percent == policy.usual_percent);
    CHECK(offer.discount_max == policy.discount_max);
    CHECK(offer.reason == OfferReason{"Item rice", "", 7, 10, 4});
    CHECK(offer.valid_from <= noon);
    CHECK(offer.valid_to - offer.valid_from == policy.valid_for);
}

TEST_CASE("firm and recent habits come first") {
    const auto past =
        history({habit("weak", 3, 10, 13), habit("firm", 12, 10, 13), habit("gone", 12, 10, 45)});
    OfferPolicy one = policy;
    one.offers_max = 1;
    REQUIRE(choose_offers(past, one, noon).size() == 1);
    CHECK(choose_offers(past, one, noon).front().item_id == "firm");
    CHECK(choose_offers(past, policy, noon).size() == policy.offers_max);
}

TEST_CASE("the favourite category needs five purchases and is not the usual item's own") {
    const auto tea = habit("tea", 5, 30, 1, "Tea");
    const auto offers = choose_offers(history({habit("rice", 6, 7, 10), tea}), policy, noon);
    const Offer* favourite = of_kind(offers, OfferKind::favourite_category);
    REQUIRE(favourite != nullptr);
    CHECK(favourite->category == "Tea");
    CHECK(favourite->percent == policy.category_percent);
    CHECK(favourite->reason.times == 5);
    CHECK(of_kind(choose_offers(history({habit("tea", 4, 30, 1, "Tea")}), policy, noon),
                  OfferKind::favourite_category) == nullptr);
    CHECK(of_kind(choose_offers(history({habit("rice", 6, 7, 10)}), policy, noon),
                  OfferKind::favourite_category) == nullptr);
    const auto two =
        choose_offers(history({habit("a", 3, 30, 1, "Tea"), habit("b", 2, 30, 1, "Tea")}), policy, noon);
    CHECK(of_kind(two, OfferKind::favourite_category) != nullptr);
    CHECK(choose_offers(history({habit("a", 9, 30, 1, "")}), policy, noon).empty());
}

TEST_CASE("the new are welcomed until their second visit") {
    OfferHistory past = history({});
    past.visits = 0;
    const Offer* welcome = nullptr;
    auto offers = choose_offers(past, policy, noon);
    REQUIRE((welcome = of_kind(offers, OfferKind::welcome)) != nullptr);
    CHECK(welcome->amount_off == policy.welcome_amount);
    CHECK(welcome->basket_min == policy.welcome_basket_min);
    past.visits = 1;
    CHECK(of_kind(choose_offers(past, policy, noon), OfferKind::welcome) != nullptr);
    past.visits = 2;
    past.current = offers;
    CHECK(choose_offers(past, policy, noon).empty());
}

TEST_CASE("an offer lives its whole life, unless its item was bought since") {
    OfferHistory past = history({habit("rice", 4, 7, 10), habit("tea", 5, 30, 1, "Tea")});
    past.current = choose_offers(past, policy, noon);
    REQUIRE(past.current.size() == 2);
    const Time later = noon + Days(2);
    CHECK(choose_offers(past, policy, later) == past.current);

    OfferHistory bought = past;
    bought.items[0].last = noon + Days(1);
    bought.items[0].times = 5;
    const auto after = choose_offers(bought, policy, later);
    CHECK(of_kind(after, OfferKind::usual_item) == nullptr);
    CHECK(of_kind(after, OfferKind::favourite_category)->id == past.current[1].id);

    bought.items[0].last = noon + Duration(1); // the very day the offer was made
    CHECK(of_kind(choose_offers(bought, policy, later), OfferKind::usual_item) == nullptr);

    const Time expiry = past.current[0].valid_to;
    const auto renewed = choose_offers(past, policy, expiry);
    REQUIRE(of_kind(renewed, OfferKind::usual_item) != nullptr);
    CHECK(of_kind(renewed, OfferKind::usual_item)->id != past.current[0].id);
    CHECK(choose_offers(past, policy, expiry - Duration(1)) == past.current);
}

TEST_CASE("one profile, one day, one set of offers") {
    const auto past =
        history({habit("rice", 4, 7, 10), habit("dal", 4, 7, 10), habit("tea", 5, 30, 1, "Tea")});
    const auto offers = choose_offers(past, policy, noon);
    CHECK(choose_offers(past, policy, noon + std::chrono::minutes(5)) == offers);
    OfferHistory other = past;
    other.profile = {43};
    CHECK(choose_offers(other, policy, noon).front().id != offers.front().id);
    OfferPolicy hour = policy;
    hour.valid_for = std::chrono::hours(1);
    for (const Offer& offer : choose_offers(past, hour, noon)) CHECK(offer.valid_to > noon);
}

TEST_CASE(
    "the order of the history changes no offer, choosing again changes none either, and none is too many") {
    CHECK(rc::check([] {
        OfferHistory past = history({});
        const int count = *rc::gen::inRange(0, 12);
        for (int i = 0; i < count; ++i)
            past.items.push_back(habit("item" + std::to_string(i), *rc::gen::inRange(1, 9),
                                       *rc::gen::inRange(1, 20), *rc::gen::inRange(0, 60),
                                       "C" + std::to_string(*rc::gen::inRange(0, 3))));
        past.visits = *rc::gen::inRange(0, 4);
        OfferPolicy few = policy;
        few.offers_max = *rc::gen::inRange<std::size_t>(0, 5);
        const auto offers = choose_offers(past, few, noon);
        RC_ASSERT(offers.size() <= few.offers_max);
        OfferHistory reversed = past;
        std::ranges::reverse(reversed.items);
        RC_ASSERT(choose_offers(reversed, few, noon) == offers);
        past.current = offers;
        std::ranges::reverse(past.current);
        RC_ASSERT(choose_offers(past, few, noon) == offers);
        std::map<OfferId, int> ids;
        for (const Offer& offer : offers) RC_ASSERT(++ids[offer.id] == 1);
    }));
}

TEST_CASE("an offer says why it does not apply and how much is missing") {
    const std::vector<LineItem> lines{line(1, rupees(100))};
    Offer offer = percent_offer(1000);
    CHECK(apply_offer(offer, lines, rupees(100), offer.valid_from - Duration(1)).why_not == "not_yet");
    CHECK(apply_offer(offer, lines, rupees(100), offer.valid_from).why_not.empty());
    CHECK(apply_offer(offer, lines, rupees(100), offer.valid_to).why_not == "expired");
    offer.basket_min = rupees(150);
    const auto small = applied(offer, lines);
    CHECK(small.why_not == "basket_min");
    CHECK(small.missing == rupees(50));
    CHECK(small.effects.empty());
    CHECK(apply_offer(offer, lines, rupees(150), noon).why_not.empty());
    offer.basket_min.currency = Currency{840};
    CHECK(applied(offer, lines).why_not == "currency");
    offer = percent_offer(1000);
    offer.item_id = "other";
    CHECK(applied(offer, lines).why_not == "no_matching_line");
    offer.item_id.clear();
    offer.category = "Tea";
    CHECK(applied(offer, lines).why_not == "no_matching_line");
    CHECK(applied(percent_offer(0), lines).why_not == "no_matching_line");
    CHECK(applied(percent_offer(-100), lines).why_not == "no_matching_line");
    CHECK(applied(percent_offer(1000), {}).why_not == "no_matching_line");
}

TEST_CASE("a percentage is taken off each matching line, rounded half to even") {
    LineItem tea = line(3, paise(1005), "tea");
    LineItem postage = line(4, rupees(50));
    postage.goods = false;
    LineItem back = return_of(key("9"), line(5, rupees(50)), {1000}, rupees(50));
    const std::vector<LineItem> lines{line(1, paise(1005)), line(2, paise(1015)), tea, postage, back};
    Offer offer = percent_offer(1000);
    offer.item_id = lines[0].item_id;
    const auto application = applied(offer, lines);
    REQUIRE(application.effects.size() == 2);
    CHECK(application.effects[0].line == 1);
    CHECK(application.effects[0].amount == paise(100)); // 100.5
    CHECK(application.effects[1].amount == paise(102)); // 101.5
    CHECK(applied(percent_offer(20'000), lines).effects[0].amount == paise(1005));
}

TEST_CASE("an amount comes off the basket, or off the matching lines in proportion") {
    const std::vector<LineItem> lines{line(1, rupees(100)), line(2, rupees(50), "tea"),
                                      line(3, rupees(25), "tea")};
    const auto basket = applied(amount_offer(5000), lines);
    REQUIRE(basket.effects.size() == 1);
    CHECK(basket.effects[0].line == 0);
    CHECK(basket.effects[0].amount == rupees(50));
    CHECK(sum_of(applied(amount_offer(900'000), lines)) == 17'500);

    Offer tea = amount_offer(1000);
    tea.item_id = "tea";
    const auto spread = applied(tea, lines);
    REQUIRE(spread.effects.size() == 2);
    CHECK(spread.effects[0].amount == paise(667));
    CHECK(spread.effects[1].amount == paise(333));
    tea.amount_off.minor = 900'000;
    CHECK(sum_of(applied(tea, lines)) == 7500);
    tea.discount_max = rupees(3);
    CHECK(sum_of(applied(tea, lines)) == 300);
}

TEST_CASE("an offer already inside the basket has the same effect again") {
    std::vector<LineItem> lines{line(1, rupees(100)), line(2, rupees(60))};
    Offer offer = percent_offer(1000);
    offer.basket_min = rupees(160);
    const auto first = applied(offer, lines);
    REQUIRE(first.effects.size() == 2);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        lines[i].discounts.push_back({"offer", offer.id, first.effects[i].amount});
        lines[i].amount.minor -= first.effects[i].amount.minor;
    }
    const auto again = applied(offer, lines);
    REQUIRE(again.effects.size() == 2);
    CHECK(again.effects[0].amount == first.effects[0].amount);
    CHECK(again.effects[1].amount == first.effects[1].amount);
    lines[0].discounts[0].offer = OfferId{Bits128{9, 9}}; // another offer's reduction counts
    CHECK(applied(offer, lines).why_not == "basket_min");
}

TEST_CASE("no effect exceeds its line, the cap or the amount, and capped sums are exact") {
    CHECK(rc::check([] {
        const auto amounts = *rc::gen::nonEmpty(
            rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 100'000)));
        std::vector<LineItem> lines;
        for (const std::int64_t minor : amounts)
            lines.push_back(line(static_cast<std::int32_t>(lines.size()) + 1, paise(minor)));
        const bool percent = *rc::gen::arbitrary<bool>();
        const auto size = *rc::gen::inRange<std::int32_t>(1, 12'000);
        Offer offer = percent ? percent_offer(size) : amount_offer(size);
        offer.item_id = lines.front().item_id;
        const std::int64_t uncapped = sum_of(applied(offer, lines));
        offer.discount_max.minor = *rc::gen::inRange<std::int64_t>(0, 20'000);
        const auto application = applied(offer, lines);
        const std::int64_t cap = offer.discount_max.minor > 0 ? offer.discount_max.minor : uncapped;
        RC_ASSERT(sum_of(application) == std::min(cap, uncapped));
        if (!percent) RC_ASSERT(uncapped == std::min<std::int64_t>(size, total_of_lines(lines).minor));
        RC_ASSERT(application.effects.empty() == !application.why_not.empty());
        for (const OfferEffect& effect : application.effects) {
            RC_ASSERT(effect.amount.minor > 0);
            RC_ASSERT(effect.amount.minor <= lines[static_cast<std::size_t>(effect.line - 1)].amount.minor);
        }
    }));
}
