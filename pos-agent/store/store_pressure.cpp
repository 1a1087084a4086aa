#include "database.hpp"

namespace mudi::till {
namespace {

constexpr std::int64_t rows_dropped_max = 500;
/// So much free inside the database's own file is enough for thousands of sales: nothing more is dropped.
constexpr std::int64_t free_bytes_enough = 32LL * 1024 * 1024;

} // namespace

std::string_view to_string(Pressure pressure) {
    switch (pressure) {
    case Pressure::none: return "none";
    case Pressure::caches: return "caches";
    case Pressure::outbox: return "outbox";
    case Pressure::extras: break;
    }
    return "extras";
}

Error Database::no_room() {
    return {Code::unavailable, "till.disk_pressure", "the disk of the till is full; only sales are saved"};
}

/// SQLite reports a full disk under several names, depending on which of its files no longer fits.
bool Database::is_full(const Error& error) const {
    if (error.name == "db.full") return true;
    return error.code == Code::io && options_.reserve != nullptr && options_.reserve->full();
}

void Database::press() {
    if (pressure_ != Pressure::none) return;
    pressure_ = Pressure::caches;
    dropped_to_ = {};
    (void)connection_->execute(checkpoints_often).has_value();
}

tl::unexpected<Error> Database::notice(Error error) {
    if (!is_full(error)) return tl::make_unexpected(std::move(error));
    press();
    return tl::make_unexpected(no_room());
}

Result<EventSeq> Database::record_extra(const SaleToRecord& sale) {
    if (pressure_ == Pressure::extras) return tl::make_unexpected(no_room());
    auto recorded = record_once(sale);
    if (!recorded) return notice(std::move(recorded).error());
    return recorded;
}

/// True when it may have helped.
bool Database::make_room(Remedy remedy) {
    switch (remedy) {
    case Remedy::reserve: return options_.reserve != nullptr && options_.reserve->give_back();
    case Remedy::caches:
        if (const auto dropped = drop_caches(); !dropped || *dropped == 0) return false;
        break;
    case Remedy::log: break;
    }
    // The log is written from its beginning again: it needs no new space on the disk.
    return connection_->execute("PRAGMA wal_checkpoint(RESTART)").has_value();
}

void Database::start_reserve() {
    if (options_.reserve == nullptr || options_.reserve->make()) return;
    if (options_.reserve->full()) press();
}

bool Database::space_is_back() {
    if (options_.reserve != nullptr) return !options_.reserve->full() && options_.reserve->make();
    return write_relaxed([&] { return meta_table_.save_feed(meta_); }).has_value();
}

Result<Relief> Database::relieve(Time now) {
    Relief relief;
    note_birth(now);
    if (pressure_ == Pressure::none) {
        if (options_.reserve != nullptr) options_.reserve->make();
        return relief;
    }
    if (space_is_back()) {
        MUDI_CHECK(let_up(relief));
        return relief;
    }
    auto dropped = step_down(now);
    if (!dropped && is_full(dropped.error())) {
        // What frees space needs some itself.
        if (!make_room(Remedy::reserve)) make_room(Remedy::log);
        dropped = step_down(now);
    }
    MUDI_TRY(relief.dropped, std::move(dropped));
    relief.pressure = pressure_;
    return relief;
}

Status Database::let_up(Relief& relief) {
    pressure_ = Pressure::none;
    relief.resume = cut_;
    // A start on a full disk went without one.
    if (meta_.rights.holder.value == 0) MUDI_CHECK(begin_memory_now(true));
    return checkpoints_apart();
}

Result<std::int64_t> Database::step_down(Time now) {
    MUDI_TRY(const auto free, free_pages_.first());
    if (free && std::get<0>(*free) >= free_bytes_enough) return std::int64_t{0};
    if (pressure_ == Pressure::caches) {
        MUDI_TRY(const auto dropped, drop_caches());
        if (dropped > 0) return dropped;
        pressure_ = Pressure::outbox;
    }
    MUDI_TRY(const auto pruned, prune(now - events_kept_min));
    if (pruned == 0) pressure_ = Pressure::extras;
    return pruned;
}

/// What nobody here can read first, then customers who were not here lately, then the catalogue. The cursor
/// goes with them: changes alone would not bring them back.
Result<std::int64_t> Database::drop_caches() {
    Meta meta = meta_;
    meta.cursor = {};
    std::int64_t dropped = 0;
    ProfileId at = dropped_to_;
    const auto drop = [&]() -> Status {
        MUDI_TRY(dropped, raw_.drop(rows_dropped_max));
        meta.raw_rows -= dropped;
        if (dropped == 0) {
            MUDI_TRY(dropped, drop_profiles(at, meta));
        }
        if (dropped == 0) {
            MUDI_TRY(dropped, catalogue_.drop_products(rows_dropped_max));
            meta.products -= dropped;
        }
        return dropped == 0 ? Status{} : meta_table_.save_feed(meta);
    };
    MUDI_CHECK(write_relaxed(drop));
    if (dropped == 0) return dropped;
    meta_ = meta;
    dropped_to_ = at;
    cut_ = true;
    return dropped;
}

Result<std::int64_t> Database::drop_profiles(ProfileId& at, Meta& meta) {
    for (std::int64_t dropped = 0;;) {
        MUDI_TRY(const auto ids, profiles_.ids_after(at, rows_dropped_max));
        for (const ProfileId id : ids) {
            at = id;
            if (recent_.has(id)) continue;
            MUDI_TRY(const auto change, profiles_.erase(id));
            meta.profiles += change.profiles;
            meta.offers_held += change.offers;
            ++dropped;
        }
        if (dropped > 0 || ids.empty()) return dropped;
    }
}

} // namespace mudi::till
