#include "unit/sync/random_values.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <mudi/crm/transaction_rules.hpp>

namespace mudi::test {
namespace {

class Draw {
public:
    explicit Draw(Random& random) : random_(random) {}

    bool flip() { return random_.below(2) == 0; }

    std::int64_t number(std::int64_t low, std::int64_t high) {
        switch (random_.below(6)) {
        case 0: return low;
        case 1: return high;
        case 2: return std::min(std::max<std::int64_t>(0, low), high);
        default:
            return low + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(high - low) + 1));
        }
    }
    std::int32_t small(std::int32_t low, std::int32_t high) {
        return static_cast<std::int32_t>(number(low, high));
    }

    std::string text(std::size_t bytes_max) {
        static constexpr std::array<const char*, 6> pieces{"a", "মুদি", "किराणा", "€", "😀", "Tata Salt "};
        std::string text;
        const std::size_t wanted = random_.below(4) == 0 ? bytes_max : random_.below(20);
        while (text.size() < wanted) {
            const std::string piece = pieces[random_.below(pieces.size())];
            if (text.size() + piece.size() > bytes_max) break;
            text += piece;
        }
        return random_.below(5) == 0 ? "" : text;
    }

    Money money(Currency currency) { return {number(-money_minor_max, money_minor_max), currency}; }
    Bits128 bits() { return random_.bits128(); }
    Time time() { return time_from_ms(number(-62'135'596'800'000, 253'402'300'799'999)); }
    BusinessDay day() { return BusinessDay{small(1970, 9999) * 10'000 + small(1, 12) * 100 + small(1, 28)}; }
    std::size_t count(std::size_t most) { return random_.below(50) == 0 ? most : random_.below(4); }
    template <class Enum>
    Enum one_of(Enum last, int first = 1) {
        return static_cast<Enum>(small(first, static_cast<std::int32_t>(last)));
    }

private:
    Random& random_;
};

crm::BusinessKey random_key(Draw& draw) {
    return {StoreId{draw.text(32)}, WorkstationId{draw.text(32)}, draw.day(),
            draw.text(crm::number_bytes_max)};
}

crm::LineItem random_line(Draw& draw, Currency currency) {
    crm::LineItem line;
    line.number = draw.small(1, 1'000'000);
    line.type = draw.one_of(crm::LineType::return_);
    line.item_id = draw.text(crm::text_bytes_max);
    line.description = draw.text(crm::text_bytes_max);
    line.category = draw.text(crm::text_bytes_max);
    line.unit = draw.text(32);
    line.quantity.thousandths = draw.number(-quantity_thousandths_max, quantity_thousandths_max);
    if (draw.flip()) line.unit_price = draw.money(currency);
    line.amount = draw.money(currency);
    line.tax_rate.value = draw.small(0, 1'000'000);
    line.tax = draw.money(currency);
    for (std::size_t i = draw.count(crm::discounts_per_line_max); i > 0; --i) {
        crm::Discount& discount = line.discounts.emplace_back();
        discount.promotion = draw.text(crm::text_bytes_max);
        if (draw.flip()) discount.offer = OfferId{draw.bits()};
        discount.amount = draw.money(currency);
    }
    line.goods = draw.flip();
    if (draw.flip()) line.link = crm::LineLink{random_key(draw), draw.small(0, 1'000'000)};
    return line;
}

} // namespace

crm::RetailTransaction random_transaction(Random& random) {
    Draw draw{random};
    crm::RetailTransaction transaction;
    transaction.id = EventId{draw.bits()};
    transaction.kind = draw.one_of(crm::TransactionKind::adjustment);
    transaction.key = random_key(draw);
    transaction.begin = draw.time();
    transaction.end = draw.time();
    transaction.operator_id = draw.text(crm::text_bytes_max);
    transaction.currency = Currency{static_cast<std::uint16_t>(draw.small(0, 999))};
    if (draw.flip()) {
        crm::Member& member = transaction.member.emplace();
        member.identifier = {draw.one_of(crm::IdentifierKind::phone), draw.text(crm::text_bytes_max)};
        if (draw.flip()) member.profile = ProfileId{draw.number(INT64_MIN / 2, INT64_MAX / 2)};
    }
    for (std::size_t i = draw.count(60); i > 0; --i)
        transaction.lines.push_back(random_line(draw, transaction.currency));
    for (std::size_t i = draw.count(crm::tenders_max); i > 0; --i) {
        transaction.tenders.push_back({draw.one_of(crm::TenderKind::other), draw.money(transaction.currency),
                                       draw.text(crm::text_bytes_max)});
    }
    for (std::size_t i = draw.count(100); i > 0; --i)
        transaction.redeemed_offers.push_back(OfferId{draw.bits()});
    for (std::size_t i = draw.count(100); i > 0; --i) {
        crm::LedgerEntry& entry = transaction.ledger.emplace_back();
        entry.kind = draw.one_of(crm::LedgerKind::reverse_points);
        entry.points.value = draw.number(-points_max, points_max);
        if (draw.flip()) entry.hold = HoldId{draw.bits()};
        if (draw.flip()) entry.lender = RightsHolder{draw.bits().low};
    }
    transaction.total = draw.money(transaction.currency);
    transaction.tax_total = draw.money(transaction.currency);
    transaction.tax_included = draw.flip();
    transaction.training = draw.flip();
    if (draw.flip()) transaction.link = random_key(draw);
    transaction.host = draw.text(crm::text_bytes_max);
    return transaction;
}

crm::SourceRecord random_source_record(Random& random) {
    Draw draw{random};
    crm::SourceRecord record;
    record.source = draw.text(100);
    record.source_key = draw.text(100);
    record.name = draw.text(1000);
    record.language = draw.text(8);
    record.phone = draw.text(20);
    record.phone_verified = draw.flip();
    record.email = draw.text(200);
    for (std::size_t i = draw.count(100); i > 0; --i) record.cards.push_back(draw.text(40));
    record.home_store.value = draw.text(32);
    record.birthday = draw.text(10);
    record.address = draw.text(1000);
    record.pincode = draw.text(10);
    record.marketing = draw.one_of(crm::Consent::refused, 0);
    return record;
}

crm::ProfileSlice random_profile(Random& random) {
    Draw draw{random};
    crm::ProfileSlice slice;
    slice.id.value = draw.number(1, INT64_MAX - 1);
    slice.name = draw.text(1000);
    slice.language = draw.text(8);
    slice.tier = draw.text(40);
    slice.balance.value = draw.number(-points_max, points_max);
    for (std::size_t i = draw.count(1000); i > 0; --i)
        slice.identifiers.push_back(IdentifierHash{draw.bits()});
    for (std::size_t i = draw.count(50); i > 0; --i) {
        crm::Offer& offer = slice.offers.emplace_back();
        offer.id = OfferId{draw.bits()};
        offer.kind = draw.one_of(crm::OfferKind::welcome);
        offer.item_id = draw.text(200);
        offer.category = draw.text(200);
        offer.percent.value = draw.small(0, 10'000);
        if (draw.flip()) offer.amount_off = draw.money(inr);
        if (draw.flip()) offer.basket_min = draw.money(Currency{840});
        if (draw.flip()) offer.discount_max = draw.money(inr);
        offer.valid_from = draw.time();
        offer.valid_to = draw.time();
        if (draw.flip()) {
            offer.reason = {draw.text(200), draw.text(200), draw.small(0, 10'000'000),
                            draw.small(0, 10'000'000), draw.small(0, 10'000'000)};
        }
    }
    for (std::size_t i = draw.count(50); i > 0; --i) {
        slice.rights.push_back({RightsHolder{draw.bits().low}, Points{draw.number(0, points_max)},
                                Points{draw.number(0, points_max)}});
    }
    return slice;
}

crm::Product random_product(Random& random) {
    Draw draw{random};
    return {draw.text(200), draw.text(200),  draw.text(200),
            draw.text(32),  draw.money(inr), BasisPoints{draw.small(0, 1'000'000)}};
}

} // namespace mudi::test
