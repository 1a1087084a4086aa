#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include <mudi/base/result.hpp>
#include <mudi/sync/reserve.hpp>
#include <mudi/sync/transport.hpp>

namespace mudi::till {

/// The store's lead till, as its neighbours reach it over the shop's own network: answers questions for
/// points and nothing else. Loop thread only.
class LeadService {
public:
    /// Longest list of questions that wait; who is beyond it hears nothing and asks again.
    static constexpr std::size_t questions_max = 64;
    using Lend = std::function<Result<sync::ReserveAnswer>(const sync::Reserve&)>;

    /// Errors of sync::ServerTransport::start.
    static Result<std::unique_ptr<LeadService>> start(boost::asio::io_context& io, const std::string& url,
                                                      const sync::TlsServer& tls, Lend lend);
    LeadService(const LeadService&) = delete;
    LeadService& operator=(const LeadService&) = delete;
    ~LeadService() {
        if (transport_) transport_->stop();
    }

    /// With the real port.
    [[nodiscard]] std::string url() const { return transport_->url(); }

private:
    explicit LeadService(Lend lend) : lend_(std::move(lend)) {}
    void asked(sync::RequestToken token, std::string_view frame);

    Lend lend_;
    std::unique_ptr<sync::ServerTransport> transport_;
};

} // namespace mudi::till
