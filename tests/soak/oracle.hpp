#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

/// What must be at the server in the end, whatever was killed, copied and put back. A sale that was answered
/// "saved" has a copy on its till's disk, and one at the server once that has it; putting an older file in
/// the place of a disk destroys copies. A sale that may have lost its only copy so is excused, no other.
namespace mudi::soak {

using Numbers = std::set<std::string>;

class Oracle {
public:
    explicit Oracle(std::size_t tills) : disks_(tills) {}

    /// Any thread.
    void asked(const std::string& number);
    void saved(std::size_t till, const std::string& number);
    [[nodiscard]] std::size_t sold() const;

    /// What this till's disk surely holds. Its process is dead and its cashiers wait.
    [[nodiscard]] Numbers disk(std::size_t till) const;
    /// The disk is now what it was when disk() gave this.
    void replace_disk(std::size_t till, Numbers held);

    /// These were seen at the server.
    void seen_at_server(const Numbers& numbers);
    [[nodiscard]] Numbers at_server() const;
    /// The server is now what it was when at_server() gave this.
    void replace_server(Numbers held);

    struct Verdict {
        std::vector<std::string> missing; ///< answered "saved", not excused, not at the server
        std::vector<std::string> doubled;
        std::vector<std::string> unknown; ///< at the server, and nobody ever asked for it
        /// Not at the server, and nobody has a copy: the till's disk was replaced before the server had the
        /// sale, or after it, and the server was then replaced by a backup from before.
        std::size_t excused_unsent{};
        std::size_t excused_restored{};
        [[nodiscard]] std::size_t excused() const { return excused_unsent + excused_restored; }
        [[nodiscard]] bool good() const { return missing.empty() && doubled.empty() && unknown.empty(); }
    };
    /// `times`: how often the server has each number.
    [[nodiscard]] Verdict judge(const std::map<std::string, int>& times) const;

private:
    mutable std::mutex mutex_;
    std::vector<Numbers> disks_;
    Numbers at_server_;
    Numbers ever_at_server_;
    Numbers asked_;
    Numbers saved_;
};

} // namespace mudi::soak
