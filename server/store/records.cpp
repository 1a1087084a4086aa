#include <mudi/server/records.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include <mudi/base/db/bulk.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/crm/identifier.hpp>
#include <mudi/server/counters.hpp>

#include "record_row.hpp"

namespace mudi::server {

namespace {

using crm::Identifier;
using crm::IdentifierKind;
using db::Columns;
using db::Params;

/// One family phone is shared by a few; one made-up phone by thousands. Beyond this the oldest decide.
constexpr std::size_t candidates_max = 200;
constexpr std::size_t owners_max = 300'000;

} // namespace

struct Records::Impl {
    Impl(db::Connection& writer, const Key256& identifier_key)
        : key(identifier_key), counters(writer),
          current(writer, std::string(record_columns) +
                              "WHERE r.source = :source AND r.source_key = :key AND r.superseded_by = 0"),
          by_id(writer, std::string(record_columns) + "WHERE r.id = :id"),
          last_id(writer, "SELECT COALESCE(MAX(id), 0) FROM source_record"),
          insert(writer, "INSERT INTO source_record (id, source, source_key, name, language, phone, "
                         "phone_raw, phone_verified, email, "
                         "cards, home_store, birthday, address, pincode, marketing, at_ms, superseded_by) "
                         "VALUES (:id, :source, :key, "
                         ":name, :language, :phone, :raw, :verified, :email, :cards, :home, :birthday, "
                         ":address, :pincode, :marketing, "
                         ":at, 0)"),
          supersede(writer, "UPDATE source_record SET superseded_by = :by WHERE id = :id"),
          add_identifier(writer,
                         "INSERT INTO record_identifier (hash, record, kind) VALUES (:hash, :record, :kind) "
                         "ON CONFLICT (hash, record) DO NOTHING"),
          drop_identifiers(writer, "DELETE FROM record_identifier WHERE record = :record"),
          sharing(writer, "SELECT record FROM record_identifier WHERE hash = :hash AND record <> :record "
                          "ORDER BY record LIMIT :limit"),
          owners_of(
              writer,
              "SELECT i.record, m.profile, CASE WHEN r.name = '' THEN 0 ELSE 1 END FROM record_identifier i "
              "JOIN profile_member m ON m.record = i.record JOIN source_record r ON r.id = i.record "
              "WHERE i.hash = :hash ORDER BY i.record"),
          profile_of(writer, "SELECT profile FROM profile_member WHERE record = :record"),
          add_member(writer, "INSERT INTO profile_member (record, profile) VALUES (:record, :profile)"),
          move_members(writer, "UPDATE profile_member SET profile = :to WHERE profile = :from"),
          add_link(writer, "INSERT INTO merge_link (a, b, reason) VALUES (:a, :b, :reason) "
                           "ON CONFLICT (a, b, reason) DO NOTHING"),
          add_swallowed(
              writer,
              "INSERT INTO swallowed_profile (profile) VALUES (:profile) ON CONFLICT (profile) DO NOTHING"),
          add_event(writer, "INSERT INTO record_event (event, record) VALUES (:event, :record) "
                            "ON CONFLICT (event) DO NOTHING"),
          find_event(writer, "SELECT record FROM record_event WHERE event = :event"),
          dirty_rows(writer, "dirty_record", "record, since_ms", "ON CONFLICT (record) DO NOTHING") {}

    Status insert_row(SourceRecordId id, const crm::SourceRecord& record, const std::string& phone_raw,
                      Time now);
    Result<std::vector<crm::MergeRecord>> share_with(SourceRecordId id,
                                                     const std::vector<IdentifierHash>& hashes);
    Status join(SourceRecordId id, std::vector<crm::MergeLink> links,
                std::optional<SourceRecordId> corrected);
    std::vector<std::pair<IdentifierHash, IdentifierKind>> hashes_of(const crm::SourceRecord& record) const;

