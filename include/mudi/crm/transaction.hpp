#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/id.hpp>
#include <mudi/base/money.hpp>
#include <mudi/base/time.hpp>

/// What happened at a till, in the words of OMG ARTS. Values only; the rules that check them are in
/// mudi/crm/transaction_rules.hpp. Strings are well-formed UTF-8.
namespace mudi::crm {

enum class TransactionKind : std::uint8_t {
    sale = 1,      ///< goods sold; may contain return lines (an exchange)
    return_ = 2,   ///< goods taken back only
    post_void = 3, ///< undoes one whole earlier transaction of this workstation, named by `link`
    adjustment =
        4, ///< stock or book correction a POS keeps among its sales: recorded, earns nothing, sold nothing
};
/// The words of our documents: "sale", "return", "post_void", "adjustment". A value that has no word reads
/// "unknown"; so below.
std::optional<TransactionKind> transaction_kind_from(std::string_view word);
std::string_view to_string(TransactionKind kind);

/// Names one transaction of the chain. A host's own number may repeat on another workstation or day.
struct BusinessKey {
    StoreId store;
    WorkstationId workstation;
    BusinessDay day;
    std::string number; ///< the host's transaction number, 1..64 characters

    friend auto operator<=>(const BusinessKey&, const BusinessKey&) = default;
};

enum class LineType : std::uint8_t { sale = 1, return_ = 2 };
std::optional<LineType> line_type_from(std::string_view word); ///< "sale", "return"
std::string_view to_string(LineType type);

/// A price reduction already contained in its line's `amount`.
struct Discount {
    std::string promotion;        ///< the name on the receipt
    std::optional<OfferId> offer; ///< the personal offer it comes from
    Money amount;                 ///< > 0: how much less the customer paid

    friend bool operator==(const Discount&, const Discount&) = default;
};

/// Which sold line a return line takes back.
struct LineLink {
    BusinessKey original;
    std::int32_t line{}; ///< number of the sold line

    friend bool operator==(const LineLink&, const LineLink&) = default;
};

struct LineItem {
    std::int32_t number{}; ///< 1.., unique in its transaction, in receipt order
    LineType type{LineType::sale};
    std::string item_id;             ///< GTIN, or the shop's own item number
    std::string description;         ///< as on the receipt; may be empty when the catalogue has it
    std::string category;            ///< merchandise category; may be empty
    std::string unit;                ///< UN/ECE recommendation 20: EA, KGM, LTR, …
    Quantity quantity;               ///< > 0 (adjustments: any but 0)
    std::optional<Money> unit_price; ///< regular price of one unit; absent when the host does not say
    Money amount;                    ///< what this line costs after its discounts, >= 0 (adjustments: any)
    BasisPoints tax_rate;
    Money tax; ///< tax on this line; inside `amount` when the transaction is tax_included
    std::vector<Discount> discounts;
    bool goods{true}; ///< false for postage, fees, deposits: they are no purchase habit
    std::optional<LineLink> link;

    friend bool operator==(const LineItem&, const LineItem&) = default;
};

enum class TenderKind : std::uint8_t {
    cash = 1,
    card = 2,
    upi = 3,
    khata = 4,
    gift_card = 5,
    loyalty_points = 6,
    voucher = 7,
    cheque = 8,
    bank_transfer = 9,
    other = 10,
};
std::optional<TenderKind> tender_kind_from(std::string_view word);
std::string_view to_string(TenderKind kind);

struct Tender {
    TenderKind kind{TenderKind::cash};
    Money amount;          ///< negative = change given or money paid back
    std::string reference; ///< the host's; never a card number

    friend bool operator==(const Tender&, const Tender&) = default;
};

enum class IdentifierKind : std::uint8_t { card = 1, phone = 2 };
std::optional<IdentifierKind> identifier_kind_from(std::string_view word);
std::string_view to_string(IdentifierKind kind);

/// A card number or a phone in its one normal form (mudi/crm/identifier.hpp).
struct Identifier {
    IdentifierKind kind{IdentifierKind::card};
    std::string value;

    friend auto operator<=>(const Identifier&, const Identifier&) = default;
};

/// Who bought. `profile` is what the till took it for; the server decides from `identifier`.
struct Member {
    Identifier identifier;
    std::optional<ProfileId> profile;

    friend bool operator==(const Member&, const Member&) = default;
};

/// Ledger events (DESIGN: append-only, double-entry; a balance is a sum, never a stored truth).
enum class LedgerKind : std::uint8_t {
    accumulate_points = 1,
    create_reward = 2, ///< takes a hold
    redeem_reward = 3, ///< consumes it
    delete_reward = 4, ///< gives it back
    adjust_points = 5,
    expire_points = 6,
    reverse_points = 7,
};
std::optional<LedgerKind> ledger_kind_from(std::string_view word);
std::string_view to_string(LedgerKind kind); ///< "ACCUMULATE_POINTS", …

/// One movement on the member's points account; the counter-account is the programme itself.
struct LedgerEntry {
    LedgerKind kind{LedgerKind::accumulate_points};
    Points points; ///< signed: what the member's balance changes by
    std::optional<HoldId> hold;
    RightsHolder lender{}; ///< under whose right the hold was taken; 0: the server gave it, or it needed none

    friend bool operator==(const LedgerEntry&, const LedgerEntry&) = default;
};

struct RetailTransaction {
    EventId id;
    TransactionKind kind{TransactionKind::sale};
    BusinessKey key;
    Time begin;
    Time end;
    std::string operator_id; ///< the cashier, the host's short id
    Currency currency;
    std::optional<Member> member;
    std::vector<LineItem> lines;
    std::vector<Tender> tenders;
    std::vector<OfferId> redeemed_offers;
    std::vector<LedgerEntry> ledger;
    Money total; ///< what the customer pays; negative when money goes back
    Money tax_total;
    bool tax_included{true};
    bool training{false};            ///< a cashier's exercise: kept apart, earns nothing
    std::optional<BusinessKey> link; ///< the transaction a post_void undoes, or a whole return takes back
    std::string host;                ///< which POS program, "odoo17"

    friend bool operator==(const RetailTransaction&, const RetailTransaction&) = default;
};

} // namespace mudi::crm
