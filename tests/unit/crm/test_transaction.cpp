#include <catch2/catch.hpp>

#include <functional>
#include <set>

#include <mudi/crm/identifier.hpp>
#include <mudi/crm/transaction_rules.hpp>

#include "builders.hpp"

using namespace mudi;
using namespace mudi::crm;
using namespace mudi::crm::build;

namespace {

const ShopRules shop{inr};

std::string error_of(const RetailTransaction& transaction) {
    const Status status = validate(transaction, shop);
    if (status) return "";
    CHECK(status.error().code == Code::invalid);
    return status.error().name;
}

RetailTransaction two_line_sale() {
    return sale({line(1, rupees(50)), line(2, rupees(30), "4006381333931")});
}

std::string after(const std::function<void(RetailTransaction&)>& damage) {
    RetailTransaction transaction = two_line_sale();
    damage(transaction);
    return error_of(transaction);
}

Discount discount(Money amount) { return {"Diwali", std::nullopt, amount}; }

} // namespace

TEST_CASE("every word of a transaction is read back as itself") {
    for (const auto kind : {TenderKind::cash, TenderKind::card, TenderKind::upi, TenderKind::khata,
                            TenderKind::gift_card, TenderKind::loyalty_points, TenderKind::voucher,
                            TenderKind::cheque, TenderKind::bank_transfer, TenderKind::other})
        CHECK(tender_kind_from(to_string(kind)) == kind);
    for (const auto kind : {TransactionKind::sale, TransactionKind::return_, TransactionKind::post_void,
                            TransactionKind::adjustment})
        CHECK(transaction_kind_from(to_string(kind)) == kind);
    for (int kind = 1; kind <= 7; ++kind) {
        const auto ledger = static_cast<LedgerKind>(kind);
        CHECK(ledger_kind_from(to_string(ledger)) == ledger);
    }
    CHECK(line_type_from("return") == LineType::return_);
    CHECK(identifier_kind_from("phone") == IdentifierKind::phone);
    CHECK_FALSE(tender_kind_from("bitcoin"));
    CHECK_FALSE(tender_kind_from("unknown"));
    CHECK_FALSE(tender_kind_from(""));
    CHECK_FALSE(transaction_kind_from("Sale"));
    CHECK(to_string(LedgerKind::create_reward) == "CREATE_REWARD");
}

TEST_CASE("sales, exchanges, returns, voids and adjustments that add up are accepted") {
    CHECK(error_of(two_line_sale()) == "");

    RetailTransaction change = two_line_sale();
    change.tenders = {{TenderKind::cash, rupees(100), ""}, {TenderKind::cash, rupees(-20), ""}};
    CHECK(error_of(change) == "");

    const LineItem sold = line(1, rupees(50));
    LineItem back = return_of(key("900"), sold, {1000}, rupees(50));
    back.number = 2;
    CHECK(error_of(sale({line(1, rupees(30)), back})) == "");
    back.number = 1;
    RetailTransaction whole_return = sale({back});
    whole_return.kind = TransactionKind::return_;
    whole_return.link = key("900");
    REQUIRE(whole_return.total == rupees(-50));
    CHECK(error_of(whole_return) == "");

    RetailTransaction voided = sale({});
    voided.kind = TransactionKind::post_void;
    voided.link = key("900");
    CHECK(error_of(voided) == "");

    LineItem written_off = line(1, paise(-1234));
    written_off.quantity = {-2000};
    written_off.unit_price.reset();
    RetailTransaction adjustment = sale({written_off});
    adjustment.kind = TransactionKind::adjustment;
    adjustment.tenders.clear();
    CHECK(error_of(adjustment) == "");

    RetailTransaction training = two_line_sale();
    training.training = true;
    CHECK(error_of(training) == "");
}

