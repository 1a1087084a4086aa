#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include <mudi/base/assert.hpp>

#include "cut.hpp"
#include "link.hpp"

namespace mudi::sync {
namespace {

/// Its time-out says that a customer waited long enough, not that the connection is dead.
constexpr auto ask_at = static_cast<std::size_t>(Channel::ask);
constexpr std::size_t channels = ask_at + 1;

/// From hanging up to being told of the end; in order, that takes no time.
constexpr std::chrono::minutes stuck_after{2};

nng_duration to_nng(Duration duration) {
    return static_cast<nng_duration>(std::clamp<std::int64_t>(duration.count(), 1, INT32_MAX));
}

class NngTillTransport final : public TillTransport {
public:
    NngTillTransport(Post post, Events events)
        : post_(std::move(post)), events_(std::move(events)), gate_(this) {}
    NngTillTransport(const NngTillTransport&) = delete;
    NngTillTransport& operator=(const NngTillTransport&) = delete;
    ~NngTillTransport() override { stop(); }

    Status open(const std::string& url, const TlsClient& tls, const Reconnect& reconnect);
    void send(std::uint64_t request, Channel channel, std::string frame, Duration timeout) override;
    Status renew(const TlsClient& tls) override;
    void stop() override;

private:
    /// One REQ context. Its fields change on the loop thread only while nothing is under way in NNG.
    struct Line {
        NngTillTransport* owner{};
        nng_ctx context{};
        Aio sending;
        Aio receiving;
        bool busy{false};
        std::uint64_t request{};
    };

    static void sent(void* line);
    static void received(void* line);
    static void piped(nng_pipe pipe, nng_pipe_ev event, void* self);

    /// At the next handshake.
    Status show(const TlsClient& tls);
    void post_answer(const Line& line, Result<std::string> frame);
    void answered(Line& line, std::uint64_t request, Result<std::string> frame);
    void linked(nng_pipe pipe, bool up);
    void cancel(Line& line);
    void hang_up();

