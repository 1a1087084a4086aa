#include <mudi/till/store.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include <mudi/base/mutant.hpp>
#include <mudi/till/name_fold.hpp>

#include "database.hpp"

namespace mudi::till {
namespace {

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

/// As OpenTable::forget_lent_holds(), where there was no room for it.
void without_memory(std::vector<Hold>& holds) {
    std::erase_if(holds, [](const Hold& hold) {
        return hold.lender != RightsHolder{} || hold.asked != AskedOf::nobody;
    });
}

} // namespace

Database::Database(std::unique_ptr<db::Connection> connection, const StoreOptions& options, Random& random)
    : connection_(std::move(connection)), options_(options), random_(random),
      sealer_(options.data_key, random), meta_table_(*connection_), events_(*connection_, sealer_),
      marks_(*connection_), sales_(*connection_), profiles_(*connection_, sealer_, options.data_key),
      open_(*connection_, sealer_), catalogue_(*connection_, sealer_), raw_(*connection_, sealer_),
      rights_(*connection_),
      free_pages_(*connection_,
                  "SELECT f.freelist_count * p.page_size FROM pragma_freelist_count f, pragma_page_size p") {}

Status Database::checkpoints_apart() {
    return connection_->execute("PRAGMA wal_autocheckpoint = " + std::to_string(options_.log_pages_max));
}

Status Database::start() {
    MUDI_CHECK(checkpoints_apart());
    MUDI_CHECK(db::migrate(*connection_, migrations()));
    {
        MUDI_TRY(auto transaction, db::WriteTransaction::begin(*connection_));
        MUDI_TRY(meta_, meta_table_.open(options_, sealer_, Incarnation{random_.next()}));
        MUDI_TRY(last_, events_.last());
        MUDI_CHECK(transaction.commit());
    }
    MUDI_CHECK(take_up_rights());
    last_.row = std::max(last_.row, meta_.base);
    // An earlier run may have sent everything.
    handed_ = last_.row;
    MUDI_CHECK(place_old_rows());
    if (meta_.program != options_.program_version) MUDI_CHECK(take_up_raw_rows());
    start_reserve();
    return {};
}

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options, Random& random) {
    db::Options target;
    target.target = options.path;
    target.durability = options.durability;
    target.cache_kib = options.cache_kib;
    target.vfs = options.vfs;
    MUDI_TRY(auto connection, db::Connection::open(target));
    auto database = std::make_unique<Database>(std::move(connection), options, random);
    MUDI_CHECK(database->start());
    return std::unique_ptr<Store>(std::move(database));
}

Status Database::write_sale(EventRow row, Bits128 chain, const SaleToRecord& sale) {
    if (sale.id_from_host) {
        MUDI_TRY(const bool taken, events_.has(sale.event.id));
        if (taken) return tl::make_unexpected(conflict());
    }
    MUDI_CHECK(events_.insert(row, sale.event, chain, sale.captured));
    if (sale.right) MUDI_CHECK(move_right(*sale.right));
    if (sale.released) MUDI_CHECK(open_.erase(*sale.released));
    if (!sale.sale) return {};
    MUDI_CHECK(sales_.insert(row, *sale.sale));
    if (sale.sale->hold) MUDI_CHECK(open_.erase(*sale.sale->hold));
    if (sale.sale->was_suspended) MUDI_CHECK(open_.erase_suspended(sale.sale->key));
    return {};
}

Result<EventSeq> Database::record_once(const SaleToRecord& sale) {
    const EventRow row{last_.row.value + 1};
    const Bits128 chain = chain_next(last_.chain, sale.event.body);
    const auto commit =
        mutant::planted(mutant::Bug::sale_not_durable) ? db::Commit::relaxed : db::Commit::durable;
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(*connection_, commit));
    // What a hold or a right becomes must not come true twice, once here and once in a copy put back.
    const bool about_rights = sale.right || sale.released || (sale.sale && sale.sale->hold);
    Meta meta = meta_;
    auto written = write_sale(row, chain, sale);
    if (written && about_rights) written = tick(meta);
    if (!written) {
        if (written.error().name == "db.constraint") return tl::make_unexpected(conflict());
        return tl::make_unexpected(std::move(written).error());
    }
    MUDI_CHECK(transaction.commit());
    last_ = {row, chain, sale.event.hlc};
    ++commits_;
    if (about_rights) {
        meta_ = meta;
        testify();
    }
    return EventSeq{row.value - meta_.base.value};
}

Result<EventSeq> Database::record(const SaleToRecord& sale) {
    if (!sale.sale) return record_extra(sale);
    auto recorded = record_once(sale);
    for (const Remedy remedy : remedies) {
        if (recorded || !is_full(recorded.error())) break;
        press();
        if (make_room(remedy)) recorded = record_once(sale);
    }
    return recorded;
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
    SliceMarks marks = held.says.marks;
    if (held.says.era == meta_.era) {
        // Since it came we may have heard when our events arrived.
        MUDI_TRY(const EventRow arrived, marks_.arrived_by(held.says.applied));
        marks.reflected = std::max(marks.reflected, std::min(arrived, marks.handed));
    }
    MUDI_TRY(const LocalPoints points, sales_.local_points(held.slice, marks));
    MUDI_TRY(const auto right, right_of(held.slice.id));
    return HeldProfile{std::move(held.slice), points.local, points.spent, right};
}

Result<std::optional<HeldProfile>> Database::find_profile(const ProfileName& name) {
    MUDI_TRY(auto held, profiles_.find(name));
    if (!held) return std::optional<HeldProfile>{};
    recent_.add(held->slice.id);
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
    if (const auto* heard = std::get_if<ServerHeard>(&fact)) return meta_table_.save_heard(heard->at);
    return open_.erase_suspended(std::get<SuspendedGone>(fact).key);
}

Status Database::keep(const SideFact& fact) {
    const bool suspends = std::holds_alternative<Suspended>(fact);
    const auto* hold = std::get_if<Hold>(&fact);
    const bool asks = hold != nullptr && hold->asked == AskedOf::server && !hold->granted;
    const auto* right = std::get_if<RightUsed>(&fact);
    const bool extra = suspends || asks || (right != nullptr && right->move.points.value > 0);
    if (extra && pressure_ == Pressure::extras) return tl::make_unexpected(no_room());
    const auto write = [&]() -> Status {
        if (right != nullptr) return keep_right(*right);
        MUDI_TRY(auto transaction,
                 db::WriteTransaction::begin(*connection_,
                                             suspends || asks ? db::Commit::durable : db::Commit::relaxed));
        MUDI_CHECK(write_side(fact));
        return transaction.commit();
    };
    auto written = write();
    if (!written) return notice(std::move(written).error());
    if (suspends || asks) ++commits_;
    if (const auto* heard = std::get_if<ServerHeard>(&fact)) meta_.heard = heard->at;
    return {};
}

Result<DeskMemory> Database::load() {
    DeskMemory memory;
    memory.hlc = last_.hlc;
    MUDI_TRY(memory.settings, catalogue_.settings());
    MUDI_TRY(memory.holds, open_.holds());
    if (meta_.rights.holder.value == 0) without_memory(memory.holds);
    MUDI_TRY(memory.suspended, open_.suspended());
    memory.holder = meta_.rights.holder;
    MUDI_TRY(memory.lent, rights_.lent());
    if (meta_.heard != Time{}) memory.server_heard = meta_.heard;
    return memory;
}

} // namespace mudi::till