    Key256 key;
    Counters counters;
    db::Query<RecordColumns, Params<std::string, std::string>> current;
    db::Query<RecordColumns, Params<SourceRecordId>> by_id;
    db::Query<Columns<std::int64_t>, Params<>> last_id;
    db::Command<SourceRecordId, std::string, std::string, std::string, std::string, std::string, std::string,
                bool, std::string, std::string, StoreId, std::string, std::string, std::string, crm::Consent,
                Time>
        insert;
    db::Command<SourceRecordId, SourceRecordId> supersede;
    db::Command<IdentifierHash, SourceRecordId, IdentifierKind> add_identifier;
    db::Command<SourceRecordId> drop_identifiers;
    db::Query<Columns<SourceRecordId>, Params<IdentifierHash, SourceRecordId, std::size_t>> sharing;
    db::Query<Columns<SourceRecordId, ProfileId, bool>, Params<IdentifierHash>> owners_of;
    db::Query<Columns<ProfileId>, Params<SourceRecordId>> profile_of;
    db::Command<SourceRecordId, ProfileId> add_member;
    db::Command<ProfileId, ProfileId> move_members;
    db::Command<SourceRecordId, SourceRecordId, crm::MergeReason> add_link;
    db::Command<ProfileId> add_swallowed;
    db::Command<EventId, SourceRecordId> add_event;
    db::Query<Columns<SourceRecordId>, Params<EventId>> find_event;
    db::Bulk<SourceRecordId, Time> dirty_rows;

