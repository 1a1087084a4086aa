#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/identity.hpp>

namespace mudi::server {

/// Source records, their identifiers, the profiles over them and why. Inside the caller's write transaction;
/// the writer's thread only.
class Records {
public:
    Records(db::Connection& writer, const Key256& identifier_key);
    Records(const Records&) = delete;
    Records& operator=(const Records&) = delete;
    ~Records();

    struct Admission {
        SourceRecordId record;
        bool stored{false}; ///< false: the source has said exactly this before
    };
    /// Stores a record (phone and cards in normal form; `phone_raw` is what was written when it is no
    /// number), supersedes the source's earlier word, merges and marks it dirty.
    Result<Admission> admit(const crm::SourceRecord& record, const std::string& phone_raw, Time now);

    /// Whose card or phone this is. Several people of one phone: the one the till meant, then one with a
    /// name, then the first. 0 when nobody has it.
    Result<SourceRecordId> owner(IdentifierHash hash, std::optional<ProfileId> meant);
    /// For an identifier that nobody has: a record that says no more than this, so that the sale has an
    /// owner.
    Result<SourceRecordId> admit_unknown(const crm::Identifier& identifier, TillId till, Time now);

    /// The profile's offers must be chosen again. Gathered until flush().
    void mark_dirty(SourceRecordId record, Time now);
    Status flush();
    /// True when an event that brought a record was here before; if not, it is noted.
    Result<bool> note_event(EventId event, SourceRecordId record);
    Result<bool> knows_event(EventId event);
    /// At the begin of every transaction: another writer object may have been at work in between.
    Status begin();
    /// After a rollback.
    void forget();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Read side that API and jobs share. Constructible on any connection.
class ProfileReader {
public:
    explicit ProfileReader(db::Connection& connection);
    ProfileReader(const ProfileReader&) = delete;
    ProfileReader& operator=(const ProfileReader&) = delete;
    ~ProfileReader();

    struct Member {
        crm::MergeRecord record;
        bool superseded{false};
        Time at;
    };
    struct Totals {
        Points points;
        std::int64_t visits{};
        std::int64_t spent{}; ///< minor units
        std::optional<Time> first;
        std::optional<Time> last;
        std::vector<StoreId> stores; ///< where it was seen, sorted
        std::int64_t last_arrival{}; ///< arrival number of the newest purchase; 0: none
    };
    /// 0 when there is no such record.
    Result<ProfileId> profile_of(SourceRecordId record);
    Result<std::vector<ProfileId>> profiles_with(IdentifierHash hash);
    /// All records, oldest first; empty when there is no such profile.
    Result<std::vector<Member>> members(ProfileId profile);
    /// These take the records of one profile. Record by record: a join over the view would leave PostgreSQL
    /// to guess.
    Result<Totals> totals(std::span<const SourceRecordId> records);
    Result<std::vector<IdentifierHash>> identifiers(std::span<const SourceRecordId> records);
    Result<std::vector<crm::MergeLink>> links(std::span<const SourceRecordId> records);
    Result<std::vector<crm::Offer>> offers(ProfileId profile);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// From what was spent ever: "", "silver" from 10,000 and "gold" from 50,000 whole units of a currency with
/// two digits.
std::string tier_of(std::int64_t spent_minor);

} // namespace mudi::server
