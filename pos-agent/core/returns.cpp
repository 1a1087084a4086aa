#include <algorithm>
#include <utility>

#include <mudi/crm/loyalty.hpp>
#include <mudi/crm/transaction_rules.hpp>

#include "desk_impl.hpp"

namespace mudi::till {
namespace {

Points earned_by(const crm::RetailTransaction& sale) {
    Points sum;
    for (const crm::LedgerEntry& entry : sale.ledger) {
        if (entry.kind == crm::LedgerKind::accumulate_points) sum.value += entry.points.value;
    }
    return sum;
}

/// Return lines as the rules want them, made from what was taken back earlier.
std::vector<crm::LineItem> earlier_lines(const StoredTransaction& original) {
    std::vector<crm::LineItem> lines;
    for (const ReturnedLine& returned : original.returned) {
        crm::LineItem line;
        line.type = crm::LineType::return_;
        line.quantity = returned.quantity;
        line.amount = returned.amount;
        line.tax = returned.tax;
        line.link = crm::LineLink{original.transaction.key, returned.line};
        lines.push_back(std::move(line));
    }
    return lines;
}

std::vector<ReturnedLine> summed(const std::vector<crm::LineItem>& lines) {
    std::vector<ReturnedLine> sums;
    for (const crm::LineItem& line : lines) {
        auto sum = std::ranges::find(sums, line.link->line, &ReturnedLine::line);
        if (sum == sums.end()) {
            sums.push_back({line.link->line, {}, {0, line.amount.currency}, {0, line.amount.currency}});
            sum = sums.end() - 1;
        }
        sum->quantity.thousandths += line.quantity.thousandths;
        sum->amount.minor += line.amount.minor;
        sum->tax.minor += line.tax.minor;
    }
    return sums;
}

Status check_against(const StoredTransaction& original, const std::vector<crm::LineItem>& lines) {
    std::vector<crm::ReturnedQuantity> before;
    for (const ReturnedLine& line : original.returned)
        before.push_back({line.line, line.quantity, line.amount});
    return crm::check_return(original.transaction, before, lines);
}

} // namespace

/// Points go back where they came from: to the original's member. A pure return follows it; in an exchange
/// another member's return lines only lessen what the new ones earn.
Result<bool> Desk::Impl::may_reverse(Capture& capture, const StoredTransaction& original) {
    crm::RetailTransaction& sale = capture.draft.transaction;
    const auto& member = original.transaction.member;
    if (!member || earned_by(original.transaction).value <= 0) return false;
    const bool first = capture.reversed_apart.empty();
    if (!sale.member || sale.member->identifier == member->identifier) {
        sale.member = member;
        return true;
    }
    MUDI_TRY(const auto theirs, held(sale.member->identifier));
    MUDI_TRY(const auto bought, held(member->identifier));
    if (theirs && bought && theirs->slice.id == bought->slice.id) return true;
    if (sale.kind != crm::TransactionKind::return_ || !first) return false;
    sale.member = member;
    return true;
}

Result<Points> Desk::Impl::points_back(const StoredTransaction& original,
                                       const std::vector<crm::LineItem>& lines) const {
    std::vector<crm::LineItem> so_far = earlier_lines(original);
    so_far.insert(so_far.end(), lines.begin(), lines.end());
    MUDI_TRY(const Points points,
             crm::points_reversed(original.transaction, so_far, original.reversed, loyalty));
    // The programme may have changed since: never more than was given.
    const std::int64_t left = earned_by(original.transaction).value - original.reversed.value;
    return Points{std::clamp<std::int64_t>(points.value, 0, std::max<std::int64_t>(left, 0))};
}

Status Desk::Impl::take_back(Capture& capture, const crm::BusinessKey& key) {
    const crm::RetailTransaction& sale = capture.draft.transaction;
    if (key.store != options.store || key.workstation != options.workstation)
        return {}; // another till's: the server verifies
    MUDI_TRY(const auto original, storage.find_transaction({key.day, key.number}));
    if (!original) return {}; // not kept any more: likewise
    if (original->voided)
        return fail(Code::invalid, "return.voided", "the transaction was undone as a whole");
    if (original->transaction.training != sale.training) {
        return fail(Code::invalid, "return.training", "an exercise and a real sale do not mix");
    }
    std::vector<crm::LineItem> lines;
    for (const crm::LineItem& line : sale.lines) {
        if (line.link && line.link->original == key) lines.push_back(line);
    }
    MUDI_CHECK(check_against(*original, lines));
    ReturnRow row{original->row, summed(lines), {}};
    MUDI_TRY(const bool reverse, may_reverse(capture, *original));
    if (reverse && !sale.training) {
        MUDI_TRY(row.points, points_back(*original, lines));
        capture.reversed_apart.push_back(key);
    }
    capture.returns.push_back(std::move(row));
    return {};
}

Status Desk::Impl::take_back(Capture& capture) {
    std::vector<crm::BusinessKey> originals;
    for (const crm::LineItem& line : capture.draft.transaction.lines) {
        if (!line.link || std::ranges::find(originals, line.link->original) != originals.end()) continue;
        originals.push_back(line.link->original);
    }
    for (const crm::BusinessKey& key : originals) MUDI_CHECK(take_back(capture, key));
    return {};
}

} // namespace mudi::till
