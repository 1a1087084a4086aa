#include <mudi/server/offer_book.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <mudi/base/db/bulk.hpp>
#include <mudi/base/db/statement.hpp>
#include <mudi/server/counters.hpp>

namespace mudi::server {

namespace {
using db::Columns;
using db::Params;
} // namespace

struct OfferBook::Impl {
    explicit Impl(db::Connection& writer)
        : counters(writer),
          dirty(writer,
                "SELECT d.record, m.profile FROM dirty_record d JOIN profile_member m ON m.record = d.record "
                "ORDER BY d.since_ms, d.record LIMIT :limit"),
          any_dirty(writer, "SELECT record FROM dirty_record LIMIT 1"),
          clean(writer, "DELETE FROM dirty_record WHERE record = :record"),
          swallowed(writer, "SELECT s.profile, m.profile FROM swallowed_profile s JOIN profile_member m ON "
                            "m.record = s.profile "
                            "ORDER BY s.profile"),
          digested(writer, "DELETE FROM swallowed_profile WHERE profile = :profile"),
          habits(writer,
                 "SELECT h.item, COALESCE(p.name, w.description, ''), COALESCE(p.category, w.category, ''), "
                 "h.times, "
                 "h.first_ms, h.last_ms, h.spent FROM item_habit h LEFT JOIN product p ON p.item = h.item "
                 "LEFT JOIN item_word w ON w.item = h.item WHERE h.record = :record AND h.times > 0"),
          drop(writer, "DELETE FROM offer WHERE profile = :profile"),
          insert(writer, "offer",
                 "profile, offer, kind, item, category, currency, percent, amount_off, basket_min, "
                 "discount_max, from_ms, to_ms, "
                 "reason_item, reason_category, days_usual, days_since, times"),
          due(writer, "offer_due", "profile, due_ms",
              "ON CONFLICT (profile) DO UPDATE SET due_ms = excluded.due_ms"),
          not_due(writer, "DELETE FROM offer_due WHERE profile = :profile"),
          due_now(writer,
                  "SELECT profile FROM offer_due WHERE due_ms <= :now ORDER BY due_ms, profile LIMIT :limit"),
          wake(writer, "dirty_record", "record, since_ms", "ON CONFLICT (record) DO NOTHING") {}

