#include <mudi/till/store.hpp>

#include <algorithm>
#include <utility>

#include <mudi/till/name_fold.hpp>

#include "database.hpp"

namespace mudi::till {
namespace {

constexpr std::int64_t pruned_per_call_max = 500;
/// How many probable finds of a name search are looked at; each costs some 10 µs.
constexpr std::size_t candidates_max = 400;

Error conflict() {
    return {Code::conflict, "sale.conflict",
            "the number or event id is taken by a transaction with another content"};
}

bool name_matches(const std::string& name, std::span<const std::string> keys) {
    const auto parts = name_parts(name);
    return std::ranges::all_of(keys, [&](const std::string& key) {
        return std::ranges::any_of(parts, [&](const std::string& part) { return part.starts_with(key); });
    });
}

} // namespace

Database::Database(std::unique_ptr<db::Connection> connection, const StoreOptions& options, Random& random)
    : connection_(std::move(connection)), till_(options.till), store_(options.store),
      workstation_(options.workstation), random_(random), sealer_(options.data_key, random),
      meta_table_(*connection_), events_(*connection_, sealer_), sales_(*connection_),
      profiles_(*connection_, sealer_, options.data_key), open_(*connection_, sealer_),
      catalogue_(*connection_, sealer_) {}

Status Database::start(const StoreOptions& options) {
    // A sale dirties some seven pages: a checkpoint, with its three fsyncs, comes every 300 sales or so.
    MUDI_CHECK(connection_->execute("PRAGMA wal_autocheckpoint = 2000"));
    MUDI_CHECK(db::migrate(*connection_, migrations()));
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(*connection_));
    MUDI_TRY(meta_, meta_table_.open(options, sealer_, Incarnation{random_.next()}));
    MUDI_TRY(last_, events_.last());
    MUDI_CHECK(transaction.commit());
    last_.row = std::max(last_.row, meta_.base);
    // An earlier run may have sent everything.
    handed_ = last_.row;
    return {};
}

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options, Random& random) {
    db::Options target;
    target.target = options.path;
    target.durability = options.durability;
    target.cache_kib = options.cache_kib;
    MUDI_TRY(auto connection, db::Connection::open(target));
    auto database = std::make_unique<Database>(std::move(connection), options, random);
    MUDI_CHECK(database->start(options));
    return std::unique_ptr<Store>(std::move(database));
}

template <class Write>
Status Database::write_relaxed(Write&& write) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(*connection_, db::Commit::relaxed));
    MUDI_CHECK(write());
    return transaction.commit();
}

Status Database::write_sale(EventRow row, Bits128 chain, const SaleToRecord& sale) {
    if (sale.id_from_host) {
        MUDI_TRY(const bool taken, events_.has(sale.event.id));
        if (taken) return tl::make_unexpected(conflict());
    }
    MUDI_CHECK(events_.insert(row, sale.event, chain, sale.captured));
    if (!sale.sale) return {};
    MUDI_CHECK(sales_.insert(row, *sale.sale));
    if (sale.sale->hold) MUDI_CHECK(open_.erase(*sale.sale->hold));
    if (sale.sale->was_suspended) MUDI_CHECK(open_.erase_suspended(sale.sale->key));
    return {};
}

Result<EventSeq> Database::record(const SaleToRecord& sale) {
    const EventRow row{last_.row.value + 1};
    const Bits128 chain = chain_next(last_.chain, sale.event.body);
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(*connection_));
    auto written = write_sale(row, chain, sale);
    if (!written) {
        if (written.error().name == "db.constraint") return tl::make_unexpected(conflict());
        return tl::make_unexpected(std::move(written).error());
    }
    MUDI_CHECK(transaction.commit());
    last_ = {row, chain, sale.event.hlc};
    ++commits_;
    return EventSeq{row.value - meta_.base.value};
}

Result<std::optional<StoredTransaction>> Database::find_transaction(const TransactionKey& key) {
    MUDI_TRY(auto row, sales_.find(key));
    if (!row) return std::optional<StoredTransaction>{};
    MUDI_TRY(auto event, events_.find(row->event));
    if (!event) return fail(Code::corrupt, "till.damaged", "a stored transaction has lost its event");
    MUDI_TRY(auto body, sync::decode(*event));
    auto* transaction = std::get_if<crm::RetailTransaction>(&body);
    if (transaction == nullptr)
        return fail(Code::corrupt, "till.damaged", "a stored transaction's event is of another kind");
    StoredTransaction stored;
    stored.row = row->event;
    stored.seq = EventSeq{row->event.value - meta_.base.value};
    stored.transaction = std::move(*transaction);
    stored.content_hash = row->content_hash;
    stored.given = row->given;
    stored.balance = row->balance;
    stored.voided = row->voided;
    MUDI_CHECK(sales_.returned(row->event, stored));
    return std::optional{std::move(stored)};
}

Result<HeldProfile> Database::with_local(HeldSlice held) {
    MUDI_TRY(const LocalPoints points, sales_.local_points(held.slice, held.marks));
    return HeldProfile{std::move(held.slice), points.local, points.spent};
}

Result<std::optional<HeldProfile>> Database::find_profile(const ProfileName& name) {
    MUDI_TRY(auto held, profiles_.find(name));
    if (!held) return std::optional<HeldProfile>{};
    MUDI_TRY(auto profile, with_local(*std::move(held)));
    return std::optional{std::move(profile)};
}

