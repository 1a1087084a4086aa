#include "soak/storm.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

namespace mudi::soak {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t lanes_per_till = 2;
constexpr std::uint64_t pause_ms_max = 2000;
constexpr std::uint64_t away_ms_max = 1500;
constexpr std::uint64_t link_fault_ms_max = 6000;

/// A fault of a link, to be lifted later.
struct LinkFault {
    Clock::time_point until;
    std::size_t till{};
    bool silence{false};
};

class Weather {
public:
    Weather(Shop& shop, Namespaces* spaces, std::uint64_t seed)
        : shop_(shop), spaces_(spaces), random_(seed) {}

    /// Whatever comes.
    Status strike() {
        MUDI_CHECK(lift(false));
        if (spaces_ != nullptr && random_.below(2) == 0) return break_link();
        const std::uint64_t draw = random_.below(100);
        if (draw < 70) return kill();
        if (draw < 80) return shop_.take_image(some_till());
        if (draw < 88) return shop_.restore_till(some_till(), random_);
        if (draw < 95) return shop_.back_up_server();
        return shop_.restore_server(random_);
    }
    /// What a run must not go without, whatever the dice say.
    Status strike_for_sure(int step) {
        MUDI_CHECK(lift(false));
        switch (step % 4) {
        case 0:
            for (std::size_t till = 0; till < shop_.fleet().size(); ++till)
                MUDI_CHECK(shop_.take_image(till));
            return shop_.back_up_server();
        case 1: return shop_.restore_till(some_till(), random_);
        case 2: return shop_.kill_server(away());
        default: return shop_.restore_server(random_);
        }
    }
    /// Link faults that have lasted long enough, or all.
    Status lift(bool all) {
        for (auto fault = faults_.begin(); fault != faults_.end();) {
            if (!all && fault->until > Clock::now()) {
                ++fault;
                continue;
            }
            MUDI_CHECK(fault->silence ? spaces_->set_silence(fault->till, false)
                                      : spaces_->set_link(fault->till, true));
            fault = faults_.erase(fault);
        }
        return {};
    }
    Duration pause() { return milliseconds(pause_ms_max); }

private:
    Duration milliseconds(std::uint64_t most) {
        return Duration{static_cast<std::int64_t>(random_.below(most + 1))};
    }
    Duration away() { return milliseconds(away_ms_max); }
    std::size_t some_till() { return random_.below(shop_.fleet().size()); }

    Status kill() {
        const std::size_t victim = random_.below(shop_.fleet().size() + 1);
        if (victim == shop_.fleet().size()) return shop_.kill_server(away());
        return shop_.kill_till(victim, away());
    }
    Status break_link() {
        const bool silence = random_.below(2) == 0;
        const bool everybody = random_.below(5) == 0;
        const auto until = Clock::now() + milliseconds(link_fault_ms_max);
        const std::size_t one = some_till();
        for (std::size_t till = 0; till < shop_.fleet().size(); ++till) {
            const bool broken = std::any_of(faults_.begin(), faults_.end(),
                                            [&](const LinkFault& fault) { return fault.till == till; });
            if (broken || (!everybody && till != one)) continue;
            ++shop_.deeds().link_faults;
            MUDI_CHECK(silence ? spaces_->set_silence(till, true) : spaces_->set_link(till, false));
            faults_.push_back({until, till, silence});
        }
        return {};
    }

    Shop& shop_;
    Namespaces* spaces_;
    SeededRandom random_;
    std::vector<LinkFault> faults_;
};

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

Status rage(Shop& shop, Weather& weather, const Cashiers& cashiers, const StormOptions& options) {
    const auto begin = Clock::now();
    constexpr int sure_steps = 8;
    for (int step = 0; seconds_since(begin) < options.seconds;) {
        std::this_thread::sleep_for(weather.pause());
        const bool due = seconds_since(begin) > options.seconds * (step + 1) / (sure_steps + 1.5);
        if (step < sure_steps && due) {
            MUDI_CHECK(weather.strike_for_sure(step++));
        } else {
            MUDI_CHECK(weather.strike());
        }
        if (const std::string who = shop.fleet().ended(); !who.empty())
            return fail(Code::io, "soak.ended", who + " ended although nobody killed it");
        if (const std::string why = cashiers.refused(); !why.empty())
            return fail(Code::invalid, "soak.refused", why);
    }
    return weather.lift(true);
}

/// What a run must have met, or it has shown nothing.
void check_met(const Shop& shop, const Namespaces* spaces, Outcome& outcome) {
    const Deeds& deeds = shop.deeds();
    const auto need = [&](bool met, const char* what) {
        if (!met) outcome.faults.push_back(std::string("never happened: ") + what);
    };
    need(deeds.server_kills > 0, "the server killed");
    need(deeds.till_restores > 0, "a till put back from an image");
    need(deeds.server_restores > 0, "the server restored from a backup");
    need(outcome.forks > 0, "a new life of a till");
    need(spaces == nullptr || deeds.link_faults > 0, "a link broken");
    need(outcome.sold > 50, "more than 50 sales");
}

} // namespace

Result<Outcome> storm(Shop& shop, Oracle& oracle, Namespaces* spaces, const StormOptions& options) {
    Weather weather{shop, spaces, options.seed};
    Outcome outcome;
    {
        Cashiers cashiers{shop.fleet(), oracle, lanes_per_till};
        shop.open(cashiers);
        MUDI_CHECK(rage(shop, weather, cashiers, options));
        cashiers.stop();
        if (!cashiers.refused().empty()) outcome.faults.push_back("refused: " + cashiers.refused());
    }
    outcome.sold = oracle.sold();
    const auto peace = Clock::now();
    std::string reason;
    while (!shop.all_level(reason)) {
        if (seconds_since(peace) > options.level_within_seconds) {
            outcome.faults.push_back("not level in time: " + reason);
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{200});
    }
    outcome.level_seconds = seconds_since(peace);
    outcome.forks = shop.forks();
    MUDI_TRY(const auto times, shop.look_at_server());
    outcome.stored = times.size();
    outcome.verdict = oracle.judge(times);
    if (const std::string who = shop.fleet().ended(); !who.empty())
        outcome.faults.push_back(who + " ended although nobody killed it");
    check_met(shop, spaces, outcome);
    return outcome;
}

} // namespace mudi::soak
