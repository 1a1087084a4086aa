#include "shop_network.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>
#include <utility>

#include "till_machine.hpp"
#include "world.hpp"

namespace mudi::sim {
namespace {

constexpr std::string_view scheme = "lan://";
constexpr std::int64_t delay_ms_max = 12;
/// A busy machine, or a switch that thinks.
constexpr std::int64_t slow_ms_max = 1'500;
constexpr std::int64_t replay_late_ms = 30'000;

} // namespace

std::string ShopNetwork::url_of(int machine) { return std::string(scheme) + std::to_string(machine); }

bool ShopNetwork::cut(int machine) const {
    const auto at = static_cast<std::size_t>(machine);
    return at < cut_until_ms_.size() && world_.timeline.now_ms() < cut_until_ms_[at];
}

void ShopNetwork::cut_off(int machine, std::int64_t ms) {
    const auto at = static_cast<std::size_t>(machine);
    if (cut_until_ms_.size() <= at) cut_until_ms_.resize(at + 1);
    cut_until_ms_[at] = world_.timeline.now_ms() + ms;
    world_.note("cut off", {machine, ms});
    world_.outcome.marks.hit("till cut off from its neighbours");
}

TillMachine* ShopNetwork::serving_at(const std::string& url) const {
    if (!url.starts_with(scheme)) return nullptr;
    std::size_t machine = 0;
    const std::string_view digits = std::string_view(url).substr(scheme.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), machine);
    if (error != std::errc{} || machine >= world_.tills.size()) return nullptr;
    TillMachine& till = *world_.tills[machine];
    return till.lends() ? &till : nullptr;
}

std::optional<std::int64_t> ShopNetwork::travel(int a, int b) {
    const std::int64_t ms = world_.between(0, world_.chance(5) ? slow_ms_max : delay_ms_max);
    if (cut(a) || cut(b) || world_.chance(world_.swarm.points.lan_loss)) return std::nullopt;
    return ms;
}

void ShopNetwork::ask(TillMachine& from, const std::string& url, const std::string& frame, Duration patience,
                      OnAnswer on_answer) {
    auto talk = std::make_shared<Conversation>(Conversation{std::move(on_answer)});
    const int asks = from.number();
    const auto answer = [talk](Result<std::string> result) {
        if (const OnAnswer told = std::exchange(talk->on_answer, {})) told(std::move(result));
    };
    TillMachine* const lead = serving_at(url);
    const bool reached = lead != nullptr && !cut(asks) && !cut(lead->number());
    from.later(patience.count(), [answer, reached] {
        if (reached) return answer(fail(Code::unavailable, "lead.silent", "the lead did not answer"));
        answer(fail(Code::unavailable, "lead.unreachable", "the lead cannot be reached"));
    });
    if (!reached) return;
    world_.trace.bytes(frame);
    const int copies = world_.chance(world_.swarm.points.lan_replay) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
        auto ms = travel(asks, lead->number());
        if (!ms) continue;
        if (copy > 0) *ms += world_.between(0, world_.chance(80) ? 200 : replay_late_ms);
        world_.timeline.after(*ms, [this, asks, url, frame, answer, program = from.program(), &from] {
            TillMachine* const served = serving_at(url);
            if (served == nullptr) return;
            served->lend(frame, [this, asks, answer, program, &from,
                                 lends = served->number()](std::string reply) {
                const auto back = travel(asks, lends);
                if (!back) return;
                world_.timeline.after(*back, [answer, program, &from, reply = std::move(reply)]() mutable {
                    if (from.program() != program) return;
                    from.enter([answer, reply = std::move(reply)]() mutable { answer(std::move(reply)); });
                });
            });
        });
    }
}

} // namespace mudi::sim
