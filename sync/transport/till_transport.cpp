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
/// An end that cut() asked for and that has not come in this time was lost; nothing comes in any more, so the
/// pipe may be closed.
constexpr std::chrono::seconds cut_within{4};

constexpr Duration dial_anew_max{std::chrono::minutes{10}};

using MonoClock = std::chrono::steady_clock;

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
        Duration timeout{};
    };

    static void sent(void* line);
    static void received(void* line);
    static void piped(nng_pipe pipe, nng_pipe_ev event, void* self);

    Status dial();
    /// At the next handshake.
    Status show(nng_tls_config* config);
    void post_answer(const Line& line, Result<std::string> frame);
    void answered(Line& line, std::uint64_t request, Result<std::string> frame);
    void linked(nng_pipe pipe, bool up);
    void cancel(Line& line);
    void hang_up();
    static void probe_due(void* self);
    void probe();
    void dial_anew();

    Post post_;
    Events events_;
    Gate<NngTillTransport> gate_;
    std::string url_;
    std::string host_;
    bool is_tcp_{false};
    Duration dial_anew_first_{};
    Duration dial_anew_after_{};       ///< doubled each time until there is a link
    MonoClock::time_point down_since_; ///< or since dialing was begun anew
    /// All of them: while it dials, NNG looks at the one it had without holding it.
    std::vector<TlsConfig> shown_;
    nng_socket socket_{};
    nng_dialer dialer_{};
    bool open_{false};
    std::array<Line, channels> lines_;
    nng_pipe pipe_{}; ///< of the link that is up
    bool up_{false};
    std::optional<MonoClock::time_point> hung_up_; ///< on the link that is up: its end must follow
    int shut_{};                                   ///< probes that found its socket shut, one after the other
    MonoClock::time_point answered_at_{};          ///< any, to see whether a link that is up still lives
    Aio probing_;                                  ///< over TCP, with TLS or without
};

Status NngTillTransport::open(const std::string& url, const TlsClient& tls, const Reconnect& reconnect) {
    MUDI_TRY(const Address address, parse_address(url));
    url_ = url;
    host_ = address.host;
    is_tcp_ = address.scheme != "ipc://";
    dial_anew_after_ = dial_anew_first_ = reconnect.max + reconnect.attempt_max;
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
    if (address.is_tls) {
        MUDI_TRY(TlsConfig config, make_tls(tls, host_));
        shown_.push_back(std::move(config));
    }
    MUDI_CHECK(dial());
    if (is_tcp_) {
        probing_ = make_aio(probe_due, this);
        nng_sleep_aio(probe_every_ms, probing_.get());
    }
    return {};
}

Status NngTillTransport::dial() {
    down_since_ = MonoClock::now();
    if (const int error = nng_dialer_create(&dialer_, socket_, url_.c_str()); error != 0)
        return fail(Code::invalid, "transport.url", nng_strerror(error));
    if (!shown_.empty()) MUDI_CHECK(show(shown_.back().get()));
    if (is_tcp_) {
        nng_dialer_set_bool(dialer_, NNG_OPT_TCP_NODELAY, true);
        nng_dialer_set_bool(dialer_, NNG_OPT_TCP_KEEPALIVE, true);
    }
    if (const int error = nng_dialer_start(dialer_, NNG_FLAG_NONBLOCK); error != 0)
        return fail(Code::invalid, "transport.url", nng_strerror(error));
    return {};
}

Status NngTillTransport::show(nng_tls_config* config) {
    if (nng_dialer_set_ptr(dialer_, NNG_OPT_TLS_CONFIG, config) != 0)
        return fail(Code::invalid, "transport.tls", "the dialer does not take the TLS settings");
    return {};
}

Status NngTillTransport::renew(const TlsClient& tls) {
    if (!open_) return fail(Code::unavailable, "transport.closed", "stopped");
    if (shown_.empty()) return fail(Code::invalid, "transport.tls", "the connection has no TLS");
    MUDI_TRY(TlsConfig config, make_tls(tls, host_));
    MUDI_CHECK(show(config.get()));
    shown_.push_back(std::move(config));
    return {};
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
    line.timeout = timeout;
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
    // An answer to another request just after this one went out says nothing of the time since.
    if (frame) {
        answered_at_ = MonoClock::now();
    } else if (current && at != ask_at && frame.error().name == "transport.timeout" && up_ &&
               MonoClock::now() - answered_at_ > line.timeout / 2) {
        hang_up();
    }
    events_.answered(request, std::move(frame));
}

// Nothing came back for long within a request's time: a half-open connection looks alive to TCP for a quarter
// of an hour.
void NngTillTransport::hang_up() {
    const auto now = MonoClock::now();
    if (!hung_up_) hung_up_ = now;
    // NNG's one thread that ends connections and dials again is stuck: a fresh process is whole again.
    MUDI_ASSERT(now - *hung_up_ < stuck_after);
    // One that is shut already is one whose end NNG lost.
    if (!cut(pipe_)) nng_pipe_close(pipe_);
}

// On a thread of NNG.
void NngTillTransport::probe_due(void* context) {
    auto* self = static_cast<NngTillTransport*>(context);
    if (nng_aio_result(self->probing_.get()) != 0) return; // stopped
    self->post_([key = self->gate_.key()] {
        if (*key != nullptr) (*key)->probe();
    });
}

void NngTillTransport::probe() {
    if (!up_ && MonoClock::now() - down_since_ > dial_anew_after_) {
        dial_anew();
    } else if (!up_) {
        hasten_dials();
    } else {
        shut_ = is_shut(pipe_) ? shut_ + 1 : 0;
        if (shut_ >= probes_till_close) {
            hang_up();
        } else if (hung_up_ && MonoClock::now() - *hung_up_ > cut_within) {
            nng_pipe_close(pipe_);
        }
    }
    nng_sleep_aio(probe_every_ms, probing_.get());
}

// NNG 1.5.2 takes the end of a connection right behind the TLS handshake for its own being closed, and never
// dials again. Rarer each time: a server that has thousands of handshakes before it needs minutes for them,
// and would never come to an end with those of tills that have left.
void NngTillTransport::dial_anew() {
    dial_anew_after_ = std::min(dial_anew_after_ * 2, dial_anew_max);
    nng_dialer_close(dialer_);
    // What can fail here has not failed in open(): then it is tried again.
    static_cast<void>(dial());
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
    down_since_ = MonoClock::now();
    if (up) dial_anew_after_ = dial_anew_first_;
    shut_ = 0;
    events_.link(up);
}

void NngTillTransport::stop() {
    gate_.close();
    if (!open_) return;
    open_ = false;
    if (probing_ != nullptr) {
        nng_aio_cancel(probing_.get());
        nng_aio_wait(probing_.get()); // before it goes: its callback still looks at it
        probing_.reset();
    }
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
