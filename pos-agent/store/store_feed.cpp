#include <algorithm>
#include <bit>
#include <charconv>
#include <set>

#include <mudi/base/mutant.hpp>

#include "database.hpp"

namespace mudi::till {
namespace {

constexpr std::int64_t rows_per_turn_max = 500;
constexpr std::string_view settings_key = "settings";

/// The key as it must be: two spellings of one number would be two rows to the server.
std::optional<ProfileId> profile_of(std::string_view key) {
    ProfileId id;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id.value);
    if (error != std::errc{} || end != key.data() + key.size() || id.value <= 0) return std::nullopt;
    if (std::to_string(id.value) != key) return std::nullopt;
    return id;
}

bool is(const sync::FeedRow& row, sync::FeedKind kind) {
    return row.kind == static_cast<std::uint32_t>(kind);
}

bool divides(std::size_t parts) { return std::has_single_bit(parts) && parts <= sync::parts_max; }

sync::FeedRow tombstone(sync::FeedKind kind, std::string key) {
    return {0, static_cast<std::uint32_t>(kind), std::move(key), true, {}, 0};
}

} // namespace

Result<FeedOutcome> Database::apply_feed(const FeedBatch& batch) {
    if (pressure_ != Pressure::none) return tl::make_unexpected(no_room());
    if (cut_)
        return fail(Code::unavailable, "feed.cut", "rows were dropped: the copies must be compared first");
    if (mutant::planted(mutant::Bug::cursor_before_rows)) {
        Meta early = meta_;
        early.cursor = batch.cursor;
        MUDI_CHECK(write_relaxed([&] { return meta_table_.save_feed(early); }));
    }
    return apply(batch.rows, batch.cursor, std::nullopt);
}

Result<FeedOutcome> Database::apply_part(const sync::till_out::ApplyPart& part) {
    if (pressure_ != Pressure::none) return tl::make_unexpected(no_room());
    if (!divides(part.parts) || part.part >= part.parts)
        return fail(Code::invalid, "feed.part", "the feed has no such part");
    const std::int64_t width = sync::parts_max / part.parts;
    const std::int64_t first = part.part * width;
    return apply(part.rows, std::nullopt, PartRange{first, first + width - 1});
}

Result<FeedOutcome> Database::apply(const Rows& rows, const std::optional<sync::FeedCursor>& cursor,
                                    const std::optional<PartRange>& whole) {
    Meta meta = meta_;
    FeedOutcome outcome;
    auto written = write_relaxed([&]() -> Status {
        MUDI_CHECK(write_rows(rows, meta, outcome));
        if (whole && !mutant::planted(mutant::Bug::part_keeps_old_rows))
            MUDI_CHECK(erase_others(rows, *whole, meta, outcome));
        if (cursor) meta.cursor = *cursor;
        return meta_table_.save_feed(meta);
    });
    if (!written) return notice(std::move(written).error());
    meta_ = meta;
    return outcome;
}

Status Database::write_rows(const Rows& rows, Meta& meta, FeedOutcome& outcome) {
    for (const sync::FeedRow& row : rows) MUDI_CHECK(write_row(row, meta.era, meta, outcome));
    return {};
}

/// What this program cannot read is kept for one that can; what was known before goes on serving.
Status Database::write_row(const sync::FeedRow& row, std::int64_t era, Meta& meta, FeedOutcome& outcome) {
    bool taken = row.deleted;
    if (is(row, sync::FeedKind::profile)) {
        MUDI_TRY(taken, write_profile(row, era, meta, outcome));
    } else if (is(row, sync::FeedKind::product)) {
        MUDI_TRY(taken, write_product(row, meta));
    } else if (is(row, sync::FeedKind::settings)) {
        MUDI_TRY(taken, write_settings(row, outcome));
    }
    if (!taken && !row.deleted) {
        ++outcome.skipped;
        return keep_raw(row, era, meta);
    }
    if (meta.raw_rows == 0) return {};
    MUDI_TRY(const auto change, raw_.erase(row.kind, row.key));
    meta.raw_rows += change;
    return {};
}

