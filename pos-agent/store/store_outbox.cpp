#include <algorithm>

#include <mudi/base/mutant.hpp>

#include "database.hpp"

namespace mudi::till {
namespace {

constexpr std::int64_t pruned_per_call_max = 500;

} // namespace

sync::TillState Database::state() const {
    sync::TillState state;
    state.till = options_.till;
    state.store = options_.store;
    state.workstation = options_.workstation;
    state.incarnation = meta_.incarnation;
    state.last = seq_of(last_.row);
    state.acked = seq_of(meta_.acked);
    state.safe = seq_of(meta_.safe);
    state.ack_generation = meta_.ack_generation;
    state.cursor = meta_.cursor;
    state.version = options_.program_version;
    state.holder = meta_.rights.holder;
    state.machine = options_.machine;
    state.lead_url = options_.lead_url;
    return state;
}

Result<sync::till_in::OutboxRead> Database::read_outbox(EventSeq after, const OutboxLimits& limits) {
    const EventRow after_row{after.value + meta_.base.value};
    sync::till_in::OutboxRead out;
    out.after = after;
    if (mutant::planted(mutant::Bug::ack_kept_on_restore) && after_row < meta_.acked) return out;
    if (after.value < 0 || after_row > last_.row)
        return fail(Code::invalid, "outbox.after", "no such place in the outbox");
    if (after.value > 0) {
        MUDI_TRY(const auto chain, events_.chain_at(after_row));
        if (!chain)
            return fail(Code::not_found, "outbox.pruned", "the events asked for are not kept any more");
        out.chain_before = *chain;
    } else {
        MUDI_TRY(const auto first, events_.first());
        if (first && first->value > meta_.base.value + 1)
            return fail(Code::not_found, "outbox.pruned", "the events asked for are not kept any more");
    }
    MUDI_TRY(out.events, events_.read(after_row, meta_.base, limits));
    if (!out.events.empty())
        handed_ = std::max(handed_, EventRow{out.events.back().seq.value + meta_.base.value});
    return out;
}

Status Database::save_ack(const sync::till_out::SaveAck& ack) {
    const EventRow row{ack.acked.value + meta_.base.value};
    if (ack.acked.value < 0 || row > last_.row)
        return fail(Code::invalid, "outbox.ack", "an event is acknowledged that is not here");
    if (mutant::planted(mutant::Bug::ack_kept_on_restore) && row < meta_.acked) return {};
    Meta meta = meta_;
    // Arrival numbers beyond what a restored server has are given out anew.
    if (ack.generation != meta.ack_generation || row < meta.acked) ++meta.era;
    meta.acked = row;
    meta.safe = std::clamp(EventRow{ack.safe.value + meta.base.value}, meta.base, row);
    meta.ack_generation = ack.generation;
    auto saved = write_relaxed([&]() -> Status {
        if (row < meta_.acked) MUDI_CHECK(marks_.erase_after(row));
        if (ack.arrival > 0 && row > meta.base) MUDI_CHECK(marks_.put(row, ack.arrival));
        return meta_table_.save_ack(meta);
    });
    if (!saved) return notice(std::move(saved).error());
    meta_ = meta;
    return {};
}

/// Until it has begun nothing is sent: it may use what is kept back for sales.
Result<sync::till_in::LifeBegun> Database::begin_new_life() {
    auto life = begin_life_once();
    for (const Remedy remedy : remedies) {
        if (life || !is_full(life.error())) break;
        press();
        if (make_room(remedy)) life = begin_life_once();
    }
    return life;
}

Result<sync::till_in::LifeBegun> Database::begin_life_once() {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(*connection_));
    MUDI_TRY(const auto first, events_.first());
    Meta meta = meta_;
    meta.incarnation = Incarnation{random_.next()};
    ++meta.lives;
    meta.base = first ? EventRow{first->value - 1} : last_.row;
    meta.acked = meta.safe = meta.base;
    meta.ack_generation = 0;
    MUDI_CHECK(marks_.clear());
    if (mutant::planted(mutant::Bug::new_life_new_ids))
        MUDI_CHECK(connection_->execute("UPDATE event SET id = chain"));
    Bits128 chain = last_.chain;
    if (!mutant::planted(mutant::Bug::chain_not_rewritten)) {
        MUDI_TRY(chain, events_.rechain());
    }
    MUDI_CHECK(meta_table_.save_life(meta));
    MUDI_CHECK(begin_memory(meta));
    MUDI_CHECK(transaction.commit());
    ++commits_;
    memory_begun(meta);
    last_.chain = chain;
    return sync::till_in::LifeBegun{meta_.incarnation, seq_of(last_.row)};
}

Result<std::int64_t> Database::prune(Time before) {
    EventRow keep = std::min(meta_.acked, meta_.safe);
    if (mutant::planted(mutant::Bug::prune_unsafe)) {
        keep = meta_.acked;
        before = Time::max();
    }
    MUDI_TRY(const auto row, events_.prunable(before, keep, pruned_per_call_max));
    if (!row) return std::int64_t{0};
    std::int64_t gone = 0;
    const auto erase = [&]() -> Status {
        MUDI_TRY(gone, events_.erase_up_to(*row));
        if (gone == 0) return {};
        MUDI_CHECK(marks_.erase_before(*row));
        return sales_.erase_up_to(*row);
    };
    MUDI_CHECK(write_relaxed(erase));
    return gone;
}

StoreCounts Database::counts() const {
    StoreCounts counts;
    counts.captured = seq_of(last_.row).value;
    counts.acked = seq_of(meta_.acked).value;
    counts.unsent = counts.captured - counts.acked;
    counts.safe = seq_of(meta_.safe).value;
    counts.unsafe = counts.acked - counts.safe;
    counts.lives = meta_.lives;
    counts.profiles = meta_.profiles;
    counts.offers_held = meta_.offers_held;
    counts.products = meta_.products;
    counts.raw_rows = meta_.raw_rows;
    counts.commits = commits_;
    counts.pressure = pressure_;
    counts.rights_held = rights_held();
    if (meta_.rights.born != Time{}) counts.rights_since = meta_.rights.born;
    return counts;
}

} // namespace mudi::till
