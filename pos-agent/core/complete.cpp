#include <algorithm>
#include <utility>

#include "desk_impl.hpp"

namespace mudi::till {
namespace {

/// How long after midnight a document without a day may be one of yesterday's come again.
constexpr Duration midnight_margin{std::chrono::minutes{10}};

struct Movements {
    Points earned;
    Points redeemed;
};

Movements movements_of(const std::vector<crm::LedgerEntry>& ledger) {
    Movements sum;
    for (const crm::LedgerEntry& entry : ledger) {
        // A hold marks what was, or undoes, a redemption.
        if (entry.hold)
            sum.redeemed.value -= entry.points.value;
        else
            sum.earned.value += entry.points.value;
    }
    return sum;
}

tl::unexpected<Error> conflict() {
    return fail(Code::conflict, "sale.conflict", "the number is taken by a transaction with another content");
}

} // namespace

Result<Draft> Desk::Impl::draft_of(const SaleDocument& document, const TransactionKey& key,
                                   DraftSources sources, Time now) const {
    if (document.customer) {
        MUDI_TRY(sources.customer, parse(*document.customer, now));
    }
    return make_draft(document, business_key(key), sources, options.currency, now);
}

/// A host that lost our answer just before midnight and does not name the day asks again on the next.
Result<std::optional<StoredTransaction>> Desk::Impl::find_over_midnight(const SaleDocument& document,
                                                                        Time now) {
    const BusinessDay earlier = business_day_at(now - midnight_margin, options.zone_offset);
    if (document.name.day || earlier == business_day_at(now, options.zone_offset))
        return std::optional<StoredTransaction>{};
    const TransactionKey key{earlier, document.name.number};
    MUDI_TRY(auto stored, storage.find_transaction(key));
    if (!stored) return stored;
    const auto draft = draft_of(document, key, {nullptr, &*stored, {}}, now);
    if (!draft || draft->content_hash != stored->content_hash) return std::optional<StoredTransaction>{};
    return stored;
}

Result<Receipt> Desk::Impl::complete(const SaleDocument& document, Time now) {
    const TransactionKey key = key_of(document.name, now);
    MUDI_TRY(auto stored, storage.find_transaction(key));
    if (stored) {
        MUDI_TRY(const Draft again, draft_of(document, key, {nullptr, &*stored, {}}, now));
        if (again.content_hash != stored->content_hash) return conflict();
        return receipt_of(*std::move(stored), true, now);
    }
    const auto found = open.find(key);
    const OpenTransaction* transaction = found != open.end() ? &found->second : nullptr;
    if (transaction == nullptr) {
        MUDI_TRY(auto yesterday, find_over_midnight(document, now));
        if (yesterday) return receipt_of(*std::move(yesterday), true, now);
    } else if (document.training && *document.training != transaction->training) {
        return fail(Code::conflict, "txn.training", "a transaction cannot become or cease to be an exercise");
    }
    MUDI_TRY(auto draft, draft_of(document, key, {transaction, nullptr, {}}, now));
    MUDI_TRY(auto capture, prepare(std::move(draft), transaction));
    MUDI_TRY(auto receipt, record(std::move(capture), now));
    if (transaction != nullptr) {
        // A hold that the sale did not use frees its points; should the storage fail here, it lapses by
        // itself.
        const auto hold = transaction->hold;
        forget(key);
        if (hold && holds.contains(hold->id)) let_go(*hold, now);
    }
    return receipt;
}

Result<Capture> Desk::Impl::prepare(Draft draft, const OpenTransaction* transaction) {
    Capture capture;
    capture.draft = std::move(draft);
    crm::RetailTransaction& sale = capture.draft.transaction;
    const bool moves_nothing = sale.training || sale.kind == crm::TransactionKind::adjustment;
    if (moves_nothing) sale.redeemed_offers.clear();
    MUDI_CHECK(take_back(capture));
    if (sale.member) {
        MUDI_TRY(capture.held, held(sale.member->identifier));
        sale.member->profile = capture.held ? std::optional{capture.held->slice.id} : std::nullopt;
    }
    if (moves_nothing) return capture;
    MUDI_CHECK(check_offers(capture, transaction));
    MUDI_CHECK(take_hold(capture));
    if (sale.member) MUDI_CHECK(book_points(capture));
    return capture;
}

Result<Receipt> Desk::Impl::record(Capture capture, Time now) {
    Draft& draft = capture.draft;
    crm::RetailTransaction& sale = draft.transaction;
    if (!draft.id_from_host) sale.id = EventId{random.bits128()};
    sale.ledger = capture.ledger;

    SaleToRecord record;
    record.id_from_host = draft.id_from_host;
    record.captured = now;
    record.event.id = sale.id;
    record.event.hlc = hlc.next(now);
    record.event.kind = static_cast<std::uint32_t>(sync::EventKind::retail_transaction);
    record.event.body = sync::encode(sale);
    if (record.event.body.size() > sync::event_body_bytes_max) {
        return fail(Code::invalid, "sale.too_large", "the transaction is too large to be sent");
    }
    Receipt receipt;
    receipt.key = sale.key;
    receipt.event = sale.id;
    receipt.kind = sale.kind;
    receipt.total = capture.receipt_total.value_or(sale.total);
    receipt.training = sale.training;
    const Movements moved = movements_of(capture.ledger);
    receipt.points_earned = moved.earned;
    receipt.points_redeemed = moved.redeemed;
    if (capture.held) {
        MUDI_TRY(auto customer, view(*capture.held, now, nullptr));
        customer.points = available(*capture.held, now, capture.hold ? &*capture.hold : nullptr);
        customer.points.value += moved.earned.value - moved.redeemed.value;
        receipt.points_balance = customer.points;
        receipt.customer = std::move(customer);
    }
    SaleRows& rows = record.sale.emplace();
    rows.key = {sale.key.day, sale.key.number};
    rows.kind = sale.kind;
    rows.content_hash = draft.content_hash;
    rows.given = draft.given;
    rows.training = sale.training;
    rows.total = receipt.total;
    rows.balance = receipt.points_balance;
    rows.returns = std::move(capture.returns);
    rows.voids = capture.voids;
    rows.was_suspended = suspended.contains(rows.key);
    if (capture.hold) rows.hold = capture.hold->id;
    if (const auto member = sale.member ? hash_of(sale.member->identifier) : std::nullopt) {
        const ProfileId profile = sale.member->profile.value_or(ProfileId{});
        for (const crm::LedgerEntry& entry : capture.ledger) rows.ledger.push_back({*member, profile, entry});
    }
    MUDI_TRY(receipt.seq, storage.record(record));
    last_captured = receipt.seq;
    if (capture.hold) holds.erase(capture.hold->id);
    return receipt;
}

Result<Receipt> Desk::Impl::receipt_of(StoredTransaction stored, bool repeated, Time now) {
    const crm::RetailTransaction& sale = stored.transaction;
    Receipt receipt;
    receipt.key = sale.key;
    receipt.event = sale.id;
    receipt.seq = stored.seq;
    receipt.repeated = repeated;
    receipt.kind = sale.kind;
    receipt.total = sale.total;
    receipt.training = sale.training;
    const Movements moved = movements_of(sale.ledger);
    receipt.points_earned = moved.earned;
    receipt.points_redeemed = moved.redeemed;
    receipt.points_balance = stored.balance;
    if (sale.kind == crm::TransactionKind::post_void && sale.link) {
        MUDI_TRY(const auto original, storage.find_transaction({sale.link->day, sale.link->number}));
        if (original) receipt.total.minor = -original->transaction.total.minor;
    }
    // Who was not known when the receipt was made is not on it.
    if (sale.member && stored.balance) {
        MUDI_TRY(const auto profile, held(sale.member->identifier));
        if (profile) {
            MUDI_TRY(receipt.customer, view(*profile, now, nullptr));
            receipt.customer->points = *stored.balance;
        }
    }
    return receipt;
}

} // namespace mudi::till
