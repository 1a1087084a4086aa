#pragma once

#include <string>
#include <tuple>

#include <mudi/base/db/statement.hpp>
#include <mudi/crm/customer.hpp>

/// How a source_record row reads, for the writer and the readers alike.
namespace mudi::server {

inline constexpr const char* record_columns = "SELECT r.id, r.source, r.source_key, r.name, r.language, "
                                              "r.phone, r.phone_verified, r.email, r.cards, r.home_store, "
                                              "r.birthday, r.address, r.pincode, r.marketing, r.at_ms, "
                                              "r.superseded_by, r.phone_raw FROM source_record r ";

using RecordColumns = db::Columns<SourceRecordId, std::string, std::string, std::string, std::string,
                                  std::string, bool, std::string, std::string, StoreId, std::string,
                                  std::string, std::string, crm::Consent, Time, SourceRecordId, std::string>;
using RecordRow = std::tuple<SourceRecordId, std::string, std::string, std::string, std::string, std::string,
                             bool, std::string, std::string, StoreId, std::string, std::string, std::string,
                             crm::Consent, Time, SourceRecordId, std::string>;

struct StoredRecord {
    SourceRecordId id;
    crm::SourceRecord record;
    Time at;
    SourceRecordId superseded_by;
    std::string phone_raw;
};

/// Cards in normal form have no blanks.
inline std::string join_cards(const std::vector<std::string>& cards) {
    std::string text;
    for (const std::string& card : cards) {
        if (!text.empty()) text += ' ';
        text += card;
    }
    return text;
}

inline std::vector<std::string> split_cards(const std::string& text) {
    std::vector<std::string> cards;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find(' ', begin), text.size());
        cards.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return cards;
}

inline StoredRecord record_of(RecordRow row) {
    auto& [id, source, key, name, language, phone, verified, email, cards, home, birthday, address, pincode,
           marketing, at, superseded_by, phone_raw] = row;
    return {id,
            {std::move(source), std::move(key), std::move(name), std::move(language), std::move(phone),
             verified, std::move(email), split_cards(cards), std::move(home), std::move(birthday),
             std::move(address), std::move(pincode), marketing},
            at,
            superseded_by,
            std::move(phone_raw)};
}

} // namespace mudi::server
