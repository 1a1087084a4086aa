#include <mudi/server/records.hpp>

#include <algorithm>

#include <mudi/base/db/statement.hpp>

#include "record_row.hpp"

namespace mudi::server {

namespace {
using db::Columns;
using db::Params;
} // namespace

std::string tier_of(std::int64_t spent_minor) {
    if (spent_minor >= 5'000'000) return "gold";
    if (spent_minor >= 1'000'000) return "silver";
    return {};
}

struct ProfileReader::Impl {
    explicit Impl(db::Connection& connection)
        : profile_of(connection, "SELECT profile FROM profile_member WHERE record = :record"),
          with(connection, "SELECT DISTINCT m.profile FROM record_identifier i JOIN profile_member m ON "
                           "m.record = i.record "
                           "WHERE i.hash = :hash ORDER BY m.profile"),
          records_of(connection,
                     "SELECT record FROM profile_member WHERE profile = :profile ORDER BY record"),
          record(connection, std::string(record_columns) + "WHERE r.id = :id"),
          balance(
              connection,
              "SELECT CAST(COALESCE(SUM(points), 0) AS INTEGER) FROM ledger_entry WHERE account = :record"),
          visits(connection,
                 "SELECT store, visits, first_ms, last_ms, spent FROM record_visit WHERE record = :record"),
          last_purchase(connection, "SELECT COALESCE(MAX(id), 0) FROM purchase WHERE record = :record "
                                    "AND record <> 0"),
          identifiers(connection, "SELECT hash FROM record_identifier WHERE record = :record"),
          links(connection, "SELECT a, b, reason FROM merge_link WHERE a = :record ORDER BY b, reason"),
          offers(
              connection,
              "SELECT offer, kind, item, category, currency, percent, amount_off, basket_min, discount_max, "
              "from_ms, to_ms, reason_item, reason_category, days_usual, days_since, times FROM offer "
              "WHERE profile = :profile ORDER BY kind, offer") {}

    db::Query<Columns<ProfileId>, Params<SourceRecordId>> profile_of;
    db::Query<Columns<ProfileId>, Params<IdentifierHash>> with;
    db::Query<Columns<SourceRecordId>, Params<ProfileId>> records_of;
    db::Query<RecordColumns, Params<SourceRecordId>> record;
    db::Query<Columns<Points>, Params<SourceRecordId>> balance;
    db::Query<Columns<StoreId, std::int64_t, Time, Time, std::int64_t>, Params<SourceRecordId>> visits;
    db::Query<Columns<std::int64_t>, Params<SourceRecordId>> last_purchase;
    db::Query<Columns<IdentifierHash>, Params<SourceRecordId>> identifiers;
    db::Query<Columns<SourceRecordId, SourceRecordId, crm::MergeReason>, Params<SourceRecordId>> links;
    db::Query<Columns<OfferId, crm::OfferKind, std::string, std::string, std::uint16_t, std::int32_t,
                      std::int64_t, std::int64_t, std::int64_t, Time, Time, std::string, std::string,
                      std::int32_t, std::int32_t, std::int32_t>,
              Params<ProfileId>>
        offers;
};

ProfileReader::ProfileReader(db::Connection& connection) : impl_(std::make_unique<Impl>(connection)) {}
ProfileReader::~ProfileReader() = default;

Result<ProfileId> ProfileReader::profile_of(SourceRecordId record) {
    MUDI_TRY(const auto row, impl_->profile_of.first(record));
    return row ? std::get<0>(*row) : ProfileId{};
}

Result<std::vector<ProfileId>> ProfileReader::profiles_with(IdentifierHash hash) {
    std::vector<ProfileId> profiles;
    MUDI_CHECK(impl_->with.each([&](ProfileId profile) { profiles.push_back(profile); }, hash));
    return profiles;
}

Result<std::vector<ProfileReader::Member>> ProfileReader::members(ProfileId profile) {
    std::vector<Member> members;
    MUDI_TRY(const auto ids, impl_->records_of.all(profile));
    for (const auto& [id] : ids) {
        MUDI_TRY(auto row, impl_->record.first(id));
        if (!row) continue;
        StoredRecord stored = record_of(std::move(*row));
        members.push_back(
            {{stored.id, std::move(stored.record)}, stored.superseded_by.value != 0, stored.at});
    }
    return members;
}

Result<ProfileReader::Totals> ProfileReader::totals(std::span<const SourceRecordId> records) {
    Totals totals;
    for (const SourceRecordId record : records) {
        MUDI_TRY(const auto balance, impl_->balance.first(record));
        if (balance) totals.points.value += std::get<0>(*balance).value;
        MUDI_CHECK(impl_->visits.each(
            [&](StoreId store, std::int64_t visits, Time first, Time last, std::int64_t spent) {
                totals.stores.push_back(std::move(store));
                totals.spent += spent;
                if (visits == 0) return; // only brought something back
                totals.visits += visits;
                totals.first = std::min(totals.first.value_or(first), first);
                totals.last = std::max(totals.last.value_or(last), last);
            },
            record));
        MUDI_TRY(const auto last, impl_->last_purchase.first(record));
        if (last) totals.last_arrival = std::max(totals.last_arrival, std::get<0>(*last));
    }
    std::sort(totals.stores.begin(), totals.stores.end());
    totals.stores.erase(std::unique(totals.stores.begin(), totals.stores.end()), totals.stores.end());
    return totals;
}

Result<std::vector<IdentifierHash>> ProfileReader::identifiers(std::span<const SourceRecordId> records) {
    std::vector<IdentifierHash> hashes;
    for (const SourceRecordId record : records) {
        MUDI_CHECK(impl_->identifiers.each([&](IdentifierHash hash) { hashes.push_back(hash); }, record));
    }
    std::sort(hashes.begin(), hashes.end());
    hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
    return hashes;
}

Result<std::vector<crm::MergeLink>> ProfileReader::links(std::span<const SourceRecordId> records) {
    std::vector<crm::MergeLink> links;
    for (const SourceRecordId record : records) {
        MUDI_CHECK(impl_->links.each(
            [&](SourceRecordId a, SourceRecordId b, crm::MergeReason reason) {
                links.push_back({a, b, reason});
            },
            record));
    }
    return links;
}

Result<std::vector<crm::Offer>> ProfileReader::offers(ProfileId profile) {
    std::vector<crm::Offer> offers;
    MUDI_CHECK(impl_->offers.each(
        [&](OfferId id, crm::OfferKind kind, std::string item, std::string category, std::uint16_t currency,
            std::int32_t percent, std::int64_t amount_off, std::int64_t basket_min, std::int64_t discount_max,
            Time from, Time to, std::string reason_item, std::string reason_category, std::int32_t usual,
            std::int32_t since, std::int32_t times) {
            const Currency of{currency};
            offers.push_back({id,
                              kind,
                              std::move(item),
                              std::move(category),
                              BasisPoints{percent},
                              Money{amount_off, of},
                              Money{basket_min, of},
                              Money{discount_max, of},
                              from,
                              to,
                              {std::move(reason_item), std::move(reason_category), usual, since, times}});
        },
        profile));
    return offers;
}

} // namespace mudi::server
