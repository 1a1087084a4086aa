#include "draft.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include <mudi/base/text.hpp>
#include <mudi/crm/identifier.hpp>
#include <mudi/crm/transaction_rules.hpp>
#include <mudi/sync/event.hpp>

namespace mudi::till {
namespace {

using crm::RetailTransaction;

/// The document's value, else the open transaction's, else the stored one's, else the default.
template <class T>
T pick(const std::optional<T>& said, const std::type_identity_t<T>* open,
       const std::type_identity_t<T>* stored, std::type_identity_t<T> otherwise) {
    if (said) return *said;
    if (open != nullptr) return *open;
    if (stored != nullptr) return *stored;
    return otherwise;
}

void fill_head(Draft& draft, const SaleDocument& document, const DraftSources& from, Currency shop,
               Time now) {
    RetailTransaction& sale = draft.transaction;
    const OpenTransaction* open = from.open;
    const RetailTransaction* stored = from.stored != nullptr ? &from.stored->transaction : nullptr;
    sale.kind = document.kind;
    sale.host = pick(document.host, open ? &open->host : nullptr, stored ? &stored->host : nullptr, {});
    sale.operator_id = pick(document.operator_id, open ? &open->operator_id : nullptr,
                            stored ? &stored->operator_id : nullptr, {});
    sale.training = pick(document.training, open ? &open->training : nullptr,
                         stored ? &stored->training : nullptr, false);
    sale.tax_included = pick(document.tax_included, nullptr, stored ? &stored->tax_included : nullptr, true);
    sale.currency = document.currency.value_or(shop);

    const bool begin_stored = stored != nullptr && from.stored->given.begin;
    const bool end_stored = stored != nullptr && from.stored->given.end;
    draft.given.begin = document.begin.has_value() || begin_stored;
    draft.given.end = document.end.has_value() || end_stored;
    sale.end = pick(document.end, nullptr, end_stored ? &stored->end : nullptr, now);
    // A begin of our own must not lie after an end of the host's, whose clock may be another.
    sale.begin = pick(document.begin, nullptr, begin_stored ? &stored->begin : nullptr,
                      std::min(open != nullptr ? open->begin : now, sale.end));
    if (!draft.given.end) sale.end = std::max(sale.end, sale.begin);
}

void fill_member(Draft& draft, const DraftSources& from) {
    std::optional<crm::Member>& member = draft.transaction.member;
    if (from.customer) {
        member = crm::Member{*from.customer, {}};
    } else if (from.open != nullptr) {
        member = from.open->member;
    } else if (from.stored != nullptr && from.stored->given.member) {
        member = from.stored->transaction.member;
    }
    draft.given.member = member.has_value();
    if (member) member->profile.reset();
}

void add_offer(std::vector<OfferId>& offers, OfferId id) {
    if (std::ranges::find(offers, id) == offers.end()) offers.push_back(id);
}

void fill_rewards(Draft& draft, const SaleDocument& document, const DraftSources& from) {
    RetailTransaction& sale = draft.transaction;
    if (document.offers) {
        for (const OfferId& id : *document.offers) add_offer(sale.redeemed_offers, id);
    } else if (from.open != nullptr) {
        for (const AppliedOffer& applied : from.open->applied)
            add_offer(sale.redeemed_offers, applied.offer.id);
    } else if (from.stored != nullptr) {
        sale.redeemed_offers = from.stored->transaction.redeemed_offers;
    }
    for (const crm::LineItem& line : sale.lines) {
        for (const crm::Discount& discount : line.discounts) {
            if (discount.offer) add_offer(sale.redeemed_offers, *discount.offer);
        }
    }
    draft.hold = document.hold;
    if (!draft.hold && from.open != nullptr && from.open->hold) draft.hold = from.open->hold->id;
}

Status fill_amounts(Draft& draft, const SaleDocument& document, const DraftSources& from) {
    RetailTransaction& sale = draft.transaction;
    const RetailTransaction* stored = from.stored != nullptr ? &from.stored->transaction : nullptr;
    sale.lines =
        pick(document.lines, from.open ? &from.open->lines : nullptr, stored ? &stored->lines : nullptr, {});
    sale.tenders = pick(document.tenders, from.open ? &from.open->tenders : nullptr,
                        stored ? &stored->tenders : nullptr, {});
    fill_lines(sale.lines, sale.key);
    if (document.total) {
        sale.total = *document.total;
    } else if (from.open != nullptr && from.open->total && !document.lines) {
        sale.total = *from.open->total;
    } else {
        MUDI_TRY(sale.total, crm::total_of(sale.lines, sale.currency, sale.tax_included));
    }
    sale.tax_total = document.tax_total.value_or(stored != nullptr ? stored->tax_total
                                                                   : tax_of(sale.lines, sale.currency));
    return {};
}

} // namespace

bool is_storable(std::string_view text, std::size_t bytes_max) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    return text.size() <= bytes_max && is_utf8(text) && std::ranges::none_of(text, is_control) &&
           !crm::contains_bank_card(text);
}

