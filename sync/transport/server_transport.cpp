#include <algorithm>
#include <atomic>
#include <vector>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>

#include <mudi/base/assert.hpp>

#include "link.hpp"

namespace mudi::sync {
namespace {

/// So many contexts listen for the next request, whatever the others wait for.
constexpr std::size_t listening_min = 16;
/// A till that does not take its reply in this time has gone, whatever TCP thinks.
constexpr nng_duration reply_timeout_ms = 60'000;

class NngServerTransport final : public ServerTransport {
public:
    NngServerTransport(std::size_t requests_max, Post post, OnRequest on_request)
        : requests_max_(std::max<std::size_t>(requests_max, 1)), post_(std::move(post)),
          on_request_(std::move(on_request)), gate_(this) {}
    NngServerTransport(const NngServerTransport&) = delete;
    NngServerTransport& operator=(const NngServerTransport&) = delete;
    ~NngServerTransport() override { stop(); }

    Status open(const std::string& url, const TlsServer& tls);
    [[nodiscard]] std::string url() const override { return url_; }
    [[nodiscard]] std::size_t connections() const override { return connections_; }
    void reply(RequestToken token, std::string frame) override;
    void stop() override;

private:
    /// One REP context: listens, holds a request until its reply, sends the reply, listens again. One aio
    /// serves both ways, as they never overlap.
    struct Desk {
        NngServerTransport* owner{};
        std::size_t index{};
        nng_ctx context{};
        Aio aio;
        std::atomic<bool> replying{false};
        RequestToken held{}; ///< loop thread; 0: nothing to reply to
    };

    static void listen(Desk& desk);
    static void done(void* desk);
    static void piped(nng_pipe pipe, nng_pipe_ev event, void* self);

    void arrived(std::size_t index, std::string frame);
    void listen_enough();
    Status add_desk();

