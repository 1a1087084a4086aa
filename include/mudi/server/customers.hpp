#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/base/result.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/identifier.hpp>
#include <mudi/crm/identity.hpp>
#include <mudi/server/purchases.hpp>

namespace mudi::server {

struct RecordView {
    SourceRecordId id;
    crm::SourceRecord record;
    bool superseded{false}; ///< a later record of the same source and key corrects it
};

struct ProfileView {
    ProfileId id;
    crm::SourceRecord golden;        ///< the profile's own face; source and source_key are empty
    std::vector<RecordView> records; ///< oldest first
    std::vector<crm::MergeLink> links;
    Points points;
    std::string tier;
    std::int64_t visits{};
    Money spent;
    std::optional<Time> last_visit;
    std::vector<crm::Offer> offers;
    std::vector<PurchaseRow> purchases; ///< the last 20, newest first
};

/// Constructible on any connection.
class CustomerReader {
public:
    CustomerReader(db::Connection& connection, const Key256& identifier_key, crm::IdentifierRules rules);
    CustomerReader(const CustomerReader&) = delete;
    CustomerReader& operator=(const CustomerReader&) = delete;
    ~CustomerReader();

    /// Whom a card number, a phone or a profile/record id names; several when people share a phone. Never an
    /// error for text that is none of these: empty.
    Result<std::vector<ProfileId>> find(std::string_view query);
    /// `id` may be any record's: it leads to the profile it is in now. customer.unknown (not_found).
    Result<ProfileView> profile(ProfileId id);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
