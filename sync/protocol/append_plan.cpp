#include <mudi/base/assert.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/base/mutant.hpp>
#include <mudi/sync/server_sync.hpp>

namespace mudi::sync {

AppendPlan plan_append(const HighWater& mark, const PushedBatch& batch,
                       std::optional<Bits128> overlap_chain) {
    MUDI_ASSERT(!batch.events.empty());
    using Verdict = AppendPlan::Verdict;
    AppendPlan plan;
    plan.after = mark;
    const std::int64_t first = batch.events.front().seq.value;
    const std::int64_t last = batch.events.back().seq.value;
    const bool gap = first > mark.seq.value + 1;
    if (gap && !mutant::planted(mutant::Bug::gap_accepted)) {
        plan.verdict = Verdict::gap;
        return plan;
    }
    // The newest seq that both sides have, and what each says of the history up to there.
    const std::int64_t common = std::min(last, mark.seq.value);
    const std::optional<Bits128> ours = common == mark.seq.value ? std::optional{mark.chain} : overlap_chain;
    Bits128 chain = batch.chain_before;
    std::size_t at = 0;
    for (; at < batch.events.size() && batch.events[at].seq.value <= common; ++at) {
        chain = chain_next(chain, batch.events[at].body);
    }
    const bool starts_wrong = first == 1 && !batch.chain_before.is_zero();
    const bool forked = starts_wrong || (ours && *ours != chain && !gap);
    if (forked && !mutant::planted(mutant::Bug::fork_ignored)) {
        plan.verdict = Verdict::fork;
        return plan;
    }
    if (at == batch.events.size()) {
        plan.verdict = Verdict::nothing_new;
        plan.first = at;
        return plan;
    }
    plan.first = at;
    for (; at < batch.events.size(); ++at) {
        chain = chain_next(chain, batch.events[at].body);
        plan.chains.push_back(chain);
    }
    plan.after = {batch.events.back().seq, chain};
    return plan;
}

} // namespace mudi::sync