TEST_CASE("a transaction that is not named is refused") {
    CHECK(after([](auto& t) { t.key.number = ""; }) == "sale.number");
    CHECK(after([](auto& t) { t.key.number.assign(number_bytes_max, '7'); }) == "");
    CHECK(after([](auto& t) { t.key.number.assign(number_bytes_max + 1, '7'); }) == "sale.number");
    CHECK(after([](auto& t) { t.key.number = "12\n3"; }) == "sale.number");
    CHECK(after([](auto& t) { t.key.number = "4111-1111-1111-1111"; }) == "sale.number");
    CHECK(after([](auto& t) { t.key.store.value = ""; }) == "sale.number");
    CHECK(after([](auto& t) { t.key.workstation.value.assign(key_part_bytes_max, 'w'); }) == "");
    CHECK(after([](auto& t) { t.key.workstation.value.assign(key_part_bytes_max + 1, 'w'); }) ==
          "sale.number");
    CHECK(after([](auto& t) { t.key.day = {20260230}; }) == "sale.number");
    CHECK(after([](auto& t) { t.kind = static_cast<TransactionKind>(9); }) == "sale.kind");
}

TEST_CASE("a transaction needs lines, and no more than a till can hold") {
    CHECK(error_of(sale({})) == "sale.empty");
    std::vector<LineItem> many;
    for (std::size_t i = 1; i <= lines_max; ++i)
        many.push_back(line(static_cast<std::int32_t>(i), rupees(1)));
    CHECK(error_of(sale(many)) == "");
    many.push_back(line(static_cast<std::int32_t>(lines_max) + 1, rupees(1)));
    CHECK(error_of(sale(many)) == "sale.too_many_lines");
    const auto tenders = [](std::size_t count) {
        return after([count](auto& t) {
            t.tenders.assign(count, {TenderKind::cash, paise(1), ""});
            t.tenders.front().amount = paise(8000 - static_cast<std::int64_t>(count) + 1);
        });
    };
    CHECK(tenders(tenders_max) == "");
    CHECK(tenders(tenders_max + 1) == "sale.too_many_tenders");
}

TEST_CASE("times run forward inside the calendar") {
    CHECK(after([](auto& t) { t.end = t.begin; }) == "");
    CHECK(after([](auto& t) { t.end = t.begin - Duration(1); }) == "sale.times");
    CHECK(after([](auto& t) { t.begin = time_from_ms(-1); }) == "sale.times");
    CHECK(after([](auto& t) { t.end = time_from_ms(253'402'300'800'000); }) == "sale.times");
}

TEST_CASE("every amount is in the shop's currency") {
    const Currency usd{840};
    CHECK(after([&](auto& t) { t.currency = usd; }) == "sale.currency");
    CHECK(after([&](auto& t) { t.lines[1].amount.currency = usd; }) == "sale.currency");
    CHECK(after([&](auto& t) { t.lines[1].unit_price->currency = usd; }) == "sale.currency");
    CHECK(after([&](auto& t) { t.lines[0].tax.currency = usd; }) == "sale.currency");
    CHECK(after([&](auto& t) { t.lines[0].discounts = {discount({5, usd})}; }) == "sale.currency");
    CHECK(after([&](auto& t) { t.tenders[0].amount.currency = usd; }) == "sale.currency");
    CHECK(after([&](auto& t) { t.total.currency = usd; }) == "sale.currency");
    CHECK(after([&](auto& t) { t.tax_total.currency = usd; }) == "sale.currency");
}

TEST_CASE("texts are short, clean UTF-8 and no bank cards") {
    CHECK(after([](auto& t) { t.lines[0].description.assign(text_bytes_max, 'x'); }) == "");
    CHECK(after([](auto& t) { t.lines[0].description.assign(text_bytes_max + 1, 'x'); }) == "sale.text");
    CHECK(after([](auto& t) { t.lines[0].description = "\xC3"; }) == "sale.text");
    CHECK(after([](auto& t) { t.lines[0].category = "a\x1B[2J"; }) == "sale.text");
    CHECK(after([](auto& t) { t.lines[0].unit = "a\x7F"; }) == "sale.text");
    CHECK(after([](auto& t) { t.lines[0].description = "paid 4111 1111 1111 1111"; }) == "sale.text");
    CHECK(after([](auto& t) { t.operator_id = "5500005555555559"; }) == "sale.text");
    CHECK(after([](auto& t) { t.host = "h\n"; }) == "sale.text");
    CHECK(after([](auto& t) { t.member = Member{{IdentifierKind::card, ""}, std::nullopt}; }) == "sale.text");
    CHECK(after([](auto& t) { t.lines[0].discounts = {{"\xFF", std::nullopt, paise(1)}}; }) == "sale.text");
    CHECK(after([](auto& t) { t.lines[0].description = "চাল ১ কেজি"; }) == "");
}