Status Database::keep_raw(const sync::FeedRow& row, std::int64_t era, Meta& meta) {
    if (is(row, sync::FeedKind::profile)) {
        if (const auto id = profile_of(row.key)) MUDI_CHECK(profiles_.outdate(*id));
    } else if (is(row, sync::FeedKind::product)) {
        MUDI_CHECK(catalogue_.outdate_product(row.key));
    } else if (is(row, sync::FeedKind::settings)) {
        MUDI_CHECK(catalogue_.outdate_settings());
    }
    MUDI_TRY(const auto change, raw_.put(row, era));
    meta.raw_rows += change;
    return {};
}

/// Says nothing of arrival, and the server has not said when our last event arrived either: then it is one
/// that never does, and is taken to have applied what it acknowledged.
Result<SliceSays> Database::says(const sync::FeedRow& row, std::int64_t era) const {
    SliceSays says{{meta_.base, handed_}, row.applied, era};
    if (era != meta_.era) return says;
    MUDI_TRY(says.marks.reflected, marks_.arrived_by(row.applied));
    if (row.applied == 0 && meta_.acked > meta_.base) {
        MUDI_TRY(const bool heard, marks_.has(meta_.acked));
        if (!heard) says.marks.reflected = meta_.acked;
    }
    return says;
}

Result<bool> Database::write_profile(const sync::FeedRow& row, std::int64_t era, Meta& meta,
                                     FeedOutcome& outcome) {
    const auto id = profile_of(row.key);
    if (!id) return false;
    ProfileChange change;
    if (row.deleted) {
        MUDI_TRY(change, profiles_.erase(*id));
        MUDI_CHECK(hear_right(*id, nullptr));
    } else {
        const auto slice = sync::decode_profile(row.body);
        if (!slice || slice->id != *id) return false;
        MUDI_TRY(const SliceSays contains, says(row, era));
        const FeedPlace place = place_of(sync::FeedKind::profile, row.key, row.body);
        MUDI_TRY(change, profiles_.put(*slice, row.body, place, contains));
        MUDI_CHECK(hear_right(*id, &*slice));
    }
    meta.profiles += change.profiles;
    meta.offers_held += change.offers;
    outcome.changed.push_back(*id);
    return true;
}

Result<bool> Database::write_product(const sync::FeedRow& row, Meta& meta) {
    std::int64_t change = 0;
    if (row.deleted) {
        MUDI_TRY(change, catalogue_.erase_product(row.key));
    } else {
        if (!sync::decode_product(row.body)) return false;
        const FeedPlace place = place_of(sync::FeedKind::product, row.key, row.body);
        MUDI_TRY(change, catalogue_.put_product(row.key, row.body, place));
    }
    meta.products += change;
    return true;
}

Result<bool> Database::write_settings(const sync::FeedRow& row, FeedOutcome& outcome) {
    if (row.key != settings_key) return false;
    // Settings are only ever replaced: a till without the chain's key could recognise nobody.
    if (row.deleted) {
        MUDI_CHECK(catalogue_.outdate_settings());
        return true;
    }
    if (!sync::decode_settings(row.body)) return false;
    MUDI_CHECK(catalogue_.put_settings(row.body, place_of(sync::FeedKind::settings, row.key, row.body)));
    outcome.settings_changed = true;
    return true;
}

