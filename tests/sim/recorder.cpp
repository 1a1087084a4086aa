#include "recorder.hpp"

#include <mudi/base/hash.hpp>

namespace mudi::sim {

Result<EventSeq> Recorder::record(const till::SaleToRecord& sale) {
    till::SaleToRecord spoilt = sale;
    Attempt attempt{doing, {}, false, newer && world_.chance(world_.swarm.shop.future_kinds)};
    if (world_.chance(world_.swarm.shop.poison) && !spoilt.event.body.empty()) {
        const auto flips = static_cast<int>(world_.between(1, 4));
        for (int i = 0; i < flips; ++i) {
            char& byte = spoilt.event.body[world_.dice.below(spoilt.event.body.size())];
            byte = static_cast<char>(byte ^ (1 << world_.dice.below(8)));
        }
        attempt.spoilt = true;
        world_.oracle.deed(doing).spoilt = true;
        world_.outcome.marks.hit("poison event");
    }
    attempt.content = hash128(spoilt.event.body);
    saved = sale.event.id;
    world_.oracle.attempt(saved, attempt);
    return under_.record(spoilt);
}

} // namespace mudi::sim