TEST_CASE("line numbers, types and items are checked") {
    CHECK(after([](auto& t) { t.lines[1].number = 1; }) == "line.number");
    CHECK(after([](auto& t) { t.lines[0].number = 0; }) == "line.number");
    CHECK(after([](auto& t) { t.lines[0].item_id = ""; }) == "line.item");
    CHECK(after([](auto& t) { t.lines[0].item_id = "4111111111111111"; }) == "line.item");
    CHECK(after([](auto& t) { t.lines[0].type = static_cast<LineType>(3); }) == "line.type");
    CHECK(after([](auto& t) { t.kind = TransactionKind::return_; }) == "line.type");
    CHECK(after([](auto& t) { t.kind = TransactionKind::post_void, t.link = key("900"); }) == "line.type");
}

TEST_CASE("a product number that passes Luhn by chance is no bank card") {
    std::string gtin; // a 13-digit GTIN from the 3-6 range that also passes Luhn
    for (int i = 0; i < 100000 && gtin.empty(); ++i) {
        std::string digits = std::to_string(4'000'000'000'000 + i);
        if (passes_gs1(digits) && passes_luhn(digits)) gtin = digits;
    }
    REQUIRE_FALSE(gtin.empty());
    CHECK(after([&](auto& t) { t.lines[0].item_id = gtin; }) == "");
    CHECK(after([&](auto& t) { t.tenders[0].reference = gtin; }) == "tender.reference");
}

TEST_CASE("quantities are above zero and in range") {
    const auto quantity = [](std::int64_t thousandths) {
        return after([thousandths](auto& t) {
            t.lines[0].unit_price.reset();
            t.lines[0].quantity = {thousandths};
        });
    };
    CHECK(quantity(1) == "");
    CHECK(quantity(quantity_thousandths_max) == "");
    CHECK(quantity(quantity_thousandths_max + 1) == "line.quantity");
    CHECK(quantity(0) == "line.quantity");
    CHECK(quantity(-1000) == "line.quantity");
    const auto adjusted = [](std::int64_t thousandths) {
        return after([thousandths](auto& t) {
            t.kind = TransactionKind::adjustment;
            t.lines[0].unit_price.reset();
            t.lines[0].quantity = {thousandths};
        });
    };
    CHECK(adjusted(-1000) == "");
    CHECK(adjusted(0) == "line.quantity");
    CHECK(adjusted(-quantity_thousandths_max - 1) == "line.quantity");
}

TEST_CASE("a line's amount follows from price, quantity and discounts within one minor unit") {
    const auto off_by = [](std::int64_t minor) {
        return after([minor](auto& t) {
            t.lines[0].amount.minor += minor;
            t.total.minor += minor;
            t.tenders[0].amount.minor += minor;
        });
    };
    CHECK(off_by(1) == "");
    CHECK(off_by(-1) == "");
    CHECK(off_by(2) == "line.amount_mismatch");
    CHECK(off_by(-2) == "line.amount_mismatch");
    CHECK(after([](auto& t) {
              t.lines[0].unit_price.reset();
              t.lines[0].amount = t.total = t.tenders[0].amount = rupees(7);
              t.lines.pop_back();
          }) == "");
    CHECK(after([](auto& t) {
              t.lines[0].unit_price = rupees(60);
              t.lines[0].discounts = {discount(rupees(4)), discount(rupees(6))};
          }) == "");
    CHECK(after([](auto& t) { t.lines[0].amount = t.lines[0].unit_price.emplace(rupees(-50)); }) ==
          "line.amount_negative");
    CHECK(after([](auto& t) { t.lines[0].unit_price = paise(-1), t.lines[0].amount = paise(0); }) ==
          "line.amount_negative");
    CHECK(after([](auto& t) { t.lines[0].discounts = {discount(paise(0))}; }) == "line.discount");
    CHECK(after([](auto& t) { t.lines[0].discounts = {discount(paise(-5))}; }) == "line.discount");
    const auto discounts = [](std::size_t count) {
        return after([count](auto& t) {
            t.lines[0].unit_price->minor += static_cast<std::int64_t>(count);
            t.lines[0].discounts.assign(count, discount(paise(1)));
        });
    };
    CHECK(discounts(discounts_per_line_max) == "");
    CHECK(discounts(discounts_per_line_max + 1) == "line.discount");
}