Result<std::vector<HeldProfile>> Database::search_profiles(std::span<const std::string> keys,
                                                           std::size_t count_max) {
    MUDI_TRY(const auto candidates, profiles_.candidates(keys, candidates_max));
    std::vector<HeldProfile> found;
    for (const ProfileId id : candidates) {
        if (found.size() >= count_max) break;
        MUDI_TRY(auto held, profiles_.find(id));
        if (!held || !name_matches(held->slice.name, keys)) continue;
        MUDI_TRY(auto profile, with_local(*std::move(held)));
        found.push_back(std::move(profile));
    }
    return found;
}

Result<std::optional<crm::Product>> Database::find_product(std::string_view item_id) {
    return catalogue_.product(item_id);
}

Status Database::write_side(const SideFact& fact) {
    if (const auto* hold = std::get_if<Hold>(&fact)) return open_.put(*hold);
    if (const auto* released = std::get_if<HoldReleased>(&fact)) return open_.erase(released->id);
    if (const auto* suspended = std::get_if<Suspended>(&fact)) return open_.suspend(suspended->transaction);
    return open_.erase_suspended(std::get<SuspendedGone>(fact).key);
}

Status Database::keep(const SideFact& fact) {
    if (!std::holds_alternative<Suspended>(fact)) return write_relaxed([&] { return write_side(fact); });
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(*connection_));
    MUDI_CHECK(write_side(fact));
    MUDI_CHECK(transaction.commit());
    ++commits_;
    return {};
}

Result<DeskMemory> Database::load() {
    DeskMemory memory;
    memory.hlc = last_.hlc;
    MUDI_TRY(memory.settings, catalogue_.settings());
    MUDI_TRY(memory.holds, open_.holds());
    MUDI_TRY(memory.suspended, open_.suspended());
    return memory;
}

sync::TillState Database::state() const {
    sync::TillState state;
    state.till = till_;
    state.store = store_;
    state.workstation = workstation_;
    state.incarnation = meta_.incarnation;
    state.last = EventSeq{last_.row.value - meta_.base.value};
    state.acked = EventSeq{meta_.acked.value - meta_.base.value};
    state.ack_generation = meta_.ack_generation;
    state.cursor = meta_.cursor;
    return state;
}

Result<sync::till_in::OutboxRead> Database::read_outbox(EventSeq after, const OutboxLimits& limits) {
    const EventRow after_row{after.value + meta_.base.value};
    sync::till_in::OutboxRead out;
    out.after = after;
    if (after.value < 0 || after_row > last_.row)
        return fail(Code::invalid, "outbox.after", "no such place in the outbox");
    if (after.value > 0) {
        MUDI_TRY(const auto chain, events_.chain_at(after_row));
        if (!chain)
            return fail(Code::not_found, "outbox.pruned", "the events asked for are not kept any more");
        out.chain_before = *chain;
    } else {
        MUDI_TRY(const auto first, events_.first());
        if (first && first->value > meta_.base.value + 1) {
            return fail(Code::not_found, "outbox.pruned", "the events asked for are not kept any more");
        }
    }
    MUDI_TRY(out.events, events_.read(after_row, meta_.base, limits));
    if (!out.events.empty())
        handed_ = std::max(handed_, EventRow{out.events.back().seq.value + meta_.base.value});
    return out;
}

Status Database::save_ack(EventSeq acked, std::uint64_t generation) {
    const EventRow row{acked.value + meta_.base.value};
    if (acked.value < 0 || row > last_.row)
        return fail(Code::invalid, "outbox.ack", "an event is acknowledged that is not here");
    Meta meta = meta_;
    meta.acked = row;
    meta.ack_generation = generation;
    MUDI_CHECK(write_relaxed([&] { return meta_table_.save_ack(meta); }));
    meta_ = meta;
    return {};
}

Result<sync::till_in::LifeBegun> Database::begin_new_life() {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(*connection_));
    MUDI_TRY(const auto first, events_.first());
    Meta meta = meta_;
    meta.incarnation = Incarnation{random_.next()};
    meta.base = first ? EventRow{first->value - 1} : last_.row;
    meta.acked = meta.base;
    meta.ack_generation = 0;
    MUDI_TRY(const Bits128 chain, events_.rechain());
    MUDI_CHECK(meta_table_.save_life(meta));
    MUDI_CHECK(transaction.commit());
    ++commits_;
    meta_ = meta;
    last_.chain = chain;
    return sync::till_in::LifeBegun{meta_.incarnation, EventSeq{last_.row.value - meta_.base.value}};
}

Result<std::int64_t> Database::prune(Time before) {
    MUDI_TRY(const auto row, events_.prunable(before, meta_.acked, pruned_per_call_max));
    if (!row) return std::int64_t{0};
    std::int64_t gone = 0;
    const auto erase = [&]() -> Status {
        MUDI_TRY(gone, events_.erase_up_to(*row));
        return gone == 0 ? Status{} : sales_.erase_up_to(*row);
    };
    MUDI_CHECK(write_relaxed(erase));
    return gone;
}

StoreCounts Database::counts() const {
    StoreCounts counts;
    counts.captured = last_.row.value - meta_.base.value;
    counts.acked = meta_.acked.value - meta_.base.value;
    counts.unsent = counts.captured - counts.acked;
    counts.profiles = meta_.profiles;
    counts.offers_held = meta_.offers_held;
    counts.products = meta_.products;
    counts.commits = commits_;
    return counts;
}

} // namespace mudi::till
