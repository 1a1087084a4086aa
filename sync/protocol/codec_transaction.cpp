#include <algorithm>

#include <mudi.pb.h>

#include <mudi/base/assert.hpp>
#include <mudi/crm/transaction_rules.hpp>
#include <mudi/sync/event.hpp>

#include "codec.hpp"

/// Predictions are part of the format: changing one is a new event_schema. They wrap like unsigned numbers,
/// so that whatever a host says comes back exactly.
namespace mudi::sync {
namespace {

std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::int64_t wrapping_subtract(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

constexpr std::int64_t whole_unit = 1000;
/// What a message keeps is at most so many bodies of that size.
constexpr std::size_t kept_body_bytes_max = 8 * 1024;
constexpr int kept_uses_max = 1000;

std::int64_t predicted_amount(const crm::LineItem& line) {
    if (!line.unit_price) return 0;
    std::int64_t amount =
        round_half_even(Wide{line.unit_price->minor} * line.quantity.thousandths, whole_unit);
    for (const crm::Discount& discount : line.discounts)
        amount = wrapping_subtract(amount, discount.amount.minor);
    return amount;
}

std::int64_t predicted_tax(std::int64_t amount, BasisPoints rate, bool included) {
    if (rate.value <= 0) return 0;
    return round_half_even(Wide{amount} * rate.value, included ? std::int64_t{10'000} + rate.value : 10'000);
}

struct Sums {
    std::int64_t total{};
    std::int64_t tax{};
};

Sums predicted_sums(const crm::RetailTransaction& transaction) {
    Sums sums;
    for (const crm::LineItem& line : transaction.lines) {
        const bool back = line.type == crm::LineType::return_;
        sums.total = back ? wrapping_subtract(sums.total, line.amount.minor)
                          : wrapping_add(sums.total, line.amount.minor);
        sums.tax =
            back ? wrapping_subtract(sums.tax, line.tax.minor) : wrapping_add(sums.tax, line.tax.minor);
    }
    if (!transaction.tax_included) sums.total = wrapping_add(sums.total, sums.tax);
    return sums;
}

/// Sales happen on or next to their business day: a time within it is three bytes shorter than one since
/// 1970.
std::int64_t day_start_ms(BusinessDay day) {
    return std::chrono::duration_cast<Duration>(to_days(day).time_since_epoch()).count();
}

void write(const crm::BusinessKey& key, wire::BusinessKey& out) {
    out.set_store(key.store.value);
    out.set_workstation(key.workstation.value);
    out.set_day(static_cast<std::uint32_t>(key.day.yyyymmdd));
    out.set_number(key.number);
}

crm::BusinessKey read(const wire::BusinessKey& in, Checker& check) {
    return {StoreId{check.text(in.store(), word_bytes_max, "link.store")},
            WorkstationId{check.text(in.workstation(), word_bytes_max, "link.workstation")},
            check.day(in.day(), "link.day"), check.text(in.number(), crm::number_bytes_max, "link.number")};
}

void write_line(const crm::LineItem& line, std::int32_t number_before, bool tax_included, wire::Line& out) {
    out.set_item_id(line.item_id);
    out.set_description(line.description);
    out.set_category(line.category);
    out.set_unit(line.unit);
    if (line.unit_price) out.set_unit_price(line.unit_price->minor);
    out.set_tax_rate(line.tax_rate.value);
    out.set_quantity(wrapping_subtract(line.quantity.thousandths, whole_unit));
    out.set_amount(wrapping_subtract(line.amount.minor, predicted_amount(line)));
    out.set_tax(
        wrapping_subtract(line.tax.minor, predicted_tax(line.amount.minor, line.tax_rate, tax_included)));
    out.set_type(static_cast<std::uint32_t>(line.type) - 1);
    out.set_number(std::int64_t{line.number} - number_before - 1);
    out.set_not_goods(!line.goods);
    for (const crm::Discount& discount : line.discounts) {
        wire::Discount& to = *out.add_discounts();
        to.set_promotion(discount.promotion);
        if (discount.offer) to.set_offer(to_bytes(discount.offer->value).data);
        to.set_amount(discount.amount.minor);
    }
    if (line.link) {
        write(line.link->original, *out.mutable_link());
        out.set_link_line(line.link->line);
    }
}

crm::LineItem read_line(const wire::Line& in, std::int32_t number_before,
                        const crm::RetailTransaction& transaction, Checker& check) {
    const Currency currency = transaction.currency;
    crm::LineItem line;
    line.item_id = check.text(in.item_id(), crm::text_bytes_max, "line.item");
    line.description = check.text(in.description(), crm::text_bytes_max, "line.description");
    line.category = check.text(in.category(), crm::text_bytes_max, "line.category");
    line.unit = check.text(in.unit(), word_bytes_max, "line.unit");
    if (in.has_unit_price()) line.unit_price = check.money(in.unit_price(), currency, "line.unit_price");
    line.tax_rate.value = check.range(in.tax_rate(), 0, 1'000'000, "line.tax_rate");
    line.quantity.thousandths =
        check.range(wrapping_add(in.quantity(), whole_unit), -quantity_thousandths_max,
                    quantity_thousandths_max, "line.quantity");
    check.require(static_cast<std::size_t>(in.discounts_size()) <= crm::discounts_per_line_max,
                  "line.discounts");
    if (check.fault() != nullptr) return line;
    for (const wire::Discount& from : in.discounts()) {
        crm::Discount& discount = line.discounts.emplace_back();
        discount.promotion = check.text(from.promotion(), crm::text_bytes_max, "discount.promotion");
        if (!from.offer().empty()) discount.offer = OfferId{check.bits(from.offer(), "discount.offer")};
        discount.amount = check.money(from.amount(), currency, "discount.amount");
    }
    line.amount = check.money(wrapping_add(in.amount(), predicted_amount(line)), currency, "line.amount");
    line.tax = check.money(
        wrapping_add(in.tax(), predicted_tax(line.amount.minor, line.tax_rate, transaction.tax_included)),
        currency, "line.tax");
    line.type = check.enumeration(in.type(), 1, crm::LineType::sale, crm::LineType::return_, "line.type");
    const std::int64_t number = wrapping_add(std::int64_t{number_before} + 1, in.number());
    line.number = static_cast<std::int32_t>(check.range(number, 1, 1'000'000, "line.number"));
    line.goods = !in.not_goods();
    if (in.has_link()) {
        line.link =
            crm::LineLink{read(in.link(), check), check.range(in.link_line(), 0, 1'000'000, "link.line")};
    }
    return line;
}

void write_tenders(const crm::RetailTransaction& transaction, wire::RetailTransaction& out) {
    std::int64_t left = transaction.total.minor;
    for (const crm::Tender& tender : transaction.tenders) {
        wire::Tender& to = *out.add_tenders();
        const bool last = &tender == &transaction.tenders.back();
        to.set_kind(static_cast<std::uint32_t>(tender.kind) - 1);
        to.set_amount(last ? wrapping_subtract(tender.amount.minor, left) : tender.amount.minor);
        to.set_reference(tender.reference);
        left = wrapping_subtract(left, tender.amount.minor);
    }
}

void read_tenders(const wire::RetailTransaction& in, crm::RetailTransaction& transaction, Checker& check) {
    check.require(static_cast<std::size_t>(in.tenders_size()) <= crm::tenders_max, "tenders");
    if (check.fault() != nullptr) return;
    std::int64_t left = transaction.total.minor;
    for (int i = 0; i < in.tenders_size(); ++i) {
        const wire::Tender& from = in.tenders(i);
        const bool last = i + 1 == in.tenders_size();
        crm::Tender& tender = transaction.tenders.emplace_back();
        tender.kind =
            check.enumeration(from.kind(), 1, crm::TenderKind::cash, crm::TenderKind::other, "tender.kind");
        tender.amount = check.money(last ? wrapping_add(from.amount(), left) : from.amount(),
                                    transaction.currency, "tender.amount");
        tender.reference = check.text(from.reference(), crm::text_bytes_max, "tender.reference");
        left = wrapping_subtract(left, tender.amount.minor);
    }
}

void read_ledger(const wire::RetailTransaction& in, crm::RetailTransaction& transaction, Checker& check) {
    check.require(in.ledger_size() <= 100, "ledger");
    if (check.fault() != nullptr) return;
    for (const wire::LedgerEntry& from : in.ledger()) {
        crm::LedgerEntry& entry = transaction.ledger.emplace_back();
        entry.kind = check.enumeration(from.kind(), 1, crm::LedgerKind::accumulate_points,
                                       crm::LedgerKind::reverse_points, "ledger.kind");
        entry.points.value = check.range(from.points(), -points_max, points_max, "ledger.points");
        if (!from.hold().empty()) entry.hold = HoldId{check.bits(from.hold(), "ledger.hold")};
        entry.lender.value = from.lender();
    }
}

void read_member(const wire::RetailTransaction& in, crm::RetailTransaction& transaction, Checker& check) {
    if (!in.has_member()) return;
    const wire::Member& from = in.member();
    crm::Member& member = transaction.member.emplace();
    member.identifier.kind = check.enumeration(from.identifier_kind(), 1, crm::IdentifierKind::card,
                                               crm::IdentifierKind::phone, "member.identifier_kind");
    member.identifier.value = check.text(from.identifier(), crm::text_bytes_max, "member.identifier");
    if (from.has_profile()) member.profile = ProfileId{from.profile()};
}

/// Currency travels once: an amount of another one is a bug of whoever skipped crm::validate, and must not be
/// relabelled.
void require_one_currency(const crm::RetailTransaction& transaction) {
    const auto fits = [&](Money money) { return money.minor == 0 || money.currency == transaction.currency; };
    MUDI_ASSERT(fits(transaction.total) && fits(transaction.tax_total));
    for (const crm::Tender& tender : transaction.tenders) MUDI_ASSERT(fits(tender.amount));
    for (const crm::LineItem& line : transaction.lines) {
        MUDI_ASSERT(fits(line.amount) && fits(line.tax) && (!line.unit_price || fits(*line.unit_price)));
        for (const crm::Discount& discount : line.discounts) MUDI_ASSERT(fits(discount.amount));
    }
}

void write_header(const crm::RetailTransaction& transaction, wire::RetailTransaction& out) {
    out.set_store(transaction.key.store.value);
    out.set_workstation(transaction.key.workstation.value);
    out.set_host(transaction.host);
    out.set_operator_id(transaction.operator_id);
    out.set_currency(transaction.currency.number);
    out.set_day(static_cast<std::uint32_t>(transaction.key.day.yyyymmdd));
    out.set_kind(static_cast<std::uint32_t>(transaction.kind) - 1);
    out.set_begin(wrapping_subtract(to_ms(transaction.begin), day_start_ms(transaction.key.day)));
    out.set_duration(wrapping_subtract(to_ms(transaction.end), to_ms(transaction.begin)));
    out.set_number(transaction.key.number);
    out.set_tax_excluded(!transaction.tax_included);
    out.set_training(transaction.training);
    if (transaction.link) write(*transaction.link, *out.mutable_link());
    if (!transaction.member) return;
    wire::Member& member = *out.mutable_member();
    member.set_identifier_kind(static_cast<std::uint32_t>(transaction.member->identifier.kind) - 1);
    member.set_identifier(transaction.member->identifier.value);
    if (transaction.member->profile) member.set_profile(transaction.member->profile->value);
}

void read_header(const wire::RetailTransaction& in, crm::RetailTransaction& transaction, Checker& check) {
    transaction.key = {StoreId{check.text(in.store(), word_bytes_max, "store")},
                       WorkstationId{check.text(in.workstation(), word_bytes_max, "workstation")},
                       check.day(in.day(), "day"), check.text(in.number(), crm::number_bytes_max, "number")};
    transaction.host = check.text(in.host(), crm::text_bytes_max, "host");
    transaction.operator_id = check.text(in.operator_id(), crm::text_bytes_max, "operator");
    transaction.currency = check.currency(in.currency(), "currency");
    transaction.kind =
        check.enumeration(in.kind(), 1, crm::TransactionKind::sale, crm::TransactionKind::adjustment, "kind");
    transaction.begin = check.time(wrapping_add(in.begin(), day_start_ms(transaction.key.day)), "begin");
    transaction.end = check.time(wrapping_add(to_ms(transaction.begin), in.duration()), "end");
    transaction.tax_included = !in.tax_excluded();
    transaction.training = in.training();
    if (in.has_link()) transaction.link = read(in.link(), check);
    read_member(in, transaction, check);
}

void read_offers(const wire::RetailTransaction& in, crm::RetailTransaction& transaction, Checker& check) {
    const std::string& offers = in.redeemed_offers();
    check.require(offers.size() % 16 == 0 && offers.size() <= 16 * 100, "redeemed_offers");
    if (check.fault() != nullptr) return;
    for (std::size_t at = 0; at < offers.size(); at += 16) {
        transaction.redeemed_offers.push_back(
            OfferId{*bits128_from_bytes(std::string_view(offers).substr(at, 16))});
    }
}

} // namespace

std::string encode(const crm::RetailTransaction& transaction) {
    require_one_currency(transaction);
    wire::RetailTransaction out;
    write_header(transaction, out);
    std::int32_t number_before = 0;
    for (const crm::LineItem& line : transaction.lines) {
        write_line(line, number_before, transaction.tax_included, *out.add_lines());
        number_before = line.number;
    }
    const Sums sums = predicted_sums(transaction);
    out.set_total(wrapping_subtract(transaction.total.minor, sums.total));
    out.set_tax_total(wrapping_subtract(transaction.tax_total.minor, sums.tax));
    write_tenders(transaction, out);
    for (const OfferId& offer : transaction.redeemed_offers)
        append_bits(*out.mutable_redeemed_offers(), offer.value);
    for (const crm::LedgerEntry& entry : transaction.ledger) {
        wire::LedgerEntry& to = *out.add_ledger();
        to.set_kind(static_cast<std::uint32_t>(entry.kind) - 1);
        to.set_points(entry.points.value);
        if (entry.hold) to.set_hold(to_bytes(entry.hold->value).data);
        to.set_lender(entry.lender.value);
    }
    return out.SerializeAsString();
}

Result<crm::RetailTransaction> decode_transaction(std::string_view body) {
    // A message that is parsed into again keeps its lines and their texts: else a sale costs fifty
    // allocations.
    thread_local wire::RetailTransaction kept;
    thread_local int uses = 0;
    if (++uses > kept_uses_max) {
        uses = 0;
        wire::RetailTransaction{}.Swap(&kept);
    }
    wire::RetailTransaction large;
    wire::RetailTransaction& in = body.size() > kept_body_bytes_max ? large : kept;
    if (!in.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
        return fail(Code::corrupt, "event.corrupt", "the body is no transaction");
    }
    Checker check;
    crm::RetailTransaction transaction;
    read_header(in, transaction, check);
    check.require(static_cast<std::size_t>(in.lines_size()) <= crm::lines_max, "lines");
    std::int32_t number_before = 0;
    if (check.fault() == nullptr) transaction.lines.reserve(static_cast<std::size_t>(in.lines_size()));
    for (int i = 0; i < in.lines_size() && check.fault() == nullptr; ++i) {
        transaction.lines.push_back(read_line(in.lines(i), number_before, transaction, check));
        number_before = transaction.lines.back().number;
    }
    const Sums sums = predicted_sums(transaction);
    transaction.total = check.money(wrapping_add(in.total(), sums.total), transaction.currency, "total");
    transaction.tax_total =
        check.money(wrapping_add(in.tax_total(), sums.tax), transaction.currency, "tax_total");
    read_tenders(in, transaction, check);
    read_offers(in, transaction, check);
    read_ledger(in, transaction, check);
    if (check.fault() != nullptr) {
        return fail(Code::corrupt, "event.corrupt", std::string("out of range: ") + check.fault());
    }
    return transaction;
}

} // namespace mudi::sync