    Counters counters;
    db::Query<Columns<SourceRecordId, ProfileId>, Params<std::size_t>> dirty;
    db::Query<Columns<std::int64_t>, Params<>> any_dirty;
    db::Command<SourceRecordId> clean;
    db::Query<Columns<ProfileId, ProfileId>, Params<>> swallowed;
    db::Command<ProfileId> digested;
    db::Query<Columns<std::string, std::string, std::string, std::int32_t, Time, Time, std::int64_t>,
              Params<SourceRecordId>>
        habits;
    db::Command<ProfileId> drop;
    db::Bulk<ProfileId, OfferId, crm::OfferKind, std::string, std::string, std::uint16_t, std::int32_t,
             std::int64_t, std::int64_t, std::int64_t, Time, Time, std::string, std::string, std::int32_t,
             std::int32_t, std::int32_t>
        insert;
    db::Bulk<ProfileId, Time> due;
    db::Command<ProfileId> not_due;
    db::Query<Columns<ProfileId>, Params<Time, std::size_t>> due_now;
    db::Bulk<ProfileId, Time> wake;
};

OfferBook::OfferBook(db::Connection& writer) : impl_(std::make_unique<Impl>(writer)) {}
OfferBook::~OfferBook() = default;

Result<std::vector<OfferBook::Dirty>> OfferBook::take_dirty(std::size_t limit) {
    std::vector<SourceRecordId> records;
    std::vector<Dirty> profiles;
    std::map<ProfileId, std::size_t> places;
    MUDI_CHECK(impl_->dirty.each(
        [&](SourceRecordId record, ProfileId profile) {
            records.push_back(record);
            if (places.emplace(profile, profiles.size()).second) profiles.push_back({profile, {}});
        },
        limit));
    for (const SourceRecordId record : records) MUDI_CHECK(impl_->clean(record));
    // Nearly always none: the table is emptied with every run.
    MUDI_CHECK(impl_->swallowed.each([&](ProfileId swallowed, ProfileId into) {
        if (const auto place = places.find(into); place != places.end()) {
            profiles[place->second].swallowed.push_back(swallowed);
        }
    }));
    for (const Dirty& dirty : profiles) {
        for (const ProfileId profile : dirty.swallowed) MUDI_CHECK(impl_->digested(profile));
    }
    return profiles;
}

Result<std::vector<crm::ItemHabit>> OfferBook::habits(std::span<const SourceRecordId> records) {
    std::vector<crm::ItemHabit> habits;
    for (const SourceRecordId record : records) {
        MUDI_CHECK(impl_->habits.each(
            [&](std::string item, std::string description, std::string category, std::int32_t times,
                Time first, Time last, std::int64_t spent) {
                habits.push_back({std::move(item), std::move(description), std::move(category), times, first,
                                  last, Money{spent, inr}});
            },
            record));
    }
    std::sort(habits.begin(), habits.end(),
              [](const crm::ItemHabit& a, const crm::ItemHabit& b) { return a.item_id < b.item_id; });
    std::size_t kept = 0;
    for (std::size_t i = 1; i < habits.size(); ++i) {
        crm::ItemHabit& same = habits[kept];
        if (habits[i].item_id != same.item_id) {
            if (++kept != i) habits[kept] = std::move(habits[i]);
            continue;
        }
        same.times += habits[i].times;
        same.first = std::min(same.first, habits[i].first);
        same.last = std::max(same.last, habits[i].last);
        same.spent.minor += habits[i].spent.minor;
    }
    if (!habits.empty()) habits.resize(kept + 1);
    return habits;
}

Result<std::size_t> OfferBook::replace(ProfileId profile, std::span<const crm::Offer> before,
                                       std::span<const crm::Offer> offers,
                                       std::span<const ProfileId> swallowed) {
    std::size_t made = 0;
    for (const crm::Offer& offer : offers) {
        made += std::none_of(before.begin(), before.end(),
                             [&](const crm::Offer& old) { return old.id == offer.id; })
                    ? 1
                    : 0;
    }
    if (swallowed.empty() && made == 0 && before.size() == offers.size()) return made;
    if (!before.empty()) {
        // Rows of the same key may still be gathered.
        MUDI_CHECK(impl_->insert.flush());
        MUDI_CHECK(impl_->drop(profile));
        for (const ProfileId gone : swallowed) MUDI_CHECK(impl_->drop(gone));
    }
    for (const crm::Offer& o : offers) {
        MUDI_CHECK(impl_->insert.add(
            profile, o.id, o.kind, o.item_id, o.category, o.amount_off.currency.number, o.percent.value,
            o.amount_off.minor, o.basket_min.minor, o.discount_max.minor, o.valid_from, o.valid_to,
            o.reason.item, o.reason.category, o.reason.days_usual, o.reason.days_since, o.reason.times));
    }
    impl_->counters.add(counter::offers_out,
                        static_cast<std::int64_t>(offers.size()) - static_cast<std::int64_t>(before.size()));
    impl_->counters.add(counter::offers_pushed, static_cast<std::int64_t>(made));
    return made;
}

Status OfferBook::set_due(ProfileId profile, std::optional<Time> when) {
    if (when) return impl_->due.add(profile, *when);
    MUDI_CHECK(impl_->not_due(profile));
    return {};
}

Result<std::size_t> OfferBook::wake_due(Time now, std::size_t limit) {
    std::vector<ProfileId> profiles;
    MUDI_CHECK(impl_->due_now.each([&](ProfileId profile) { profiles.push_back(profile); }, now, limit));
    for (const ProfileId profile : profiles) {
        // A profile is named by one of its records.
        MUDI_CHECK(impl_->wake.add(profile, now));
        MUDI_CHECK(impl_->not_due(profile));
    }
    MUDI_CHECK(impl_->wake.flush());
    return profiles.size();
}

Status OfferBook::flush() {
    MUDI_CHECK(impl_->insert.flush());
    MUDI_CHECK(impl_->due.flush());
    return impl_->counters.flush();
}

Result<bool> OfferBook::any_dirty() {
    MUDI_TRY(const auto row, impl_->any_dirty.first());
    return row.has_value();
}

void OfferBook::forget() { impl_->counters.forget(); }

} // namespace mudi::server
