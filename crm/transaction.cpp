#include <mudi/crm/transaction.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace mudi::crm {
namespace {

template <class Enum>
using Word = std::pair<Enum, std::string_view>;

template <class Enum, std::size_t N>
std::optional<Enum> value_of(const std::array<Word<Enum>, N>& words, std::string_view word) {
    const auto* found = std::ranges::find(words, word, &Word<Enum>::second);
    if (found == words.end()) return std::nullopt;
    return found->first;
}

template <class Enum, std::size_t N>
std::string_view word_of(const std::array<Word<Enum>, N>& words, Enum value) {
    const auto* found = std::ranges::find(words, value, &Word<Enum>::first);
    return found == words.end() ? "unknown" : found->second;
}

constexpr std::array transaction_kinds{
    Word<TransactionKind>{TransactionKind::sale, "sale"},
    Word<TransactionKind>{TransactionKind::return_, "return"},
    Word<TransactionKind>{TransactionKind::post_void, "post_void"},
    Word<TransactionKind>{TransactionKind::adjustment, "adjustment"},
};
constexpr std::array line_types{
    Word<LineType>{LineType::sale, "sale"},
    Word<LineType>{LineType::return_, "return"},
};
constexpr std::array tender_kinds{
    Word<TenderKind>{TenderKind::cash, "cash"},
    Word<TenderKind>{TenderKind::card, "card"},
    Word<TenderKind>{TenderKind::upi, "upi"},
    Word<TenderKind>{TenderKind::khata, "khata"},
    Word<TenderKind>{TenderKind::gift_card, "gift_card"},
    Word<TenderKind>{TenderKind::loyalty_points, "loyalty_points"},
    Word<TenderKind>{TenderKind::voucher, "voucher"},
    Word<TenderKind>{TenderKind::cheque, "cheque"},
    Word<TenderKind>{TenderKind::bank_transfer, "bank_transfer"},
    Word<TenderKind>{TenderKind::other, "other"},
};
constexpr std::array identifier_kinds{
    Word<IdentifierKind>{IdentifierKind::card, "card"},
    Word<IdentifierKind>{IdentifierKind::phone, "phone"},
};
constexpr std::array ledger_kinds{
    Word<LedgerKind>{LedgerKind::accumulate_points, "ACCUMULATE_POINTS"},
    Word<LedgerKind>{LedgerKind::create_reward, "CREATE_REWARD"},
    Word<LedgerKind>{LedgerKind::redeem_reward, "REDEEM_REWARD"},
    Word<LedgerKind>{LedgerKind::delete_reward, "DELETE_REWARD"},
    Word<LedgerKind>{LedgerKind::adjust_points, "ADJUST_POINTS"},
    Word<LedgerKind>{LedgerKind::expire_points, "EXPIRE_POINTS"},
    Word<LedgerKind>{LedgerKind::reverse_points, "REVERSE_POINTS"},
};

} // namespace

std::optional<TransactionKind> transaction_kind_from(std::string_view word) {
    return value_of(transaction_kinds, word);
}
std::string_view to_string(TransactionKind kind) { return word_of(transaction_kinds, kind); }

std::optional<LineType> line_type_from(std::string_view word) { return value_of(line_types, word); }
std::string_view to_string(LineType type) { return word_of(line_types, type); }

std::optional<TenderKind> tender_kind_from(std::string_view word) { return value_of(tender_kinds, word); }
std::string_view to_string(TenderKind kind) { return word_of(tender_kinds, kind); }

std::optional<IdentifierKind> identifier_kind_from(std::string_view word) {
    return value_of(identifier_kinds, word);
}
std::string_view to_string(IdentifierKind kind) { return word_of(identifier_kinds, kind); }

std::optional<LedgerKind> ledger_kind_from(std::string_view word) { return value_of(ledger_kinds, word); }
std::string_view to_string(LedgerKind kind) { return word_of(ledger_kinds, kind); }

} // namespace mudi::crm
