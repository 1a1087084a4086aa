#include <mudi/server/offer_refresh.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <mudi/crm/identity.hpp>
#include <mudi/server/counters.hpp>
#include <mudi/server/offer_book.hpp>
#include <mudi/server/records.hpp>
#include <mudi/sync/event.hpp>

namespace mudi::server {

namespace {

/// When time alone may change what choose_offers() says: an offer runs out, or a habit comes to its usual
/// interval. From then on we look once a day until the rules act on it (they have their own idea of
/// "overdue") or the habit is given up.
std::optional<Time> next_look(const std::vector<crm::Offer>& offers,
                              const std::vector<crm::ItemHabit>& habits, Time now) {
    std::optional<Time> due;
    const auto sooner = [&](Time at) {
        if (!due || at < *due) due = at;
    };
    for (const crm::Offer& offer : offers) sooner(offer.valid_to);
    const Time tomorrow = std::chrono::floor<std::chrono::days>(now) + std::chrono::days{1};
    for (const crm::ItemHabit& habit : habits) {
        if (habit.times < 2) continue;
        const Duration usual = (habit.last - habit.first) / (habit.times - 1);
        if (usual < std::chrono::days{1}) continue;
        const Time expected = std::chrono::floor<std::chrono::days>(habit.last + usual);
        if (expected > now) {
            sooner(expected);
        } else if (now < habit.last + 2 * usual) {
            const bool out = std::any_of(offers.begin(), offers.end(), [&](const crm::Offer& offer) {
                return offer.item_id == habit.item_id;
            });
            if (!out) sooner(tomorrow);
        }
    }
    return due;
}

} // namespace

struct OfferRefresh::Impl {
    Impl(db::Connection& connection, const Key256& identifier_key, crm::OfferPolicy given,
         const PointsPolicy& given_points)
        : writer(connection), key(identifier_key), policy(std::move(given)), points(given_points),
          book(connection), profiles(connection), rights(connection), feed(connection), counters(connection) {
    }

    Result<RefreshReport> refresh(std::size_t profiles_max, Time now);
    Status refresh_one(const OfferBook::Dirty& dirty, RefreshReport& report, Time now);
    Result<std::vector<StoreId>> stores_of(std::vector<StoreId> stores,
                                           std::span<const crm::MergeRecord> records);

    db::Connection& writer;
    Key256 key;
    crm::OfferPolicy policy;
    PointsPolicy points;
    OfferBook book;
    ProfileReader profiles;
    RightsBook rights;
    FeedWriter feed;
    Counters counters;
    std::int64_t applied{}; ///< arrival number up to which Apply is, in this transaction
};

OfferRefresh::OfferRefresh(db::Connection& writer, const Key256& identifier_key, crm::OfferPolicy policy,
                           PointsPolicy points)
    : impl_(std::make_unique<Impl>(writer, identifier_key, std::move(policy), points)) {}
OfferRefresh::~OfferRefresh() = default;

/// The home stores of its records and the stores it was seen in; who was never seen anywhere may come to any.
Result<std::vector<StoreId>> OfferRefresh::Impl::stores_of(std::vector<StoreId> stores,
                                                           std::span<const crm::MergeRecord> records) {
    for (const crm::MergeRecord& record : records) {
        const StoreId& home = record.record.home_store;
        if (!home.value.empty() && std::find(stores.begin(), stores.end(), home) == stores.end())
            stores.push_back(home);
    }
    if (!stores.empty()) return stores;
    return feed.buckets();
}

Status OfferRefresh::Impl::refresh_one(const OfferBook::Dirty& dirty, RefreshReport& report, Time now) {
    MUDI_TRY(const auto members, profiles.members(dirty.profile));
    std::vector<crm::MergeRecord> current;
    std::vector<SourceRecordId> ids;
    for (const ProfileReader::Member& member : members) {
        ids.push_back(member.record.id);
        if (!member.superseded) current.push_back(member.record);
    }
    if (current.empty()) return {};
    const crm::SourceRecord golden = crm::golden_record(current);
    MUDI_TRY(const auto totals, profiles.totals(ids));

    crm::OfferHistory history;
    history.profile = dirty.profile;
    history.joined = std::min(members.front().at, totals.first.value_or(members.front().at));
    history.visits = static_cast<std::int32_t>(std::min<std::int64_t>(totals.visits, 1'000'000));
    MUDI_TRY(history.items, book.habits(ids));
    MUDI_TRY(history.current, profiles.offers(dirty.profile));
    for (const ProfileId swallowed : dirty.swallowed) {
        MUDI_TRY(auto theirs, profiles.offers(swallowed));
        std::move(theirs.begin(), theirs.end(), std::back_inserter(history.current));
    }
    crm::ProfileSlice slice{
        dirty.profile, golden.name, golden.language, tier_of(totals.spent), totals.points, {}, {}, {}};
    MUDI_TRY(slice.identifiers, profiles.identifiers(ids));
    slice.offers = crm::choose_offers(history, policy, now);
    MUDI_TRY(const std::size_t made,
             book.replace(dirty.profile, history.current, slice.offers, dirty.swallowed));
    MUDI_CHECK(book.set_due(dirty.profile, next_look(slice.offers, history.items, now)));

    MUDI_TRY(const auto stores, stores_of(totals.stores, current));
    MUDI_TRY(slice.rights, rights.allot(dirty.profile, ids, stores, points, now));
    MUDI_TRY(const std::size_t rows,
             feed.put_profile(dirty.profile, sync::encode(slice), stores, {applied, totals.last_arrival}));
    for (const ProfileId swallowed : dirty.swallowed) {
        MUDI_TRY(const std::size_t gone, feed.put_profile(swallowed, {}, {}));
        report.rows += gone;
    }
    report.rows += rows;
    report.offers_made += made;
    ++report.profiles;
    return {};
}

Result<RefreshReport> OfferRefresh::Impl::refresh(std::size_t profiles_max, Time now) {
    RefreshReport report;
    MUDI_TRY(const bool any, book.any_dirty());
    if (!any) return report;
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    MUDI_TRY(applied, counters.get(counter::apply_cursor));
    MUDI_TRY(const auto dirty, book.take_dirty(profiles_max));
    for (const OfferBook::Dirty& one : dirty) MUDI_CHECK(refresh_one(one, report, now));
    MUDI_CHECK(book.flush());
    MUDI_TRY(report.more, book.any_dirty());
    MUDI_TRY(report.moved, feed.finish());
    MUDI_CHECK(transaction.commit());
    return report;
}

Result<RefreshReport> OfferRefresh::refresh_some(std::size_t profiles_max, Time now) {
    auto report = impl_->refresh(profiles_max, now);
    if (!report) {
        impl_->book.forget();
        impl_->feed.forget();
    }
    return report;
}

Result<std::size_t> OfferRefresh::nightly_due(Time now, std::size_t profiles_max) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(impl_->writer));
    MUDI_TRY(const std::size_t woken, impl_->book.wake_due(now, profiles_max));
    MUDI_CHECK(transaction.commit());
    return woken;
}

} // namespace mudi::server
