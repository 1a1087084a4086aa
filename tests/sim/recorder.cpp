#include "recorder.hpp"

#include <mudi/base/hash.hpp>
#include <mudi/sync/event.hpp>

namespace mudi::sim {

Result<EventSeq> Recorder::record(const till::SaleToRecord& sale) {
    till::SaleToRecord spoilt = sale;
    const bool asked_for = sale.event.kind != static_cast<std::uint32_t>(sync::EventKind::right_returned);
    Attempt attempt{asked_for ? doing : 0, {}, false, newer && world_.chance(world_.swarm.shop.future_kinds)};
    if (!asked_for && sale.right) world_.outcome.marks.hit("right recalled");
    // What a flipped bit does to points, or to whose they are, is anybody's guess.
    const Deed* const deed = asked_for ? &world_.oracle.deed(doing) : nullptr;
    const bool about_points =
        deed == nullptr || deed->is_join || deed->customer >= 0 || (sale.sale && !sale.sale->ledger.empty());
    if (!(world_.swarm.points.pays > 0 && about_points) && world_.chance(world_.swarm.shop.poison) &&
        !spoilt.event.body.empty()) {
        const auto flips = static_cast<int>(world_.between(1, 4));
        for (int i = 0; i < flips; ++i) {
            char& byte = spoilt.event.body[world_.dice.below(spoilt.event.body.size())];
            byte = static_cast<char>(byte ^ (1 << world_.dice.below(8)));
        }
        attempt.spoilt = true;
        if (asked_for) world_.oracle.deed(doing).spoilt = true;
        world_.outcome.marks.hit("poison event");
    }
    attempt.content = hash128(spoilt.event.body);
    world_.oracle.attempt(sale.event.id, attempt);
    return under_.record(spoilt);
}

} // namespace mudi::sim
