#pragma once

#include <memory>
#include <string>

#include <mudi/sync/transport.hpp>

#include "bench/server_shop.hpp"

namespace mudi::bench {

/// A server that accepts and does nothing else, with the threads of a real one: the transport and ServerSync
/// on one, the inbox on another, where pushes that wait are committed together. Any till may come.
class ServerDesk {
public:
    static Result<std::unique_ptr<ServerDesk>> start(const std::string& url, const sync::TlsServer& tls,
                                                     ServerShop& shop);
    virtual ~ServerDesk() = default;
    [[nodiscard]] virtual std::string url() const = 0;
};

} // namespace mudi::bench
