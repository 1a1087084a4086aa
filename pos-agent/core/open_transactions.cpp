#include <algorithm>
#include <utility>

#include <mudi/crm/loyalty.hpp>
#include <mudi/crm/transaction_rules.hpp>

#include "desk_impl.hpp"

namespace mudi::till {
namespace {

tl::unexpected<Error> completed() {
    return fail(Code::conflict, "txn.completed", "the transaction of this number is completed");
}

Money tendered(const OpenTransaction& open, Currency currency) {
    Money sum{0, currency};
    for (const crm::Tender& tender : open.tenders) sum.minor += tender.amount.minor;
    return sum;
}

} // namespace

Result<OpenTransaction*> Desk::Impl::opened(const TransactionName& name, Time now) {
    const TransactionKey key = key_of(name, now);
    if (const auto found = open.find(key); found != open.end()) return &found->second;
    MUDI_TRY(const auto stored, storage.find_transaction(key));
    if (stored) return completed();
    return fail(Code::not_found, "txn.unknown", "no transaction of this number is open");
}

Status Desk::Impl::make_room() {
    if (open.size() < options.open_max) return {};
    const auto older = [](const auto& a, const auto& b) {
        return std::pair(a.second.suspended, a.second.touched) <
               std::pair(b.second.suspended, b.second.touched);
    };
    const auto oldest = std::ranges::min_element(open, older);
    if (oldest->second.suspended) return fail(Code::busy, "txn.too_many", "too many suspended transactions");
    // Its hold, if any, lapses by itself.
    open.erase(oldest);
    return {};
}

Result<const OpenTransaction*> Desk::Impl::begin(const Begin& request, Time now) {
    const TransactionKey key = key_of(request.name, now);
    if (!is_storable(key.number, crm::number_bytes_max) || key.number.empty()) {
        return fail(Code::invalid, "sale.number", "a transaction needs a number of 1 to 64 characters");
    }
    for (const auto& text : {request.operator_id, request.host}) {
        if (text && !is_storable(*text, crm::text_bytes_max)) {
            return fail(Code::invalid, "sale.text",
                        "a text is too long, not UTF-8, or holds what may not be stored");
        }
    }
    auto found = open.find(key);
    if (found == open.end()) {
        MUDI_TRY(const auto stored, storage.find_transaction(key));
        if (stored) return completed();
        MUDI_CHECK(make_room());
        OpenTransaction fresh;
        fresh.key = key;
        fresh.begin = now;
        fresh.training = request.training.value_or(false);
        // A hold from before a restart belongs to the transaction still.
        for (const auto& [id, hold] : holds) {
            if (hold.transaction == key && hold.granted && hold.expires > now) fresh.hold = hold;
        }
        found = open.emplace(key, std::move(fresh)).first;
    } else if (request.training && *request.training != found->second.training) {
        return fail(Code::conflict, "txn.training", "a transaction cannot become or cease to be an exercise");
    }
    OpenTransaction& transaction = found->second;
    transaction.touched = now;
    transaction.suspended = false;
    if (request.operator_id) transaction.operator_id = *request.operator_id;
    if (request.host) transaction.host = *request.host;
    return &transaction;
}

crm::RetailTransaction Desk::Impl::as_transaction(const OpenTransaction& transaction) const {
    crm::RetailTransaction sale;
    sale.key = business_key(transaction.key);
    sale.begin = transaction.begin;
    sale.end = std::max(transaction.touched, transaction.begin);
    sale.operator_id = transaction.operator_id;
    sale.host = transaction.host;
    sale.training = transaction.training;
    sale.currency = options.currency;
    sale.member = transaction.member;
    sale.lines = transaction.lines;
    sale.tenders = transaction.tenders;
    for (const AppliedOffer& applied : transaction.applied) sale.redeemed_offers.push_back(applied.offer.id);
    sale.total = transaction.total.value_or(Money{0, options.currency});
    sale.tax_total = tax_of(transaction.lines, options.currency);
    return sale;
}

Result<BasketView> Desk::Impl::set_basket(OpenTransaction& transaction, std::vector<crm::LineItem> lines,
                                          std::optional<Money> total, Time now) {
    if (total && total->currency != options.currency)
        return fail(Code::invalid, "sale.currency", "not the shop's currency");
    if (total && (total->minor > money_minor_max || total->minor < -money_minor_max)) {
        return fail(Code::invalid, "money.overflow", "the amount is out of range");
    }
    crm::RetailTransaction sale = as_transaction(transaction);
    sale.lines = std::move(lines);
    fill_lines(sale.lines, sale.key);
    sale.tenders.clear();
    sale.redeemed_offers.clear();
    auto sum = crm::total_of(sale.lines, options.currency, sale.tax_included);
    if (!sum) {
        if (sum.error().name != "money.currency_mismatch") return tl::make_unexpected(std::move(sum).error());
        return fail(Code::invalid, "sale.currency", "an amount in another currency");
    }
    sale.total = *sum;
    sale.tax_total = tax_of(sale.lines, options.currency);
    if (sale.total.minor != 0) sale.tenders.push_back({crm::TenderKind::cash, sale.total, {}});
    if (!sale.lines.empty()) MUDI_CHECK(crm::validate(sale, {options.currency}));

    BasketView basket;
    MUDI_TRY(basket.points_preview, crm::points_earned(sale, loyalty));
    transaction.lines = std::move(sale.lines);
    transaction.total = total.value_or(sale.total);
    MUDI_TRY(basket.offers, offers(transaction, now));
    // An applied offer follows the basket; one that no longer applies is taken back.
    std::erase_if(transaction.applied, [&](AppliedOffer& applied) {
        const auto view =
            std::ranges::find(basket.offers, applied.offer.id, [](const OfferView& v) { return v.offer.id; });
        if (view == basket.offers.end() || !view->applicable) return true;
        applied.effects = view->effects;
        return false;
    });
    return basket;
}

Result<TenderView> Desk::Impl::add_tender(OpenTransaction& transaction, crm::Tender tender) const {
    if (crm::to_string(tender.kind) == "unknown")
        return fail(Code::invalid, "tender.kind", "an unknown kind of tender");
    if (tender.amount.currency != options.currency)
        return fail(Code::invalid, "sale.currency", "not the shop's currency");
    if (tender.amount.minor == 0) return fail(Code::invalid, "tender.amount", "a tender of nothing");
    if (tender.amount.minor > money_minor_max || tender.amount.minor < -money_minor_max) {
        return fail(Code::invalid, "money.overflow", "the amount is out of range");
    }
    if (crm::contains_bank_card(tender.reference)) {
        return fail(Code::invalid, "tender.reference", "a tender's reference looks like a bank card");
    }
    if (!is_storable(tender.reference, crm::text_bytes_max)) {
        return fail(Code::invalid, "sale.text", "a text is too long, not UTF-8 or has control characters");
    }
    if (transaction.tenders.size() >= crm::tenders_max) {
        return fail(Code::invalid, "sale.too_many_tenders", "too many tenders");
    }
    transaction.tenders.push_back(std::move(tender));
    TenderView view;
    view.tendered = tendered(transaction, options.currency);
    view.due = {transaction.total.value_or(Money{}).minor - view.tendered.minor, options.currency};
    return view;
}

Status Desk::Impl::suspend(OpenTransaction& transaction) {
    MUDI_CHECK(storage.keep(Suspended{as_transaction(transaction)}));
    suspended.insert(transaction.key);
    transaction.suspended = true;
    return {};
}

Status Desk::Impl::cancel(OpenTransaction& transaction, Time now) {
    if (transaction.hold) MUDI_CHECK(release(transaction, now));
    if (suspended.contains(transaction.key)) MUDI_CHECK(storage.keep(SuspendedGone{transaction.key}));
    forget(TransactionKey(transaction.key));
    return {};
}

void Desk::Impl::forget(const TransactionKey& key) {
    suspended.erase(key);
    open.erase(key);
}

} // namespace mudi::till
