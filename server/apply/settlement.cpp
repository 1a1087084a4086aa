#include "settlement.hpp"

#include <algorithm>

#include <mudi/crm/loyalty.hpp>
#include <mudi/crm/transaction_rules.hpp>
#include <mudi/server/purchases.hpp>

#include "readable.hpp"

namespace mudi::server {

namespace {

using crm::LineItem;
using crm::LineType;
using crm::TransactionKind;

std::uint32_t with(std::uint32_t flags, PurchaseFlag flag, bool on) {
    const auto bit = static_cast<std::uint32_t>(flag);
    return on ? flags | bit : flags & ~bit;
}

/// Lines of `transaction` that take back lines of `original`. A whole return need not name lines: then the
/// first sold line of the item is meant, and line 0 when there is none.
std::vector<LineItem> returned_lines(const crm::RetailTransaction& transaction,
                                     const crm::RetailTransaction& original) {
    std::vector<LineItem> lines;
    for (const LineItem& line : transaction.lines) {
        if (line.type != LineType::return_) continue;
        if (line.link) {
            if (line.link->original == original.key) lines.push_back(line);
            continue;
        }
        if (transaction.link != original.key) continue;
        const auto sold =
            std::find_if(original.lines.begin(), original.lines.end(), [&](const LineItem& candidate) {
                return candidate.type == LineType::sale && candidate.item_id == line.item_id;
            });
        lines.push_back(line);
        lines.back().link = crm::LineLink{original.key, sold == original.lines.end() ? 0 : sold->number};
    }
    return lines;
}

std::int64_t fixed_points(const crm::RetailTransaction& transaction) {
    std::int64_t points = 0;
    for (const crm::LedgerEntry& entry : transaction.ledger) {
        if (!is_earning(entry.kind)) points += entry.points.value;
    }
    return points;
}

} // namespace

std::vector<crm::BusinessKey> links_of(const crm::RetailTransaction& transaction) {
    std::vector<crm::BusinessKey> links;
    if (transaction.link) links.push_back(*transaction.link);
    for (const LineItem& line : transaction.lines) {
        if (line.link && std::find(links.begin(), links.end(), line.link->original) == links.end()) {
            links.push_back(line.link->original);
        }
    }
    return links;
}

Result<Settlement::Loaded*> Settlement::load(std::int64_t arrival) {
    if (const auto known = loaded_.find(arrival); known != loaded_.end()) return &known->second;
    MUDI_TRY(const auto head, books_.purchases.head(arrival));
    MUDI_TRY(const auto event, books_.backlog.one(arrival));
    if (!head || !event) return nullptr;
    MUDI_TRY(auto body, sync::decode(event->event));
    auto* transaction = std::get_if<crm::RetailTransaction>(&body);
    if (transaction == nullptr) return nullptr;
    return &loaded_.emplace(arrival, Loaded{*head, std::move(*transaction)}).first->second;
}

Result<Settlement::Loaded*> Settlement::holder(const crm::BusinessKey& key) {
    MUDI_TRY(const auto head, books_.purchases.holder(key_hash(key, false)));
    if (!head || head->key != key) return nullptr;
    return load(head->arrival);
}

Result<std::vector<Settlement::Loaded*>> Settlement::linked_to(const Loaded& original) {
    std::vector<Loaded*> linked;
    MUDI_TRY(const auto arrivals, books_.purchases.linked(key_hash(original.head.key, false)));
    for (const std::int64_t arrival : arrivals) {
        MUDI_TRY(Loaded* const purchase, load(arrival));
        if (purchase == nullptr) continue;
        const auto links = links_of(purchase->transaction);
        if (std::find(links.begin(), links.end(), original.head.key) != links.end())
            linked.push_back(purchase);
    }
    return linked;
}

Status Settlement::set(Loaded& purchase, std::uint32_t flags, SourceRecordId record, Time now) {
    if (purchase.head.flags == flags && purchase.head.record == record) return {};
    const bool recount =
        purchase.head.record != record || has(purchase.head.flags ^ flags, PurchaseFlag::voided);
    purchase.head.flags = flags;
    purchase.head.record = record;
    MUDI_CHECK(books_.purchases.update(purchase.head.arrival, flags, record));
    books_.records.mark_dirty(record, now);
    return recount ? books_.habits.rebuild(record) : Status{};
}

Result<bool> Settlement::all_known(const Loaded& purchase) {
    for (const crm::BusinessKey& key : links_of(purchase.transaction)) {
        MUDI_TRY(const Loaded* const original, holder(key));
        if (original == nullptr) return false;
    }
    return true;
}

/// Voids, owners, and whether more came back than was sold: over all that refer to `original`.
Status Settlement::settle_facts(Loaded& original, Time now) {
    MUDI_TRY(const auto linked, linked_to(original));
    const bool voided = std::any_of(linked.begin(), linked.end(), [&](const Loaded* purchase) {
        return purchase->transaction.kind == TransactionKind::post_void &&
               purchase->transaction.link == original.head.key;
    });
    MUDI_CHECK(
        set(original, with(original.head.flags, PurchaseFlag::voided, voided), original.head.record, now));
    std::vector<crm::ReturnedQuantity> before;
    for (Loaded* const purchase : linked) {
        MUDI_TRY(const bool known, all_known(*purchase));
        std::uint32_t flags = with(purchase->head.flags, PurchaseFlag::original_unknown, !known);
        const auto lines = returned_lines(purchase->transaction, original.transaction);
        if (!lines.empty() && !has(flags, PurchaseFlag::voided)) {
            const bool fits = crm::check_return(original.transaction, before, lines).has_value();
            const bool only_link = links_of(purchase->transaction).size() == 1;
            if (!fits || only_link) flags = with(flags, PurchaseFlag::discrepancy, !fits);
            for (const LineItem& line : lines)
                before.push_back({line.link->line, line.quantity, line.amount});
        }
        const SourceRecordId owner =
            purchase->head.record.value != 0 ? purchase->head.record : original.head.record;
        MUDI_CHECK(set(*purchase, flags, owner, now));
    }
    return {};
}

/// The transaction whose points a void or a return belongs to; itself when that is not known, or not one.
Result<Settlement::Loaded*> Settlement::root_of(Loaded& purchase) {
    Loaded* at = &purchase;
    // A void of a return of a sale: two steps. The bound is for links that go in a circle.
    for (int step = 0; step < 3; ++step) {
        const auto links = links_of(at->transaction);
        const bool follows = at->transaction.kind == TransactionKind::post_void ||
                             at->transaction.kind == TransactionKind::return_;
        if (!follows || links.size() != 1) return at;
        MUDI_TRY(Loaded* const original, holder(links.front()));
        if (original == nullptr || original == &purchase) return at;
        at = original;
    }
    return at;
}

Result<Points> Settlement::reversed(const Loaded& original, const std::vector<LineItem>& returned) const {
    auto points = crm::points_reversed(original.transaction, returned, Points{0}, rules_.loyalty);
    if (points) return points;
    // More came back than there was: everything that was earned goes.
    return crm::points_earned(original.transaction, rules_.loyalty);
}

/// What all of them together should have changed the member's balance by.
Result<Points> Settlement::due(const Loaded& root, const std::vector<Loaded*>& returns) const {
    std::int64_t points = 0;
    std::vector<LineItem> returned;
    for (const Loaded* const purchase : returns) {
        if (has(purchase->head.flags, PurchaseFlag::voided)) continue;
        points += fixed_points(purchase->transaction);
        const auto lines = returned_lines(purchase->transaction, root.transaction);
        returned.insert(returned.end(), lines.begin(), lines.end());
    }
    if (has(root.head.flags, PurchaseFlag::voided)) return Points{points};
    MUDI_TRY(const Points earned, crm::points_earned(root.transaction, rules_.loyalty));
    MUDI_TRY(const Points back, reversed(root, returned));
    return Points{points + fixed_points(root.transaction) + earned.value - back.value};
}

Status Settlement::settle_points(const Loaded& root, const Loaded& cause) {
    const bool voided = has(root.head.flags, PurchaseFlag::voided);
    // Without its original only the till knows what a return was worth.
    if (root.head.record.value == 0 || (root.transaction.kind != TransactionKind::sale && !voided)) return {};
    std::vector<Loaded*> returns;
    MUDI_TRY(Points net, books_.ledger.net(root.head.arrival));
    const auto add_net = [&](const Loaded& purchase) -> Status {
        MUDI_TRY(const Points more, books_.ledger.net(purchase.head.arrival));
        net.value += more.value;
        return {};
    };
    MUDI_TRY(const auto linked, linked_to(root));
    for (Loaded* const purchase : linked) {
        if (purchase->transaction.kind == TransactionKind::post_void) MUDI_CHECK(add_net(*purchase));
        if (purchase->transaction.kind != TransactionKind::return_ ||
            links_of(purchase->transaction).size() != 1)
            continue;
        returns.push_back(purchase);
        MUDI_CHECK(add_net(*purchase));
        MUDI_TRY(const auto voids, linked_to(*purchase));
        for (const Loaded* const undo : voids) {
            if (undo->transaction.kind == TransactionKind::post_void) MUDI_CHECK(add_net(*undo));
        }
    }
    MUDI_TRY(const Points should, due(root, returns));
    const std::int64_t missing = should.value - net.value;
    if (missing == 0) return {};
    const auto& entries = cause.transaction.ledger;
    const bool till_booked = std::any_of(
        entries.begin(), entries.end(), [](const crm::LedgerEntry& entry) { return is_earning(entry.kind); });
    const auto kind =
        missing < 0 && !till_booked ? crm::LedgerKind::reverse_points : crm::LedgerKind::adjust_points;
    return books_.ledger.post({cause.head.arrival, settlement_ordinal, root.head.record, kind,
                               Points{missing}, std::nullopt, cause.head.at});
}

Status Settlement::settle(std::int64_t arrival, Time now) {
    loaded_.clear();
    MUDI_TRY(Loaded* const cause, load(arrival));
    if (cause == nullptr) return {};
    for (const crm::BusinessKey& key : links_of(cause->transaction)) {
        MUDI_TRY(Loaded* const original, holder(key));
        if (original == nullptr) continue;
        MUDI_CHECK(settle_facts(*original, now));
        // A void of a return: what its sale has got back changes.
        for (const crm::BusinessKey& further : links_of(original->transaction)) {
            MUDI_TRY(Loaded* const sale, holder(further));
            if (sale != nullptr) MUDI_CHECK(settle_facts(*sale, now));
        }
    }
    MUDI_TRY(const Loaded* const own, holder(cause->head.key));
    if (own == cause) MUDI_CHECK(settle_facts(*cause, now));
    MUDI_TRY(const Loaded* const root, root_of(*cause));
    return settle_points(*root, *cause);
}

} // namespace mudi::server