    std::int64_t next_id{};
    /// Identifiers that only one record has. Emptied when somebody else wrote records.
    std::unordered_map<Bits128, SourceRecordId> owners;
    std::map<SourceRecordId, Time> dirty;
};

Records::Records(db::Connection& writer, const Key256& identifier_key)
    : impl_(std::make_unique<Impl>(writer, identifier_key)) {}
Records::~Records() = default;

std::vector<std::pair<IdentifierHash, IdentifierKind>>
Records::Impl::hashes_of(const crm::SourceRecord& record) const {
    std::vector<std::pair<IdentifierHash, IdentifierKind>> hashes;
    for (const std::string& card : record.cards) {
        hashes.emplace_back(crm::identifier_hash(key, {IdentifierKind::card, card}), IdentifierKind::card);
    }
    if (!record.phone.empty()) {
        hashes.emplace_back(crm::identifier_hash(key, {IdentifierKind::phone, record.phone}),
                            IdentifierKind::phone);
    }
    return hashes;
}

Status Records::Impl::insert_row(SourceRecordId id, const crm::SourceRecord& r, const std::string& phone_raw,
                                 Time now) {
    MUDI_CHECK(insert(id, r.source, r.source_key, r.name, r.language, r.phone, phone_raw, r.phone_verified,
                      r.email, join_cards(r.cards), r.home_store, r.birthday, r.address, r.pincode,
                      r.marketing, now));
    for (const auto& [hash, kind] : hashes_of(r)) {
        MUDI_CHECK(add_identifier(hash, id, kind));
        owners.erase(hash.value);
    }
    return {};
}

Result<std::vector<crm::MergeRecord>> Records::Impl::share_with(SourceRecordId id,
                                                                const std::vector<IdentifierHash>& hashes) {
    std::set<SourceRecordId> ids;
    for (const IdentifierHash hash : hashes) {
        MUDI_CHECK(sharing.each([&](SourceRecordId other) { ids.insert(other); }, hash, id, candidates_max));
    }
    std::vector<crm::MergeRecord> candidates;
    for (const SourceRecordId other : ids) {
        MUDI_TRY(auto row, by_id.first(other));
        if (row) candidates.push_back({other, record_of(std::move(*row)).record});
    }
    return candidates;
}

/// Puts the new record into the profile that its links lead to; the profiles among them become one.
Status Records::Impl::join(SourceRecordId id, std::vector<crm::MergeLink> links,
                           std::optional<SourceRecordId> corrected) {
    if (corrected) links.push_back({*corrected, id, crm::MergeReason::same_source_key});
    std::set<ProfileId> profiles;
    for (const crm::MergeLink& link : links) {
        const SourceRecordId other = link.a == id ? link.b : link.a;
        MUDI_TRY(const auto row, profile_of.first(other));
        if (row) profiles.insert(std::get<0>(*row));
        MUDI_CHECK(add_link(std::min(link.a, link.b), std::max(link.a, link.b), link.reason));
    }
    // Ids rise, so the new record is never the smallest of its profile unless it is alone.
    const ProfileId target = profiles.empty() ? ProfileId{id.value} : *profiles.begin();
    MUDI_CHECK(add_member(id, target));
    for (const ProfileId other : profiles) {
        if (other == target) continue;
        MUDI_CHECK(move_members(target, other));
        MUDI_CHECK(add_swallowed(other));
    }
    const auto joined = static_cast<std::int64_t>(profiles.size());
    counters.add(counter::records, 1);
    counters.add(counter::profiles, 1 - joined);
    counters.add(counter::merges, joined - (corrected ? 1 : 0));
    return {};
}

Result<Records::Admission> Records::admit(const crm::SourceRecord& record, const std::string& phone_raw,
                                          Time now) {
    MUDI_TRY(auto row, impl_->current.first(record.source, record.source_key));
    std::optional<SourceRecordId> corrected;
    if (row) {
        const StoredRecord before = record_of(std::move(*row));
        if (before.record == record && before.phone_raw == phone_raw) return Admission{before.id, false};
        corrected = before.id;
        for (const auto& [hash, kind] : impl_->hashes_of(before.record)) impl_->owners.erase(hash.value);
    }
    const SourceRecordId id{impl_->next_id++};
    if (corrected) {
        MUDI_CHECK(impl_->supersede(id, *corrected));
        MUDI_CHECK(impl_->drop_identifiers(*corrected));
    }
    MUDI_CHECK(impl_->insert_row(id, record, phone_raw, now));
    std::vector<IdentifierHash> hashes;
    for (const auto& [hash, kind] : impl_->hashes_of(record)) hashes.push_back(hash);
    MUDI_TRY(const auto candidates, impl_->share_with(id, hashes));
    MUDI_CHECK(impl_->join(id, crm::merge_links({id, record}, candidates), corrected));
    mark_dirty(id, now);
    return Admission{id, true};
}

Result<SourceRecordId> Records::owner(IdentifierHash hash, std::optional<ProfileId> meant) {
    if (const auto known = impl_->owners.find(hash.value); known != impl_->owners.end()) return known->second;
    SourceRecordId first;
    SourceRecordId named;
    SourceRecordId of_meant;
    std::size_t count = 0;
    MUDI_CHECK(impl_->owners_of.each(
        [&](SourceRecordId record, ProfileId profile, bool has_name) {
            ++count;
            if (first.value == 0) first = record;
            if (has_name && named.value == 0) named = record;
            if (meant == profile && of_meant.value == 0) of_meant = record;
        },
        hash));
    if (of_meant.value != 0 && count > 1) return of_meant;
    const SourceRecordId owner = named.value != 0 ? named : first;
    if (count == 1) {
        if (impl_->owners.size() >= owners_max) impl_->owners.clear();
        impl_->owners.emplace(hash.value, owner);
    }
    return owner;
}

Result<SourceRecordId> Records::admit_unknown(const Identifier& identifier, TillId till, Time now) {
    crm::SourceRecord record;
    record.source = "till:" + std::to_string(till.value);
    record.source_key = to_hex(crm::identifier_hash(impl_->key, identifier).value);
    if (identifier.kind == IdentifierKind::card) {
        record.cards = {identifier.value};
    } else {
        record.phone = identifier.value;
    }
    MUDI_TRY(const Admission admission, admit(record, {}, now));
    return admission.record;
}

void Records::mark_dirty(SourceRecordId record, Time now) {
    if (record.value != 0) impl_->dirty.emplace(record, now);
}

Status Records::flush() {
    for (const auto& [record, since] : impl_->dirty) MUDI_CHECK(impl_->dirty_rows.add(record, since));
    impl_->dirty.clear();
    MUDI_CHECK(impl_->dirty_rows.flush());
    return impl_->counters.flush();
}

Result<bool> Records::note_event(EventId event, SourceRecordId record) {
    MUDI_TRY(const std::int64_t added, impl_->add_event(event, record));
    return added == 0;
}

Result<bool> Records::knows_event(EventId event) {
    MUDI_TRY(const auto row, impl_->find_event.first(event));
    return row.has_value();
}

Status Records::begin() {
    MUDI_TRY(const auto last, impl_->last_id.first());
    const std::int64_t next = (last ? std::get<0>(*last) : 0) + 1;
    if (next != impl_->next_id) impl_->owners.clear();
    impl_->next_id = next;
    return {};
}

void Records::forget() {
    impl_->next_id = 0;
    impl_->owners.clear();
    impl_->dirty.clear();
    impl_->counters.forget();
}

} // namespace mudi::server
