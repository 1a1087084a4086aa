#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/result.hpp>

/// Figures of the real program, each beside the bare thing it stands on, taken in the same run: a number
/// without its anchor says more about the machine than about us.
namespace mudi::bench {

struct Options {
    std::filesystem::path folder;   ///< an empty folder of our own, on the disk that is measured
    std::filesystem::path programs; ///< where mudi-till and mudi-server lie
    bool quick{false};              ///< a tenth of the work: does it run at all
    bool fifo{false};               ///< real-time scheduled: the stricter targets hold
};

enum class Aim : std::uint8_t {
    none,
    at_most,           ///< the figure itself
    at_least,          ///< the figure itself
    at_least_or_share, ///< the figure itself, or so much of the anchor (`share`): what a busy machine leaves
    ratio_at_most,     ///< figure / anchor
};

struct Figure {
    std::string_view group{}; ///< what --only names
    std::string what{};
    double value{};
    std::string_view unit{};
    std::optional<double> anchor{}; ///< in the same unit
    std::string_view anchor_what{};
    Aim aim{Aim::none};
    double target{};
    double share{}; ///< of the anchor
    /// Counts and bytes do not depend on how busy the machine is: missing this one fails the run.
    bool budget{false};

    [[nodiscard]] std::optional<double> ratio() const;
    [[nodiscard]] bool ok() const; ///< true without a target
};

class Sheet {
public:
    void add(Figure figure) { figures_.push_back(std::move(figure)); }
    /// Something a reader must know, e.g. that the disk is none.
    void note(std::string text) { notes_.push_back(std::move(text)); }

    [[nodiscard]] std::string table() const;
    [[nodiscard]] std::string json() const;
    [[nodiscard]] bool budgets_kept() const;

private:
    std::vector<Figure> figures_;
    std::vector<std::string> notes_;
};

/// Microseconds of single calls.
class Samples {
public:
    void add(double us) { us_.push_back(us); }
    [[nodiscard]] std::size_t size() const { return us_.size(); }
    /// Nearest rank; 0 when there are none. `share` in 0..1.
    [[nodiscard]] double at(double share) const;
    /// Two figures "what, p50" and "what, p99"; the target is for the p99.
    void report(Sheet& sheet, const Figure& like, const Samples& anchor) const;

private:
    std::vector<double> us_;
};

/// Microseconds since it was made or restarted.
class Watch {
public:
    [[nodiscard]] double us() const;
    [[nodiscard]] double seconds() const { return us() / 1e6; }
    void restart() { began_ = std::chrono::steady_clock::now(); }

private:
    std::chrono::steady_clock::time_point began_{std::chrono::steady_clock::now()};
};

Status measure_capture(const Options& options, Sheet& sheet);
Status measure_identify(const Options& options, Sheet& sheet);
Status measure_accept(const Options& options, Sheet& sheet);
Status measure_apply(const Options& options, Sheet& sheet);
Status measure_wire(const Options& options, Sheet& sheet);
Status measure_idle(const Options& options, Sheet& sheet);
Status measure_live(const Options& options, Sheet& sheet);
Status measure_drain(const Options& options, Sheet& sheet);
Status measure_storm(const Options& options, Sheet& sheet);
Status measure_recovery(const Options& options, Sheet& sheet);

} // namespace mudi::bench
