#include "readable.hpp"

#include <mudi/base/text.hpp>
#include <mudi/crm/transaction_rules.hpp>

namespace mudi::server {

namespace {
constexpr std::size_t cards_max = 20;
} // namespace

bool is_earning(crm::LedgerKind kind) {
    return kind == crm::LedgerKind::accumulate_points || kind == crm::LedgerKind::reverse_points ||
           kind == crm::LedgerKind::adjust_points;
}

bool same_content(crm::RetailTransaction a, crm::RetailTransaction b) {
    for (crm::RetailTransaction* transaction : {&a, &b}) {
        transaction->id = EventId{};
        transaction->ledger.clear();
        if (transaction->member) transaction->member->profile.reset();
    }
    return a == b;
}

Status check_sale(const crm::RetailTransaction& transaction, const ApplyRules& rules) {
    return crm::validate(transaction, crm::ShopRules{rules.currency});
}

Status check_record(const crm::SourceRecord& record, const ApplyRules& rules) {
    if (record.source.empty() || record.source_key.empty()) {
        return fail(Code::invalid, "customer.source_key",
                    "a customer record needs its source and the source's key");
    }
    for (const std::string* text :
         {&record.source, &record.source_key, &record.name, &record.language, &record.phone, &record.email,
          &record.home_store.value, &record.birthday, &record.address, &record.pincode}) {
        if (text->size() > 2 * crm::text_bytes_max || !is_utf8(*text) ||
            text->find('\0') != std::string::npos) {
            return fail(Code::invalid, "customer.text", "a text is too long or no UTF-8");
        }
    }
    if (record.cards.size() > cards_max)
        return fail(Code::invalid, "customer.cards", "too many cards for one person");
    for (const std::string& card : record.cards) {
        if (card.empty() || card.size() > crm::number_bytes_max ||
            card.find_first_of(std::string_view(" \0", 2)) != card.npos) {
            return fail(Code::invalid, "card.syntax", "a card number is not in its normal form");
        }
        if (crm::looks_like_bank_card(card, rules.identifiers)) {
            return fail(Code::invalid, "card.bank_card", "a card number looks like a bank card");
        }
    }
    return {};
}

Result<sync::EventBody> read_event(const sync::Event& event, const ApplyRules& rules) {
    MUDI_TRY(auto body, sync::decode(event));
    if (const auto* sale = std::get_if<crm::RetailTransaction>(&body)) MUDI_CHECK(check_sale(*sale, rules));
    if (const auto* record = std::get_if<crm::SourceRecord>(&body)) MUDI_CHECK(check_record(*record, rules));
    return body;
}

} // namespace mudi::server