Status Database::erase_others(const Rows& rows, PartRange range, Meta& meta, FeedOutcome& outcome) {
    std::set<std::pair<std::uint32_t, std::string_view>> stay;
    for (const sync::FeedRow& row : rows) stay.emplace(row.kind, row.key);
    const auto goes = [&](std::uint32_t kind, std::string_view key) { return !stay.contains({kind, key}); };
    const auto goes_of = [&](sync::FeedKind kind, std::string_view key) {
        return goes(static_cast<std::uint32_t>(kind), key);
    };
    Rows gone;
    MUDI_TRY(const auto profiles, profiles_.in_parts(range));
    for (const ProfileId id : profiles) {
        std::string key = std::to_string(id.value);
        if (goes_of(sync::FeedKind::profile, key))
            gone.push_back(tombstone(sync::FeedKind::profile, std::move(key)));
    }
    MUDI_TRY(auto products, catalogue_.products_in(range));
    for (std::string& item : products) {
        if (goes_of(sync::FeedKind::product, item))
            gone.push_back(tombstone(sync::FeedKind::product, std::move(item)));
    }
    MUDI_TRY(const auto settings_part, catalogue_.settings_part());
    if (settings_part && range.contains(*settings_part) && goes_of(sync::FeedKind::settings, settings_key))
        gone.push_back(tombstone(sync::FeedKind::settings, std::string(settings_key)));
    MUDI_TRY(auto raw, raw_.in_parts(range));
    for (RawTable::Name& name : raw) {
        if (goes(name.kind, name.key)) gone.push_back({0, name.kind, std::move(name.key), true, {}, 0});
    }
    return write_rows(gone, meta, outcome);
}

Result<PartSums> Database::sums() {
    PartSums sums(sync::parts_max);
    MUDI_CHECK(profiles_.sum(sums));
    MUDI_CHECK(catalogue_.sum(sums));
    MUDI_CHECK(raw_.sum(sums));
    return sums;
}

Result<std::vector<std::uint32_t>> Database::compare(const sync::Manifest& manifest) {
    if (pressure_ != Pressure::none) return tl::make_unexpected(no_room());
    const std::size_t parts = manifest.digests.size();
    if (!divides(parts)) return fail(Code::invalid, "feed.part", "a feed is not divided like that");
    if (auto begun = begin_memory_if_any(); !begun) return notice(std::move(begun).error());
    MUDI_TRY(const PartSums finest, sums());
    PartSums here(parts);
    for (std::size_t part = 0; part < finest.size(); ++part)
        here[part * parts / finest.size()] += finest[part];
    std::vector<std::uint32_t> differing;
    for (std::size_t part = 0; part < parts; ++part) {
        if (here[part] != manifest.digests[part]) differing.push_back(static_cast<std::uint32_t>(part));
    }
    // Without the settings nobody is recognised: they come first.
    const auto kind = static_cast<std::uint32_t>(sync::FeedKind::settings);
    const auto settings_part =
        static_cast<std::uint32_t>(sync::part_of(kind, settings_key) * parts / sync::parts_max);
    if (const auto found = std::ranges::find(differing, settings_part); found != differing.end())
        std::rotate(differing.begin(), found, found + 1);
    cut_ = false;
    return differing;
}

/// Of a database that an earlier program made. In steps: a crash costs little, and no transaction is large.
Status Database::place_old_rows() {
    for (std::int64_t placed = 1; placed > 0;) {
        MUDI_CHECK(write_relaxed([&]() -> Status {
            MUDI_TRY(const auto profiles, profiles_.place_old(rows_per_turn_max));
            MUDI_TRY(const auto products, catalogue_.place_old(rows_per_turn_max));
            placed = profiles + products;
            return {};
        }));
    }
    return {};
}

Status Database::take_up_raw_rows() {
    RawTable::Name at;
    for (bool more = meta_.raw_rows > 0; more;) {
        Meta meta = meta_;
        MUDI_CHECK(write_relaxed([&]() -> Status {
            MUDI_TRY(const auto rows, raw_.after(at, rows_per_turn_max));
            more = !rows.empty();
            FeedOutcome outcome;
            for (const RawRow& raw : rows) {
                at = {raw.row.kind, raw.row.key};
                if (!raw.damaged) MUDI_CHECK(write_row(raw.row, raw.era, meta, outcome));
            }
            return meta_table_.save_feed(meta);
        }));
        meta_ = meta;
    }
    MUDI_CHECK(write_relaxed([&] { return meta_table_.save_program(options_.program_version); }));
    meta_.program = options_.program_version;
    return {};
}

} // namespace mudi::till
