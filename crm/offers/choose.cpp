#include <mudi/crm/offers.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

namespace mudi::crm {
namespace {

constexpr std::int32_t usual_times_min = 3;
constexpr std::int64_t usual_days_min = 3;
constexpr std::int32_t favourite_times_min = 5;
constexpr std::int32_t welcome_visits_max = 1;
/// So many usual items come before the other kinds; more only where room is left.
constexpr std::size_t usual_first = 2;

std::chrono::sys_days day_of(Time time) { return std::chrono::floor<std::chrono::days>(time); }

/// A habit in whole days, so that every run of one day comes to the same end.
struct Overdue {
    const ItemHabit* habit{};
    std::int64_t days_usual{};
    std::int64_t days_since{};
    std::int64_t score{};
};

/// Overdue by more than a fifth of the usual interval, and not so long that the habit is over.
std::optional<Overdue> overdue(const ItemHabit& habit, std::chrono::sys_days today) {
    if (habit.times < usual_times_min || habit.item_id.empty()) return std::nullopt;
    const std::int64_t intervals = habit.times - 1;
    const std::int64_t span = (day_of(habit.last) - day_of(habit.first)).count();
    const std::int64_t since = (today - day_of(habit.last)).count();
    if (span < usual_days_min * intervals) return std::nullopt;
    const Wide since_scaled =
        Wide{since} * intervals; // compares with the span as `since` does with the mean interval
    if (since_scaled * 5 <= Wide{span} * 6 || since_scaled >= Wide{span} * 5) return std::nullopt;
    // Firm habits first, and of those the ones that are due now rather than nearly given up (1000 = given up,
    // 4800 = due today).
    const std::int64_t fresh = 5000 - floor_div(since_scaled * 1000, span);
    return Overdue{&habit, round_half_even(span, intervals), since,
                   std::min<std::int64_t>(habit.times, 1000) * fresh};
}

std::vector<Overdue> overdue_items(const OfferHistory& history, std::chrono::sys_days today) {
    std::vector<Overdue> items;
    for (const ItemHabit& habit : history.items)
        if (const auto item = overdue(habit, today)) items.push_back(*item);
    std::ranges::sort(items, [](const Overdue& a, const Overdue& b) {
        return std::tuple(-a.score, -a.habit->spent.minor, a.habit->item_id) <
               std::tuple(-b.score, -b.habit->spent.minor, b.habit->item_id);
    });
    return items;
}

struct Favourite {
    std::string category;
    std::int64_t times{};
    std::int64_t spent_minor{};
};

std::vector<Favourite> favourites(const OfferHistory& history) {
    std::map<std::string_view, Favourite> sums;
    for (const ItemHabit& habit : history.items) {
        if (habit.category.empty()) continue;
        Favourite& sum = sums[habit.category];
        sum.category = habit.category;
        sum.times += habit.times;
        sum.spent_minor += habit.spent.minor;
    }
    std::vector<Favourite> out;
    for (auto& [name, sum] : sums)
        if (sum.times >= favourite_times_min) out.push_back(std::move(sum));
    std::ranges::sort(out, [](const Favourite& a, const Favourite& b) {
        return std::tuple(-a.times, -a.spent_minor, a.category) <
               std::tuple(-b.times, -b.spent_minor, b.category);
    });
    return out;
}

std::string_view subject_of(const Offer& offer) {
    return offer.kind == OfferKind::usual_item ? std::string_view(offer.item_id)
                                               : std::string_view(offer.category);
}

const ItemHabit* habit_of(const OfferHistory& history, std::string_view item_id) {
    const auto found = std::ranges::find(history.items, item_id, &ItemHabit::item_id);
    return found == history.items.end() ? nullptr : &*found;
}

class Chooser {
public:
    Chooser(const OfferHistory& history, const OfferPolicy& policy, Time now)
        : history_(history), policy_(policy), now_(now), today_(day_of(now)) {}

    std::vector<Offer> choose() {
        keep();
        const std::vector<Overdue> items = overdue_items(history_, today_);
        add_usual(items, usual_first);
        add_favourite();
        add_welcome();
        add_usual(items, policy_.offers_max);
        // One order for kept and new, whatever order the history came in.
        std::ranges::sort(offers_, [](const Offer& a, const Offer& b) {
            return std::tuple(a.kind, -a.reason.times, a.valid_to, a.id) <
                   std::tuple(b.kind, -b.reason.times, b.valid_to, b.id);
        });
        return std::move(offers_);
    }

private:
    bool full() const { return offers_.size() >= policy_.offers_max; }