    Post post_;
    Events events_;
    Gate<NngTillTransport> gate_;
    std::string host_;
    /// All of them: while it dials, NNG looks at the one it had without holding it.
    std::vector<TlsConfig> shown_;
    nng_socket socket_{};
    nng_dialer dialer_{};
    bool open_{false};
    std::array<Line, channels> lines_;
    nng_pipe pipe_{}; ///< of the link that is up
    bool up_{false};
    std::optional<std::chrono::steady_clock::time_point>
        hung_up_;             ///< on the link that is up: its end must follow
    std::uint64_t answers_{}; ///< any, to see whether a link that is up still lives
    std::array<std::uint64_t, channels> answers_at_send_{};
};

Status NngTillTransport::open(const std::string& url, const TlsClient& tls, const Reconnect& reconnect) {
    MUDI_TRY(const Address address, parse_address(url));
    host_ = address.host;
    if (const int error = nng_req0_open(&socket_); error != 0)
        return tl::make_unexpected(transport_error(error));
    open_ = true;
    MUDI_CHECK(set_limits(socket_));
    // Repeating a request is the core's business: it knows what is worth repeating.
    nng_socket_set_ms(socket_, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
    // Between these NNG draws its waits at random.
    nng_socket_set_ms(socket_, NNG_OPT_RECONNMINT, to_nng(reconnect.min));
    nng_socket_set_ms(socket_, NNG_OPT_RECONNMAXT, to_nng(reconnect.max));
    nng_pipe_notify(socket_, NNG_PIPE_EV_ADD_POST, piped, this);
    nng_pipe_notify(socket_, NNG_PIPE_EV_REM_POST, piped, this);
    for (Line& line : lines_) {
        line.owner = this;
        if (const int error = nng_ctx_open(&line.context, socket_); error != 0) {
            return tl::make_unexpected(transport_error(error));
        }
        line.sending = make_aio(sent, &line);
        line.receiving = make_aio(received, &line);
    }
    if (const int error = nng_dialer_create(&dialer_, socket_, url.c_str()); error != 0) {
        return fail(Code::invalid, "transport.url", nng_strerror(error));
    }
    if (address.is_tls) MUDI_CHECK(show(tls));
    if (address.scheme != "ipc://") {
        nng_dialer_set_bool(dialer_, NNG_OPT_TCP_NODELAY, true);
        nng_dialer_set_bool(dialer_, NNG_OPT_TCP_KEEPALIVE, true);
    }
    if (const int error = nng_dialer_start(dialer_, NNG_FLAG_NONBLOCK); error != 0) {
        return fail(Code::invalid, "transport.url", nng_strerror(error));
    }
    return {};
}

Status NngTillTransport::show(const TlsClient& tls) {
    MUDI_TRY(TlsConfig config, make_tls(tls, host_));
    if (nng_dialer_set_ptr(dialer_, NNG_OPT_TLS_CONFIG, config.get()) != 0) {
        return fail(Code::invalid, "transport.tls", "the dialer does not take the TLS settings");
    }
    shown_.push_back(std::move(config));
    return {};
}

Status NngTillTransport::renew(const TlsClient& tls) {
    if (!open_) return fail(Code::unavailable, "transport.closed", "stopped");
    if (shown_.empty()) return fail(Code::invalid, "transport.tls", "the connection has no TLS");
    return show(tls);
}

void NngTillTransport::send(std::uint64_t request, Channel channel, std::string frame, Duration timeout) {
    const auto at = static_cast<std::size_t>(channel);
    if (!open_ || frame.size() > frame_bytes_max) {
        // Never from within send: the core would be stepped in the middle of its own step.
        Result<std::string> refused =
            !open_ ? Result<std::string>(fail(Code::unavailable, "transport.closed", "stopped"))
                   : fail(Code::invalid, "transport.too_large", "larger than a frame may be");
        post_([key = gate_.key(), request, refused = std::move(refused)]() mutable {
            if (*key != nullptr) (*key)->events_.answered(request, std::move(refused));
        });
        return;
    }
    Line& line = lines_.at(at);
    if (line.busy) cancel(line);
    line.busy = true;
    line.request = request;
    answers_at_send_.at(at) = answers_;
    nng_aio_set_timeout(line.sending.get(), to_nng(timeout));
    nng_aio_set_timeout(line.receiving.get(), to_nng(timeout));
    nng_aio_set_msg(line.sending.get(), make_message(frame).release());
    nng_ctx_send(line.context, line.sending.get());
}

void NngTillTransport::cancel(Line& line) {
    // In this order: the callback of a send that just went through starts the receive.
    nng_aio_cancel(line.sending.get());
    nng_aio_wait(line.sending.get());
    nng_aio_cancel(line.receiving.get());
    nng_aio_wait(line.receiving.get());
}

// On a thread of NNG, as is received(): they only hand on.
void NngTillTransport::sent(void* context) {
    Line& line = *static_cast<Line*>(context);
    if (const int error = nng_aio_result(line.sending.get()); error != 0) {
        const Message unsent{nng_aio_get_msg(line.sending.get())};
        nng_aio_set_msg(line.sending.get(), nullptr);
        return line.owner->post_answer(line, tl::make_unexpected(transport_error(error)));
    }
    nng_ctx_recv(line.context, line.receiving.get());
}

void NngTillTransport::received(void* context) {
    Line& line = *static_cast<Line*>(context);
    if (const int error = nng_aio_result(line.receiving.get()); error != 0) {
        return line.owner->post_answer(line, tl::make_unexpected(transport_error(error)));
    }
    const Message message{nng_aio_get_msg(line.receiving.get())};
    nng_aio_set_msg(line.receiving.get(), nullptr);
    line.owner->post_answer(line, to_string(message));
}

void NngTillTransport::post_answer(const Line& line, Result<std::string> frame) {
    const auto at = static_cast<std::size_t>(&line - lines_.data());
    post_([key = gate_.key(), at, request = line.request, frame = std::move(frame)]() mutable {
        if (*key != nullptr) (*key)->answered((*key)->lines_.at(at), request, std::move(frame));
    });
}

void NngTillTransport::answered(Line& line, std::uint64_t request, Result<std::string> frame) {
    const auto at = static_cast<std::size_t>(&line - lines_.data());
    const bool current = line.request == request;
    if (current) line.busy = false;
    if (frame) {
        ++answers_;
    } else if (current && at != ask_at && frame.error().name == "transport.timeout" && up_ &&
               answers_at_send_.at(at) == answers_) {
        hang_up();
    }
    events_.answered(request, std::move(frame));
}

// Nothing at all came back within a request's time: a half-open connection looks alive to TCP for a quarter
// of an hour.
void NngTillTransport::hang_up() {
    const auto now = std::chrono::steady_clock::now();
    if (!hung_up_) hung_up_ = now;
    // NNG's one thread that ends connections and dials again is stuck: a fresh process is whole again.
    MUDI_ASSERT(now - *hung_up_ < stuck_after);
    // One that is shut already is one whose end NNG lost.
    if (!cut(pipe_)) nng_pipe_close(pipe_);
}

void NngTillTransport::piped(nng_pipe pipe, nng_pipe_ev event, void* context) {
    auto* self = static_cast<NngTillTransport*>(context);
    self->post_([key = self->gate_.key(), pipe, up = event == NNG_PIPE_EV_ADD_POST] {
        if (*key != nullptr) (*key)->linked(pipe, up);
    });
}

void NngTillTransport::linked(nng_pipe pipe, bool up) {
    // The end of an old link may be told after the beginning of the next.
    if (!up && (!up_ || nng_pipe_id(pipe) != nng_pipe_id(pipe_))) return;
    if (up && up_) events_.link(false);
    pipe_ = pipe;
    up_ = up;
    hung_up_.reset();
    events_.link(up);
}

void NngTillTransport::stop() {
    gate_.close();
    if (!open_) return;
    open_ = false;
    const bool under_way =
        std::any_of(lines_.begin(), lines_.end(), [](const Line& line) { return line.busy; });
    for (Line& line : lines_) {
        if (line.sending != nullptr) cancel(line);
        if (nng_ctx_id(line.context) > 0) nng_ctx_close(line.context);
    }
    if (under_way) let_traffic_land(); // a reply may be on its way
    nng_close(socket_);                // the last callbacks of pipes run in here
    for (Line& line : lines_) {
        line.sending.reset();
        line.receiving.reset();
    }
}

} // namespace

Result<std::unique_ptr<TillTransport>> TillTransport::start(const std::string& url, const TlsClient& tls,
                                                            Post post, Events events, Reconnect reconnect) {
    auto transport = std::make_unique<NngTillTransport>(std::move(post), std::move(events));
    MUDI_CHECK(transport->open(url, tls, reconnect));
    return std::unique_ptr<TillTransport>(std::move(transport));
}

} // namespace mudi::sync
