#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "cli/fleet.hpp"

/// Cashiers of the tests: sales rung up over the till's own socket, and what became of them at the server.
namespace mudi::test {

/// What the cashiers were told: the event id of every sale answered "saved", by its number. Any thread.
class Book {
public:
    void saved(const std::string& number, const std::string& event);
    [[nodiscard]] int done() const { return done_; }
    /// Only when nobody sells any more.
    [[nodiscard]] const std::map<std::string, std::string>& events() const { return events_; }
    /// Numbers that were answered with two different event ids.
    [[nodiscard]] const std::vector<std::string>& contradictions() const { return contradictions_; }

private:
    std::mutex mutex_;
    std::map<std::string, std::string> events_;
    std::vector<std::string> contradictions_;
    std::atomic<int> done_{0};
};

/// A POS program that asks again, with the same number, until it has an answer. The numbers are
/// PREFIX-0 … of as many sales as are wanted together; several may share `next`.
struct Lane {
    std::string socket;
    std::string prefix;
    int sales_wanted{};
};
void ring_up(const Lane& lane, std::atomic<int>& next, std::atomic<bool>& give_up, Book& book);
/// So many at one till, here and now.
void sell(const cli::Fleet& fleet, std::size_t till, const std::string& prefix, int sales, Book& book);

/// Event ids the server has of these tills, with how often.
std::map<std::string, int> events_at(const cli::Fleet& fleet);

struct Comparison {
    std::size_t missing{}; ///< answered "saved", not at the server
    std::size_t doubled{};
    std::size_t unknown{}; ///< at the server, and nobody was answered so

    friend bool operator==(const Comparison&, const Comparison&) = default;
};
Comparison compare(const Book& book, const std::map<std::string, int>& stored);

} // namespace mudi::test
