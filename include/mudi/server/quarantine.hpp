#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/sync/event.hpp>

namespace mudi::server {

/// An event that could not be applied, kept with its reason.
struct QuarantinedEvent {
    std::int64_t id{}; ///< arrival number
    TillId till;
    Incarnation incarnation;
    sync::Event event;  ///< with its body; `list` leaves the body empty
    std::string reason; ///< stable error name
    std::string detail;
    std::int64_t attempts{};
    Time received;
    Time tried; ///< last attempt
};

/// Constructible on any connection. Retrying is Apply's.
class QuarantineReader {
public:
    explicit QuarantineReader(db::Connection& connection);
    QuarantineReader(const QuarantineReader&) = delete;
    QuarantineReader& operator=(const QuarantineReader&) = delete;
    ~QuarantineReader();

    /// Arrival order.
    Result<std::vector<QuarantinedEvent>> list(std::size_t limit);
    /// quarantine.unknown (not_found).
    Result<QuarantinedEvent> show(std::int64_t id);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
