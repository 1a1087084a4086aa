#include <utility>

#include <mudi/crm/transaction_rules.hpp>

#include "desk_impl.hpp"

namespace mudi::till {
namespace {

/// Every movement of the original the other way round.
std::vector<crm::LedgerEntry> undone(const std::vector<crm::LedgerEntry>& ledger) {
    std::vector<crm::LedgerEntry> entries;
    for (const crm::LedgerEntry& entry : ledger) {
        entries.push_back({crm::LedgerKind::reverse_points, {-entry.points.value}, entry.hold});
    }
    return entries;
}

} // namespace

Result<Receipt> Desk::Impl::post_void(const Void& request, Time now) {
    const TransactionKey key = key_of(request.name, now);
    MUDI_TRY(auto repeated, storage.find_transaction(key));
    const TransactionKey original_key = key_of(request.original, now);
    if (repeated) {
        const auto& link = repeated->transaction.link;
        const bool same = repeated->transaction.kind == crm::TransactionKind::post_void &&
                          link == business_key(original_key);
        if (!same)
            return fail(Code::conflict, "sale.conflict",
                        "the number is taken by a transaction with another content");
        return receipt_of(*std::move(repeated), true, now);
    }
    if (open.contains(key))
        return fail(Code::conflict, "sale.conflict", "a transaction of this number is open");
    MUDI_TRY(const auto original, storage.find_transaction(original_key));
    if (!original || original->transaction.kind == crm::TransactionKind::post_void) {
        return fail(Code::not_found, "void.unknown",
                    "no transaction of this number that could be undone is completed here");
    }
    if (original->voided) return fail(Code::conflict, "void.already", "the transaction was undone before");
    if (!original->returned.empty())
        return fail(Code::conflict, "void.returned", "something of it was returned already");

    Capture capture;
    crm::RetailTransaction& sale = capture.draft.transaction;
    sale.kind = crm::TransactionKind::post_void;
    sale.key = business_key(key);
    sale.begin = now;
    sale.end = now;
    sale.operator_id = request.operator_id.value_or(original->transaction.operator_id);
    sale.host = request.host.value_or(original->transaction.host);
    sale.currency = options.currency;
    sale.member = original->transaction.member;
    sale.total = {0, options.currency};
    sale.tax_total = {0, options.currency};
    sale.tax_included = original->transaction.tax_included;
    sale.training = original->transaction.training;
    sale.link = original->transaction.key;
    MUDI_CHECK(crm::validate(sale, {options.currency}));
    capture.draft.content_hash = content_hash(sale, {});
    capture.ledger = undone(original->transaction.ledger);
    capture.voids = original_key;
    capture.receipt_total = Money{-original->transaction.total.minor, options.currency};
    if (sale.member) {
        MUDI_TRY(capture.held, held(sale.member->identifier));
    }
    return record(std::move(capture), now);
}

} // namespace mudi::till
