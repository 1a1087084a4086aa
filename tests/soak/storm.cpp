#include "soak/storm.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

namespace mudi::soak {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t lanes_per_till = 2;
constexpr auto tick = std::chrono::milliseconds{10};
constexpr std::uint64_t between_kills_ms_max = 2000;
constexpr std::uint64_t away_ms_max = 1000;
constexpr std::uint64_t between_copies_ms_max = 6000;
constexpr std::uint64_t between_link_faults_ms_max = 4000;
constexpr std::uint64_t link_fault_ms_max = 6000;
constexpr Duration started_within{60'000};

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

    /// To be called often: does what is due.
    Status pass() {
        const auto now = Clock::now();
        // From one to the next, so that what takes long is made up for.
        for (; kill_at_ <= now; kill_at_ += milliseconds(between_kills_ms_max))
            shop_.kill_any(random_, random_.below(2) == 0 ? Duration{0} : milliseconds(away_ms_max));
        if (copy_at_ <= now) {
            MUDI_TRY(const bool done, copies_made_ < sure_copies ? copy_for_sure() : copy());
            if (done) {
                ++copies_made_;
                copy_at_ = now + milliseconds(between_copies_ms_max);
            }
        }
        if (spaces_ == nullptr) return {};
        MUDI_CHECK(lift(false));
        if (link_fault_at_ > now) return {};
        link_fault_at_ = now + milliseconds(between_link_faults_ms_max);
        return break_link();
    }
    /// The server vanishes without a word: its tills are left with connections that nobody will ever end.
    Status vanish() {
        if (spaces_ == nullptr) return {};
        MUDI_CHECK(lift(true));
        for (std::size_t till = 0; till < shop_.fleet().size(); ++till) {
            ++shop_.deeds().link_faults;
            MUDI_CHECK(spaces_->set_silence(till, true));
            faults_.push_back({Clock::now(), till, true});
        }
        if (shop_.supervisor().kill(Supervisor::server, Duration{0})) ++shop_.deeds().server_kills;
        return shop_.supervisor().wait_all_ready(started_within);
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

private:
    Duration milliseconds(std::uint64_t most) {
        return Duration{static_cast<std::int64_t>(random_.below(most + 1))};
    }
    std::size_t some_till() { return random_.below(shop_.fleet().size()); }

    Result<bool> copy() {
        const std::uint64_t draw = random_.below(100);
        if (draw < 35) return shop_.take_image(some_till());
        if (draw < 60) return shop_.restore_till(some_till(), random_);
        if (draw < 92) return shop_.back_up_server();
        return shop_.restore_server(random_);
    }
    /// What a run must not go without, whatever the dice say.
    Result<bool> copy_for_sure() {
        switch (copies_made_) {
        case 0:
            for (std::size_t till = 0; till < shop_.fleet().size(); ++till) shop_.take_image(till);
            return true;
        case 1: return shop_.back_up_server();
        case 2: return shop_.restore_till(some_till(), random_);
        default: // as soon as one backup is whole
            if (auto restored = shop_.restore_server(random_); !restored || *restored) return restored;
            MUDI_TRY(const bool begun, shop_.back_up_server());
            static_cast<void>(begun);
            return false;
        }
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
    static constexpr int sure_copies = 4;
    int copies_made_{};
    Clock::time_point kill_at_{Clock::now()};
    Clock::time_point copy_at_{Clock::now() + std::chrono::seconds{2}};
    Clock::time_point link_fault_at_{Clock::now()};
};

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Gives when the last fault was over.
Result<Clock::time_point> rage(Shop& shop, Weather& weather, const Cashiers& cashiers,
                               const StormOptions& options) {
    const auto begin = Clock::now();
    while (seconds_since(begin) < options.seconds) {
        std::this_thread::sleep_for(tick);
        MUDI_CHECK(shop.look());
        MUDI_CHECK(weather.pass());
        if (const std::string why = cashiers.refused(); !why.empty())
            return fail(Code::invalid, "soak.refused", why);
    }
    MUDI_CHECK(weather.vanish());
    MUDI_CHECK(weather.lift(true));
    const auto peace = Clock::now();
    MUDI_CHECK(shop.supervisor().wait_all_ready(started_within));
    return peace;
}

/// What a run must have met, or it has shown nothing.
void check_met(const Shop& shop, const Namespaces* spaces, int seconds, Outcome& outcome) {
    const Deeds& deeds = shop.deeds();
    // One a second on average.
    const int kills_min = seconds * 6 / 10;
    const auto need = [&](bool met, const char* what) {
        if (!met) outcome.faults.push_back(std::string("never happened: ") + what);
    };
    need(deeds.till_kills + deeds.server_kills >= kills_min, "a kill every 0 to 2 s");
    need(deeds.server_kills > 0, "the server killed");
    need(deeds.till_restores > 0, "a till put back from an image");
    need(deeds.server_restores > 0, "the server restored from a backup");
    need(outcome.forks > 0, "a new life of a till");
    need(spaces == nullptr || deeds.link_faults > 0, "a link broken");
    need(outcome.sold > 50, "more than 50 sales");
    need(outcome.verdict.excused() < outcome.sold / 3, "two sales of three with a copy left");
}

} // namespace

Result<Outcome> storm(Shop& shop, Oracle& oracle, Namespaces* spaces, const StormOptions& options) {
    Weather weather{shop, spaces, options.seed};
    Outcome outcome;
    Clock::time_point peace;
    {
        Cashiers cashiers{shop.fleet(), oracle, lanes_per_till};
        shop.open(cashiers);
        MUDI_TRY(peace, rage(shop, weather, cashiers, options));
        cashiers.stop();
        if (!cashiers.refused().empty()) outcome.faults.push_back("refused: " + cashiers.refused());
    }
    outcome.sold = oracle.sold();
    outcome.level_within_seconds = options.level_within_seconds;
    std::string reason;
    while (!shop.all_level(reason)) {
        MUDI_CHECK(shop.look());
        if (seconds_since(peace) > options.level_within_seconds) {
            outcome.faults.push_back("not level in time: " + reason);
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{200});
    }
    outcome.level_seconds = seconds_since(peace);
    outcome.forks = shop.forks();
    MUDI_TRY(const auto times, shop.count_at_server());
    outcome.stored = times.size();
    outcome.verdict = oracle.judge(times);
    if (const Status all_there = shop.look(); !all_there) outcome.faults.push_back(all_there.error().what);
    check_met(shop, spaces, options.seconds, outcome);
    return outcome;
}

} // namespace mudi::soak
