#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <mudi/base/clock.hpp>
#include <mudi/base/result.hpp>

#include "settings.hpp"

namespace mudi::server {

/// How to reach a server that is ready.
struct Ready {
    std::string http_url;
    std::string sync_url;
    std::filesystem::path ca; ///< empty without TLS
    std::filesystem::path token;
};

/// Starts everything, tells `ready`, runs the loop on this thread until SIGTERM or SIGINT. An error means
/// that it could not start: one sentence for the operator.
Status serve(const Plan& plan, const Clock& clock, const std::function<void(const Ready&)>& ready);

} // namespace mudi::server