Money tax_of(std::span<const crm::LineItem> lines, Currency currency) {
    Wide sum = 0;
    for (const crm::LineItem& line : lines) {
        sum += line.type == crm::LineType::return_ ? -Wide{line.tax.minor} : Wide{line.tax.minor};
    }
    // Beyond the range crm::validate refuses the lines anyway.
    return {static_cast<std::int64_t>(std::clamp<Wide>(sum, -money_minor_max - 1, money_minor_max + 1)),
            currency};
}

void fill_lines(std::vector<crm::LineItem>& lines, const crm::BusinessKey& key) {
    std::int32_t position = 0;
    for (crm::LineItem& line : lines) {
        ++position;
        if (line.number == 0) line.number = position;
        if (line.unit.empty()) line.unit = "EA";
        if (!line.link) continue;
        crm::BusinessKey& original = line.link->original;
        // A link to another store must say the workstation as well.
        if (original.store.value.empty() && original.workstation.value.empty())
            original.workstation = key.workstation;
        if (original.store.value.empty()) original.store = key.store;
        if (original.workstation.value.empty() && original.store == key.store)
            original.workstation = key.workstation;
    }
}

Bits128 content_hash(crm::RetailTransaction& transaction, const GivenByHost& given) {
    const Time begin = transaction.begin;
    const Time end = transaction.end;
    if (!given.begin) transaction.begin = Time{};
    if (!given.end) transaction.end = Time{};
    const Bits128 hash = hash128(sync::encode(transaction));
    transaction.begin = begin;
    transaction.end = end;
    return hash;
}

Result<Draft> make_draft(const SaleDocument& document, const crm::BusinessKey& key,
                         const DraftSources& sources, Currency shop, Time now) {
    if (document.kind == crm::TransactionKind::post_void) {
        return fail(Code::invalid, "sale.kind", "a post-void has a call of its own");
    }
    Draft draft;
    draft.transaction.key = key;
    fill_head(draft, document, sources, shop, now);
    fill_member(draft, sources);
    if (draft.transaction.currency != shop)
        return fail(Code::invalid, "sale.currency", "not the shop's currency");
    auto amounts = fill_amounts(draft, document, sources);
    if (!amounts) {
        // The same fault under the name that crm::validate gives it.
        if (amounts.error().name != "money.currency_mismatch")
            return tl::make_unexpected(std::move(amounts).error());
        return fail(Code::invalid, "sale.currency", "an amount in another currency");
    }
    fill_rewards(draft, document, sources);
    MUDI_CHECK(crm::validate(draft.transaction, {shop}));
    draft.content_hash = content_hash(draft.transaction, draft.given);
    if (document.event) {
        draft.id_from_host = true;
        draft.transaction.id = *document.event;
    }
    return draft;
}

} // namespace mudi::till
