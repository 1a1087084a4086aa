#include <algorithm>
#include <charconv>

#include "database.hpp"

namespace mudi::till {
namespace {

std::optional<ProfileId> profile_of(std::string_view key) {
    ProfileId id;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id.value);
    if (error != std::errc{} || end != key.data() + key.size() || id.value <= 0) return std::nullopt;
    return id;
}

} // namespace

Result<FeedOutcome> Database::apply_feed(const FeedBatch& batch) {
    Meta meta = meta_;
    FeedOutcome outcome;
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(*connection_, db::Commit::relaxed));
    MUDI_CHECK(write_feed(batch, meta, outcome));
    MUDI_CHECK(transaction.commit());
    meta_ = meta;
    return outcome;
}

Status Database::write_feed(const FeedBatch& batch, Meta& meta, FeedOutcome& outcome) {
    if (batch.replace) {
        // What is there goes on serving until the new state is whole.
        ++meta.epoch;
        meta.sweeping = true;
    }
    const EventRow applied{batch.applied ? batch.applied->value + meta.base.value : meta.acked.value};
    const SliceMarks marks{std::min(applied, last_.row), handed_};
    for (const sync::FeedRow& row : batch.rows) MUDI_CHECK(write_row(row, marks, meta, outcome));
    if (batch.complete && meta.sweeping) MUDI_CHECK(sweep(meta));
    meta.cursor = batch.cursor;
    return meta_table_.save_feed(meta);
}

Status Database::write_row(const sync::FeedRow& row, SliceMarks marks, Meta& meta, FeedOutcome& outcome) {
    switch (static_cast<sync::FeedKind>(row.kind)) {
    case sync::FeedKind::profile: return write_profile(row, marks, meta, outcome);
    case sync::FeedKind::product: return write_product(row, meta, outcome);
    case sync::FeedKind::settings: return write_settings(row, outcome);
    }
    ++outcome.skipped;
    return {};
}

Status Database::write_profile(const sync::FeedRow& row, SliceMarks marks, Meta& meta, FeedOutcome& outcome) {
    const auto id = profile_of(row.key);
    if (!id) return ++outcome.skipped, Status{};
    ProfileChange change;
    if (row.deleted) {
        MUDI_TRY(change, profiles_.erase(*id));
    } else {
        const auto slice = sync::decode_profile(row.body);
        if (!slice || slice->id != *id) return ++outcome.skipped, Status{};
        MUDI_TRY(change, profiles_.put(*slice, row.body, meta.epoch, marks));
    }
    meta.profiles += change.profiles;
    meta.offers_held += change.offers;
    outcome.changed.push_back(*id);
    return {};
}

Status Database::write_product(const sync::FeedRow& row, Meta& meta, FeedOutcome& outcome) {
    std::int64_t change = 0;
    if (row.deleted) {
        MUDI_TRY(change, catalogue_.erase_product(row.key));
    } else if (sync::decode_product(row.body)) {
        MUDI_TRY(change, catalogue_.put_product(row.key, row.body, meta.epoch));
    } else {
        ++outcome.skipped;
    }
    meta.products += change;
    return {};
}

Status Database::write_settings(const sync::FeedRow& row, FeedOutcome& outcome) {
    // Settings are only ever replaced: a till without the chain's key could recognise nobody.
    if (row.deleted || !sync::decode_settings(row.body)) return ++outcome.skipped, Status{};
    MUDI_CHECK(catalogue_.put_settings(row.body));
    outcome.settings_changed = true;
    return {};
}

Status Database::sweep(Meta& meta) {
    MUDI_TRY(const ProfileChange profiles, profiles_.sweep(meta.epoch));
    meta.profiles += profiles.profiles;
    meta.offers_held += profiles.offers;
    MUDI_TRY(const std::int64_t products, catalogue_.sweep(meta.epoch));
    meta.products += products;
    meta.sweeping = false;
    return {};
}

} // namespace mudi::till