    std::size_t requests_max_;
    Post post_;
    OnRequest on_request_;
    Gate<NngServerTransport> gate_;
    nng_socket socket_{};
    bool open_{false};
    std::string url_;
    std::vector<std::unique_ptr<Desk>> desks_;
    std::size_t held_{}; ///< desks with a request under way
    std::uint64_t serial_{};
    std::size_t connections_{};
};

/// The desk's index in the low half: a reply finds it without a map, a stale token is told by the high half.
constexpr unsigned serial_shift = 24;
constexpr std::size_t desks_max = (std::size_t{1} << serial_shift) - 1;

Status NngServerTransport::open(const std::string& url, const TlsServer& tls) {
    MUDI_TRY(const Address address, parse_address(url));
    if (const int error = nng_rep0_open(&socket_); error != 0)
        return tl::make_unexpected(transport_error(error));
    open_ = true;
    MUDI_CHECK(set_limits(socket_));
    nng_pipe_notify(socket_, NNG_PIPE_EV_ADD_POST, piped, this);
    nng_pipe_notify(socket_, NNG_PIPE_EV_REM_POST, piped, this);
    nng_listener listener{};
    if (const int error = nng_listener_create(&listener, socket_, url.c_str()); error != 0) {
        return fail(Code::invalid, "transport.url", nng_strerror(error));
    }
    if (address.is_tls) {
        MUDI_TRY(const TlsConfig config, make_tls(tls));
        if (nng_listener_set_ptr(listener, NNG_OPT_TLS_CONFIG, config.get()) != 0) {
            return fail(Code::invalid, "transport.tls", "the listener does not take the TLS settings");
        }
    }
    if (address.scheme != "ipc://") {
        nng_listener_set_bool(listener, NNG_OPT_TCP_NODELAY, true);
        nng_listener_set_bool(listener, NNG_OPT_TCP_KEEPALIVE, true);
    }
    if (const int error = nng_listener_start(listener, 0); error != 0)
        return tl::make_unexpected(transport_error(error));
    url_ = url;
    if (int port = 0;
        address.scheme != "ipc://" && nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0) {
        url_ = url.substr(0, url.rfind(':') + 1) + std::to_string(port);
    }
    listen_enough();
    if (desks_.empty()) return fail(Code::io, "transport.closed", "no context could be opened");
    return {};
}

Status NngServerTransport::add_desk() {
    auto desk = std::make_unique<Desk>();
    desk->owner = this;
    desk->index = desks_.size();
    if (const int error = nng_ctx_open(&desk->context, socket_); error != 0)
        return tl::make_unexpected(transport_error(error));
    desk->aio = make_aio(done, desk.get());
    listen(*desk);
    desks_.push_back(std::move(desk));
    return {};
}

void NngServerTransport::listen_enough() {
    const std::size_t most = std::min(requests_max_, desks_max);
    while (desks_.size() < most && desks_.size() - held_ < listening_min) {
        if (!add_desk()) return; // out of memory or handles: those there go on
    }
}

void NngServerTransport::listen(Desk& desk) {
    nng_aio_set_timeout(desk.aio.get(), NNG_DURATION_INFINITE);
    nng_ctx_recv(desk.context, desk.aio.get());
}

// On a thread of NNG: hands on what came, or listens again once a reply is out.
void NngServerTransport::done(void* context) {
    Desk& desk = *static_cast<Desk*>(context);
    const int error = nng_aio_result(desk.aio.get());
    if (desk.replying.load()) {
        if (error != 0) {
            const Message unsent{nng_aio_get_msg(desk.aio.get())};
            nng_aio_set_msg(desk.aio.get(), nullptr);
        }
        desk.replying.store(false);
        if (error != NNG_ECLOSED) listen(desk);
        return;
    }
    if (error == NNG_ECLOSED || error == NNG_ECANCELED) return;
    if (error != 0) return listen(desk);
    const Message message{nng_aio_get_msg(desk.aio.get())};
    nng_aio_set_msg(desk.aio.get(), nullptr);
    desk.owner->post_(
        [key = desk.owner->gate_.key(), index = desk.index, frame = to_string(message)]() mutable {
            if (*key != nullptr) (*key)->arrived(index, std::move(frame));
        });
}

void NngServerTransport::arrived(std::size_t index, std::string frame) {
    Desk& desk = *desks_.at(index);
    desk.held = (++serial_ << serial_shift) | index;
    ++held_;
    listen_enough();
    on_request_(desk.held, std::move(frame));
}

void NngServerTransport::reply(RequestToken token, std::string frame) {
    MUDI_ASSERT(frame.size() <= frame_bytes_max);
    const auto index = static_cast<std::size_t>(token & desks_max);
    if (!open_ || index >= desks_.size() || desks_[index]->held != token) return;
    Desk& desk = *desks_[index];
    desk.held = 0;
    --held_;
    desk.replying.store(true);
    nng_aio_set_timeout(desk.aio.get(), reply_timeout_ms);
    nng_aio_set_msg(desk.aio.get(), make_message(frame).release());
    nng_ctx_send(desk.context, desk.aio.get());
}

void NngServerTransport::piped(nng_pipe, nng_pipe_ev event, void* context) {
    auto* self = static_cast<NngServerTransport*>(context);
    self->post_([key = self->gate_.key(), up = event == NNG_PIPE_EV_ADD_POST] {
        if (*key == nullptr) return;
        if (up) {
            ++(*key)->connections_;
        } else {
            --(*key)->connections_;
        }
    });
}

void NngServerTransport::stop() {
    gate_.close();
    if (!open_) return;
    open_ = false;
    for (const auto& desk : desks_)
        nng_ctx_close(desk->context); // nobody takes requests any more: they are parked
    let_traffic_land();
    nng_close(socket_);
    desks_.clear(); // waits for callbacks
}

} // namespace

Result<std::unique_ptr<ServerTransport>> ServerTransport::start(const std::string& url, const TlsServer& tls,
                                                                std::size_t requests_max, Post post,
                                                                OnRequest on_request) {
    auto transport =
        std::make_unique<NngServerTransport>(requests_max, std::move(post), std::move(on_request));
    MUDI_CHECK(transport->open(url, tls));
    return std::unique_ptr<ServerTransport>(std::move(transport));
}

} // namespace mudi::sync
