#include <algorithm>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "bench/bench.hpp"
#include "bench/machine.hpp"
#include "cli/terminal.hpp"

namespace mudi::bench {
namespace {

/// Three figures that mean something, whole numbers grouped.
std::string shown(double value) {
    if (std::abs(value) >= 1000) return cli::grouped(std::llround(value));
    char text[32];
    const double size = std::abs(value);
    std::snprintf(text, sizeof text, size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f", value);
    return text;
}

std::string with_unit(double value, std::string_view unit) { return shown(value) + " " + std::string(unit); }

std::string target_of(const Figure& figure) {
    switch (figure.aim) {
    case Aim::none: return {};
    case Aim::at_most: return "<= " + with_unit(figure.target, figure.unit);
    case Aim::at_least: return ">= " + with_unit(figure.target, figure.unit);
    case Aim::at_least_or_share:
        return ">= " + with_unit(figure.target, figure.unit) + " or " + shown(figure.share) + " x";
    case Aim::ratio_at_most: break;
    }
    return "<= " + shown(figure.target) + " x";
}

nlohmann::json document_of(const Figure& figure) {
    nlohmann::json document{
        {"group", figure.group}, {"what", figure.what}, {"value", figure.value}, {"unit", figure.unit}};
    if (figure.anchor) document.update({{"anchor", *figure.anchor}, {"anchor_what", figure.anchor_what}});
    if (const auto ratio = figure.ratio()) document["ratio"] = *ratio;
    if (figure.aim != Aim::none)
        document.update({{"target", target_of(figure)}, {"ok", figure.ok()}, {"budget", figure.budget}});
    return document;
}

} // namespace

std::optional<double> Figure::ratio() const {
    if (!anchor || *anchor == 0) return std::nullopt;
    return value / *anchor;
}

bool Figure::ok() const {
    switch (aim) {
    case Aim::none: return true;
    case Aim::at_most: return value <= target;
    case Aim::at_least: return value >= target;
    case Aim::at_least_or_share: return value >= target || (ratio() && *ratio() >= share);
    case Aim::ratio_at_most: break;
    }
    return ratio() && *ratio() <= target;
}

std::string Sheet::table() const {
    const Machine machine = look_at_machine();
    char head[160];
    std::snprintf(head, sizeof head, "%d cores, load %.1f, scheduled %s\n", machine.cores, machine.load,
                  machine.fifo ? "in real time" : "as usual");
    cli::Table table({"what", "figure", "anchor", "ratio", "target", "", "the anchor is"});
    for (const Figure& figure : figures_) {
        const auto ratio = figure.ratio();
        const bool judged = figure.aim != Aim::none;
        table.add({std::string(figure.group) + ": " + figure.what, with_unit(figure.value, figure.unit),
                   figure.anchor ? with_unit(*figure.anchor, figure.unit) : "", ratio ? shown(*ratio) : "",
                   target_of(figure),
                   !judged         ? ""
                   : figure.ok()   ? "ok"
                   : figure.budget ? "BROKEN"
                                   : "missed",
                   std::string(figure.anchor_what)});
    }
    std::string text = head + table.text();
    for (const std::string& note : notes_) text += note + "\n";
    return text;
}

std::string Sheet::json() const {
    const Machine machine = look_at_machine();
    nlohmann::json document{{"cores", machine.cores}, {"load", machine.load},
                            {"fifo", machine.fifo},   {"budgets_kept", budgets_kept()},
                            {"notes", notes_},        {"figures", nlohmann::json::array()}};
    for (const Figure& figure : figures_) document["figures"].push_back(document_of(figure));
    return document.dump(2) + "\n";
}

bool Sheet::budgets_kept() const {
    return std::ranges::all_of(figures_, [](const Figure& figure) { return !figure.budget || figure.ok(); });
}

double Samples::at(double share) const {
    if (us_.empty()) return 0;
    std::vector<double> sorted = us_;
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    const auto nth =
        sorted.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(rank, 1, sorted.size()) - 1);
    std::nth_element(sorted.begin(), nth, sorted.end());
    return *nth;
}

void Samples::report(Sheet& sheet, const Figure& like, const Samples& anchor) const {
    const auto add = [&](const char* name, double share, Aim aim) {
        Figure figure = like;
        figure.what += name;
        figure.value = at(share);
        figure.unit = "us";
        if (anchor.size() > 0) figure.anchor = anchor.at(share);
        figure.aim = aim;
        sheet.add(std::move(figure));
    };
    add(", p50", 0.50, Aim::none);
    add(", p99", 0.99, like.aim);
}

double Watch::us() const {
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began_).count();
}

} // namespace mudi::bench
