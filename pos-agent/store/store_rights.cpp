#include <algorithm>

#include <mudi/base/mutant.hpp>

#include "database.hpp"

namespace mudi::till {
namespace {

/// A question that is put again comes within seconds.
constexpr std::chrono::hours lent_kept{24};

tl::unexpected<Error> right_gone() {
    return fail(Code::conflict, "right.gone", "the right to spend these points is not there any more");
}

} // namespace

/// The memory goes on only when nothing can have happened to it since: the same machine, and what it
/// remembers outside of the database says the same.
Status Database::take_up_rights() {
    const RightsMemory& had = meta_.rights;
    const auto seen = options_.witness != nullptr ? options_.witness->read() : std::nullopt;
    const bool fits = !had.machine.is_zero() && had.machine == options_.machine &&
                      seen == RightsWitness::Seen{had.holder, had.tick};
    if (had.holder.value != 0 && (fits || mutant::planted(mutant::Bug::rights_survive_restore))) {
        MUDI_TRY(rights_known_, rights_.any());
        return {};
    }
    auto begun = begin_memory_now(true);
    if (begun || !is_full(begun.error())) return begun;
    // Selling goes before: without any rights until there is room.
    meta_.rights = {};
    press();
    return {};
}

Status Database::begin_memory_now(bool of_a_copy) {
    Meta meta = meta_;
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(*connection_));
    // The sales that used these holds may be missing from a copy.
    const Bits128 machine = meta_.rights.machine;
    const bool elsewhere = machine.is_zero() || machine != options_.machine;
    if (of_a_copy) MUDI_CHECK(open_.forget_lent_holds(elsewhere));
    MUDI_CHECK(begin_memory(meta));
    MUDI_CHECK(transaction.commit());
    if (!of_a_copy) ++commits_;
    memory_begun(meta);
    return {};
}

Status Database::begin_memory(Meta& meta) {
    RightsHolder fresh;
    while (fresh.value == 0 || fresh == meta.rights.holder) fresh = RightsHolder{random_.next()};
    meta.rights = {fresh, 0, options_.machine, {}};
    MUDI_CHECK(rights_.clear());
    return meta_table_.save_rights(meta.rights);
}

/// After the commit.
void Database::memory_begun(const Meta& meta) {
    meta_ = meta;
    rights_known_ = false;
    rights_held_.reset();
    testify();
}

/// Rights of a history that is not the server's, or not ours alone, are not spent.
Status Database::begin_memory_if_any() { return rights_known_ ? begin_memory_now(false) : Status{}; }

/// Outside of the database, after the commit: a crash between the two ends the memory, which is safe.
void Database::testify() {
    if (options_.witness != nullptr) options_.witness->write({meta_.rights.holder, meta_.rights.tick});
}

Status Database::tick(Meta& meta) {
    ++meta.rights.tick;
    return meta_table_.save_rights(meta.rights);
}

/// In the transaction that writes the slice.
Status Database::hear_right(ProfileId profile, const crm::ProfileSlice* slice) {
    if (slice != nullptr) {
        const auto own = std::ranges::find(slice->rights, meta_.rights.holder, &crm::Right::holder);
        if (own != slice->rights.end()) {
            rights_known_ = true;
            rights_held_.reset();
            return rights_.hear(profile, *own);
        }
    }
    return rights_known_ ? rights_.want_back(profile) : Status{};
}

Status Database::move_right(const RightMove& move) {
    if (move.holder != meta_.rights.holder) return move.points.value > 0 ? right_gone() : Status{};
    rights_held_.reset();
    if (move.returned && mutant::planted(mutant::Bug::recall_not_counted))
        return rights_.forget_recall(move.profile);
    MUDI_TRY(const bool moved, rights_.use(move.profile, move.points));
    return moved || move.points.value < 0 ? Status{} : right_gone();
}

Status Database::keep_right(const RightUsed& fact) {
    const bool used = fact.move.points.value > 0;
    Meta meta = meta_;
    MUDI_TRY(auto transaction,
             db::WriteTransaction::begin(*connection_, used ? db::Commit::durable : db::Commit::relaxed));
    MUDI_CHECK(move_right(fact.move));
    if (fact.hold) MUDI_CHECK(open_.put(*fact.hold));
    if (fact.released) MUDI_CHECK(open_.erase(*fact.released));
    if (fact.lent) {
        MUDI_CHECK(rights_.forget_lent(fact.lent->at - lent_kept));
        MUDI_CHECK(rights_.lend(*fact.lent));
    }
    if (used) MUDI_CHECK(tick(meta));
    MUDI_CHECK(transaction.commit());
    if (!used) return {};
    ++commits_;
    meta_ = meta;
    testify();
    return {};
}

Result<std::vector<RightDue>> Database::rights_due(std::size_t count_max) {
    if (!rights_known_) return std::vector<RightDue>{};
    MUDI_TRY(auto due, rights_.due(count_max));
    for (RightDue& each : due) each.use.right.holder = meta_.rights.holder;
    return due;
}

Result<std::optional<crm::RightUse>> Database::right_of(ProfileId profile) {
    if (!rights_known_) return std::optional<crm::RightUse>{};
    MUDI_TRY(auto use, rights_.find(profile));
    if (use) use->right.holder = meta_.rights.holder;
    return use;
}

Points Database::rights_held() const {
    if (!rights_known_) return {};
    if (!rights_held_) {
        const auto sum = rights_.held();
        if (!sum) return {};
        rights_held_ = *sum;
    }
    return *rights_held_;
}

/// The store has no clock of its own: the first minute names the time.
void Database::note_birth(Time now) {
    if (meta_.rights.born != Time{} || pressure_ != Pressure::none) return;
    RightsMemory rights = meta_.rights;
    rights.born = now;
    if (write_relaxed([&] { return meta_table_.save_rights(rights); })) meta_.rights = rights;
}

} // namespace mudi::till
