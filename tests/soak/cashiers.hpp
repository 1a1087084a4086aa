#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/fleet.hpp"
#include "soak/oracle.hpp"

namespace mudi::soak {

/// A POS program per till lane: asks again, with the same number, until it is answered, and tells the oracle.
class Cashiers {
public:
    Cashiers(const cli::Fleet& fleet, Oracle& oracle, std::size_t lanes_per_till);
    Cashiers(const Cashiers&) = delete;
    Cashiers& operator=(const Cashiers&) = delete;
    /// Each ends with the sale it is at; the tills must run.
    ~Cashiers();

    /// No request is under way at this till and every answer has been told while this is held.
    [[nodiscard]] std::unique_lock<std::shared_mutex> hold(std::size_t till);
    void stop();
    /// The first sale that a till refused for its content, which no fault explains; empty when there is none.
    [[nodiscard]] std::string refused() const;

private:
    void sell(const std::stop_token& stop, std::size_t till, const std::string& socket,
              const std::string& prefix);
    bool ring_up(cli::ApiClient& client, std::size_t till, const std::string& number,
                 const std::string& document);

    Oracle& oracle_;
    std::vector<std::unique_ptr<std::shared_mutex>> gates_;
    mutable std::mutex mutex_;
    std::string refused_;
    std::vector<std::jthread> lanes_;
};

} // namespace mudi::soak