    bool has(OfferKind kind, std::string_view subject) const {
        return std::ranges::any_of(
            offers_, [&](const Offer& o) { return o.kind == kind && subject_of(o) == subject; });
    }
    std::size_t count(OfferKind kind) const {
        return static_cast<std::size_t>(std::ranges::count(offers_, kind, &Offer::kind));
    }

    /// Still out, and what it was made for has not happened since.
    bool still_sensible(const Offer& offer) const {
        if (now_ >= offer.valid_to) return false;
        if (offer.kind == OfferKind::welcome) return history_.visits <= welcome_visits_max;
        if (offer.kind != OfferKind::usual_item) return true;
        const ItemHabit* habit = habit_of(history_, offer.item_id);
        return habit == nullptr ||
               day_of(habit->last) + std::chrono::days(offer.reason.days_since) <= day_of(offer.valid_from);
    }

    void keep() {
        std::vector<Offer> kept;
        for (const Offer& offer : history_.current)
            if (still_sensible(offer)) kept.push_back(offer);
        std::ranges::sort(kept, [](const Offer& a, const Offer& b) {
            return std::tuple(a.valid_to, a.kind, a.id) < std::tuple(b.valid_to, b.kind, b.id);
        });
        for (Offer& offer : kept)
            if (!full() && !has(offer.kind, subject_of(offer))) offers_.push_back(std::move(offer));
    }

    Offer blank(OfferKind kind, std::string_view subject) const {
        Offer offer;
        std::string named = "offer|" + std::to_string(history_.profile.value) + '|' +
                            std::to_string(static_cast<int>(kind)) + '|' + std::string(subject) + '|' +
                            std::to_string(today_.time_since_epoch().count());
        offer.id = {hash128(named)};
        offer.kind = kind;
        offer.amount_off = offer.basket_min = Money{0, policy_.currency};
        offer.discount_max = policy_.discount_max;
        offer.valid_from = today_;
        offer.valid_to = today_ + std::max<Duration>(policy_.valid_for, std::chrono::days(1));
        return offer;
    }

    void add_usual(const std::vector<Overdue>& items, std::size_t items_max) {
        for (const Overdue& item : items) {
            if (full() || count(OfferKind::usual_item) >= items_max) return;
            if (has(OfferKind::usual_item, item.habit->item_id)) continue;
            Offer offer = blank(OfferKind::usual_item, item.habit->item_id);
            offer.item_id = item.habit->item_id;
            offer.percent = policy_.usual_percent;
            offer.reason.item = item.habit->description;
            offer.reason.days_usual = static_cast<std::int32_t>(item.days_usual);
            offer.reason.days_since = static_cast<std::int32_t>(item.days_since);
            offer.reason.times = item.habit->times;
            offers_.push_back(std::move(offer));
        }
    }

    /// The best category that none of the usual items is from: one reduction for one line.
    void add_favourite() {
        if (full() || count(OfferKind::favourite_category) > 0) return;
        for (const Favourite& favourite : favourites(history_)) {
            const bool taken = std::ranges::any_of(offers_, [&](const Offer& offer) {
                const ItemHabit* habit =
                    offer.kind == OfferKind::usual_item ? habit_of(history_, offer.item_id) : nullptr;
                return habit != nullptr && habit->category == favourite.category;
            });
            if (taken) continue;
            Offer offer = blank(OfferKind::favourite_category, favourite.category);
            offer.category = offer.reason.category = favourite.category;
            offer.percent = policy_.category_percent;
            offer.reason.times =
                static_cast<std::int32_t>(std::min<std::int64_t>(favourite.times, 1'000'000));
            offers_.push_back(std::move(offer));
            return;
        }
    }

    void add_welcome() {
        if (full() || history_.visits > welcome_visits_max || has(OfferKind::welcome, "")) return;
        Offer offer = blank(OfferKind::welcome, "");
        offer.amount_off = policy_.welcome_amount;
        offer.basket_min = policy_.welcome_basket_min;
        offer.reason.times = history_.visits;
        offers_.push_back(std::move(offer));
    }

    const OfferHistory& history_;
    const OfferPolicy& policy_;
    Time now_;
    std::chrono::sys_days today_;
    std::vector<Offer> offers_;
};

} // namespace

std::vector<Offer> choose_offers(const OfferHistory& history, const OfferPolicy& policy, Time now) {
    return Chooser(history, policy, now).choose();
}

} // namespace mudi::crm