TEST_CASE("taxes stay inside their line and near their total") {
    const auto tax = [](std::int32_t rate, Money amount, bool included) {
        return after([&](auto& t) {
            t.tax_included = included;
            t.lines[0].tax_rate = {rate};
            t.lines[0].tax = t.tax_total = amount;
            if (!included) t.total.minor += amount.minor, t.tenders[0].amount = t.total;
        });
    };
    CHECK(tax(tax_rate_max, rupees(50), true) == "");
    CHECK(tax(tax_rate_max + 1, rupees(1), true) == "line.tax");
    CHECK(tax(-1, rupees(1), true) == "line.tax");
    CHECK(tax(500, paise(-1), true) == "line.tax");
    CHECK(tax(500, paise(5001), true) == "line.tax");
    CHECK(tax(10'000, paise(5001), false) == "");
    const auto total_off_by = [](std::int64_t minor) {
        return after([=](auto& t) { t.tax_total.minor += minor; });
    };
    CHECK(total_off_by(2) == ""); // two lines
    CHECK(total_off_by(-2) == "");
    CHECK(total_off_by(3) == "sale.tax_mismatch");
    CHECK(total_off_by(-3) == "sale.tax_mismatch");
}

TEST_CASE("a host that rounds tax once for the receipt is right too") {
    RetailTransaction transaction = two_line_sale();
    transaction.tax_included = false;
    transaction.lines[0].tax = paise(250);
    transaction.lines[1].tax = paise(150);
    transaction.tax_total = paise(401);
    transaction.total = transaction.tenders[0].amount = paise(8401);
    CHECK(error_of(transaction) == "");
    transaction.total = transaction.tenders[0].amount = paise(8400);
    CHECK(error_of(transaction) == "");
    transaction.total = transaction.tenders[0].amount = paise(8402);
    CHECK(error_of(transaction) == "sale.total_mismatch");
}

TEST_CASE("totals and tenders add up to the last paisa") {
    CHECK(after([](auto& t) { t.total.minor += 1; }) == "sale.total_mismatch");
    CHECK(after([](auto& t) { t.tenders[0].amount.minor -= 1; }) == "sale.tender_mismatch");
    CHECK(after([](auto& t) { t.tenders[0].amount.minor += 1; }) == "sale.tender_mismatch");
    CHECK(after([](auto& t) { t.tenders.clear(); }) == "sale.tender_mismatch");
    CHECK(after([](auto& t) { t.tenders.push_back({TenderKind::upi, paise(0), ""}); }) == "tender.amount");
    CHECK(after([](auto& t) { t.tenders[0].kind = static_cast<TenderKind>(77); }) == "tender.kind");
    CHECK(after([](auto& t) { t.kind = TransactionKind::adjustment, t.tenders[0].amount.minor = 1; }) ==
          "sale.tender_mismatch");
}

TEST_CASE("a bank card's number never gets in as a tender's reference") {
    for (const auto* reference :
         {"4111111111111111", "VISA 4111 1111 1111 1111", "pan:4111-1111-1111-1111;ok",
          "AMEX 3714 496353 98431", "৪১১১১১১১১১১১১১১১", ";4111111111111111=25121010000?"}) {
        CAPTURE(reference);
        CHECK(after([&](auto& t) { t.tenders[0].reference = reference; }) == "tender.reference");
    }
    for (const auto* reference : {"432112345678", "**** **** **** 1111", "4111111111111112",
                                  "T2609211234567890", "txn 2026-09-21 12:30"}) {
        CAPTURE(reference);
        CHECK(after([&](auto& t) { t.tenders[0].reference = reference; }) == "");
    }
    CHECK(after([](auto& t) { t.tenders[0].reference = "a\tb"; }) == "sale.text");
}

TEST_CASE("links name another transaction, and a post-void one of its own workstation") {
    const auto post_void = [](std::optional<BusinessKey> link) {
        RetailTransaction transaction = sale({});
        transaction.kind = TransactionKind::post_void;
        transaction.link = std::move(link);
        return error_of(transaction);
    };
    CHECK(post_void(std::nullopt) == "sale.link");
    CHECK(post_void(key()) == "sale.link"); // itself
    BusinessKey elsewhere = key("900");
    elsewhere.workstation.value = "till-3";
    CHECK(post_void(elsewhere) == "sale.link");
    CHECK(post_void(key("")) == "sale.link");
    CHECK(after([](auto& t) { t.kind = TransactionKind::adjustment, t.link = key("900"); }) == "sale.link");
    CHECK(after([](auto& t) { t.lines[0].link = LineLink{key("900"), 1}; }) == "sale.link");
    CHECK(after([](auto& t) {
              t.lines[0].type = LineType::return_, t.lines[0].link = LineLink{key("900"), 0};
          }) == "sale.link");
}

TEST_CASE("rewards belong to a member and are counted") {
    const Member member{{IdentifierKind::card, "KOL1042"}, std::nullopt};
    const LedgerEntry entry{LedgerKind::accumulate_points, {5}, std::nullopt};
    CHECK(after([&](auto& t) { t.member = member, t.ledger = {entry}; }) == "");
    CHECK(after([&](auto& t) { t.ledger = {entry}; }) == "sale.rewards");
    CHECK(after([&](auto& t) { t.member = member, t.ledger = {entry}, t.training = true; }) ==
          "sale.rewards");
    CHECK(after([&](auto& t) {
              t.member = member, t.ledger = {entry}, t.kind = TransactionKind::adjustment;
          }) == "sale.rewards");
    CHECK(after([&](auto& t) { t.member = member, t.ledger.assign(ledger_entries_max, entry); }) == "");
    CHECK(after([&](auto& t) { t.member = member, t.ledger.assign(ledger_entries_max + 1, entry); }) ==
          "sale.rewards");
    CHECK(after([&](auto& t) {
              t.member = member;
              t.ledger = {{LedgerKind::adjust_points, {points_max + 1}, std::nullopt}};
          }) == "sale.rewards");
    CHECK(after([](auto& t) { t.redeemed_offers.assign(2, OfferId{Bits128{1, 1}}); }) == "sale.rewards");
    CHECK(after([](auto& t) {
              for (std::uint64_t i = 0; i <= redeemed_offers_max; ++i)
                  t.redeemed_offers.push_back({Bits128{1, i}});
          }) == "sale.rewards");
}

TEST_CASE("amounts and sums that overflow are refused") {
    CHECK(after([](auto& t) { t.total.minor = money_minor_max + 1; }) == "money.overflow");
    CHECK(after([](auto& t) { t.lines[0].amount.minor = INT64_MIN; }) == "money.overflow");
    CHECK(after([](auto& t) { t.lines[0].tax.minor = INT64_MIN; }) == "money.overflow");
    CHECK(after([](auto& t) { t.tenders[0].amount.minor = INT64_MAX; }) == "money.overflow");
    CHECK(after([](auto& t) {
              t.lines[0].quantity = {quantity_thousandths_max},
              t.lines[0].unit_price->minor = money_minor_max;
          }) == "money.overflow");
    CHECK(error_of(sale({line(1, paise(money_minor_max))})) == "");
    RetailTransaction two = sale({line(1, paise(money_minor_max)), line(2, paise(1))});
    two.total = two.tenders[0].amount = paise(money_minor_max);
    CHECK(error_of(two) == "money.overflow");
}

TEST_CASE("a total is sales minus returns, with tax where it comes on top") {
    LineItem taxed = line(1, rupees(100));
    taxed.tax = rupees(5);
    LineItem back = return_of(key("900"), line(2, rupees(40)), {1000}, rupees(40));
    back.tax = rupees(2);
    const std::vector<LineItem> lines{taxed, back};
    CHECK(total_of(lines, inr, true) == rupees(60));
    CHECK(total_of(lines, inr, false) == rupees(63));
    CHECK(total_of({}, inr, true) == rupees(0));
    CHECK(total_of(lines, Currency{840}, true).error().name == "money.currency_mismatch");
    const std::vector<LineItem> huge{line(1, paise(money_minor_max)), line(2, paise(1))};
    CHECK(total_of(huge, inr, true).error().name == "money.overflow");
}
