#include <algorithm>
#include <atomic>
#include <unordered_map>
#include <vector>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>

#include <mudi/base/assert.hpp>

#include "cut.hpp"
#include "link.hpp"

namespace mudi::sync {
namespace {

/// So many contexts listen for the next request, whatever the others wait for.
constexpr std::size_t listening_min = 16;
/// A till that does not take its reply in this time has gone, whatever TCP thinks.
constexpr nng_duration reply_timeout_ms = 60'000;
/// Closed and still there: NNG's one thread that ends connections is stuck, and no end will ever be told
/// again.
constexpr int probes_till_stuck = 32;

class NngServerTransport final : public ServerTransport {
public:
    NngServerTransport(std::size_t requests_max, Post post, OnRequest on_request, OnPipeGone on_pipe_gone)
        : requests_max_(std::max<std::size_t>(requests_max, 1)), post_(std::move(post)),
          on_request_(std::move(on_request)), on_pipe_gone_(std::move(on_pipe_gone)), gate_(this) {}
    NngServerTransport(const NngServerTransport&) = delete;
    NngServerTransport& operator=(const NngServerTransport&) = delete;
    ~NngServerTransport() override { stop(); }

    Status open(const std::string& url, const TlsServer& tls);
    [[nodiscard]] std::string url() const override { return url_; }
    [[nodiscard]] std::size_t connections() const override { return connections_; }
    void reply(RequestToken token, std::string frame) override;
    void close_pipe(PipeId pipe) override;
    Status renew(const TlsServer& tls) override;
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
        // Loop thread only.
        RequestToken held{}; ///< 0: nothing to reply to
        int pipe{};          ///< whose request it is, NNG's number
    };
    /// One connection. Loop thread only.
    struct Connection {
        PipeId id{};
        bool up{false};     ///< shook hands: counts as a connection
        bool closed{false}; ///< by us: its end is on the way
        int shut{};         ///< probes that found its socket shut, one after the other
        std::vector<std::size_t>
            desks; ///< with a request of it, or a reply to it on its way; and some that were
    };

    static void listen(Desk& desk);
    static void done(void* desk);
    static void piped(nng_pipe pipe, nng_pipe_ev event, void* self);
    static void probe_due(void* self);

    /// At the next handshake.
    Status show(const TlsServer& tls);
    void probe();
    void arrived(std::size_t index, int pipe, std::string frame);
    void began(int pipe);
    void shook_hands(int pipe);
    void ended(int pipe);
    void close(int pipe, Connection& connection);
    void listen_enough();
    Status add_desk();

    std::size_t requests_max_;
    Post post_;
    OnRequest on_request_;
    OnPipeGone on_pipe_gone_;
    Gate<NngServerTransport> gate_;
    /// All of them: a handshake that begins looks at the one it finds without holding it.
    std::vector<TlsConfig> shown_;
    nng_socket socket_{};
    nng_listener listener_{};
    bool open_{false};
    std::string url_;
    std::vector<std::unique_ptr<Desk>> desks_;
    std::size_t held_{};                  ///< desks with a request under way
    std::atomic<std::size_t> replying_{}; ///< desks with a reply on its way
    std::uint64_t serial_{};
    std::unordered_map<int, Connection> pipes_; ///< by NNG's number, which it gives again some day
    std::uint64_t pipes_ever_{};
    bool is_tcp_{false};
    Aio probing_; ///< over TCP, with TLS or without
    std::size_t connections_{};
};

/// NNG's number in the low half: a connection is found without a second map, the count above it makes it
/// unique.
constexpr unsigned pipe_shift = 32;

/// The desk's index in the low half: a reply finds it without a map, a stale token is told by the high half.
constexpr unsigned serial_shift = 24;
constexpr std::size_t desks_max = (std::size_t{1} << serial_shift) - 1;

Status NngServerTransport::open(const std::string& url, const TlsServer& tls) {
    MUDI_TRY(const Address address, parse_address(url));
    if (const int error = nng_rep0_open(&socket_); error != 0)
        return tl::make_unexpected(transport_error(error));
    open_ = true;
    MUDI_CHECK(set_limits(socket_));
    // ADD_PRE alone comes before the first request of a pipe: after it NNG's threads run side by side.
    for (const nng_pipe_ev event : {NNG_PIPE_EV_ADD_PRE, NNG_PIPE_EV_ADD_POST, NNG_PIPE_EV_REM_POST})
        nng_pipe_notify(socket_, event, piped, this);
    if (const int error = nng_listener_create(&listener_, socket_, url.c_str()); error != 0) {
        return fail(Code::invalid, "transport.url", nng_strerror(error));
    }
    if (address.is_tls) MUDI_CHECK(show(tls));
    if (address.scheme != "ipc://") {
        nng_listener_set_bool(listener_, NNG_OPT_TCP_NODELAY, true);
        nng_listener_set_bool(listener_, NNG_OPT_TCP_KEEPALIVE, true);
    }
    if (const int error = nng_listener_start(listener_, 0); error != 0)
        return tl::make_unexpected(transport_error(error));
    url_ = url;
    if (int port = 0;
        address.scheme != "ipc://" && nng_listener_get_int(listener_, NNG_OPT_TCP_BOUND_PORT, &port) == 0) {
        url_ = url.substr(0, url.rfind(':') + 1) + std::to_string(port);
    }
    listen_enough();
    if (desks_.empty()) return fail(Code::io, "transport.closed", "no context could be opened");
    is_tcp_ = address.scheme != "ipc://";
    if (is_tcp_) {
        probing_ = make_aio(probe_due, this);
        nng_sleep_aio(probe_every_ms, probing_.get());
    }
    return {};
}

Status NngServerTransport::show(const TlsServer& tls) {
    MUDI_TRY(TlsConfig config, make_tls(tls));
    if (nng_listener_set_ptr(listener_, NNG_OPT_TLS_CONFIG, config.get()) != 0) {
        return fail(Code::invalid, "transport.tls", "the listener does not take the TLS settings");
    }
    shown_.push_back(std::move(config));
    return {};
}

Status NngServerTransport::renew(const TlsServer& tls) {
    if (!open_) return fail(Code::unavailable, "transport.closed", "stopped");
    if (shown_.empty()) return fail(Code::invalid, "transport.tls", "the port has no TLS");
    return show(tls);
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
    while (desks_.size() < most && desks_.size() - held_ - replying_ < listening_min) {
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
        --desk.owner->replying_;
        if (error != NNG_ECLOSED) listen(desk);
        return;
    }
    if (error == NNG_ECLOSED || error == NNG_ECANCELED) return;
    if (error != 0) return listen(desk);
    const Message message{nng_aio_get_msg(desk.aio.get())};
    nng_aio_set_msg(desk.aio.get(), nullptr);
    desk.owner->post_([key = desk.owner->gate_.key(), index = desk.index,
                       pipe = nng_pipe_id(nng_msg_get_pipe(message.get())),
                       frame = to_string(message)]() mutable {
        if (*key != nullptr) (*key)->arrived(index, pipe, std::move(frame));
    });
}

void NngServerTransport::arrived(std::size_t index, int pipe, std::string frame) {
    Desk& desk = *desks_.at(index);
    // NNG hands on what it has read of a pipe even after it told of the pipe's end.
    const auto found = pipes_.find(pipe);
    if (found == pipes_.end() || found->second.closed) return listen(desk);
    shook_hands(pipe); // told on another thread of NNG, maybe later
    Connection& connection = found->second;
    std::erase_if(connection.desks, [&](std::size_t one) {
        return desks_[one]->pipe != pipe || (desks_[one]->held == 0 && !desks_[one]->replying.load());
    });
    if (connection.desks.size() >= requests_per_pipe_max) {
        close(pipe, connection);
        return listen(desk);
    }
    desk.held = (++serial_ << serial_shift) | index;
    desk.pipe = pipe;
    connection.desks.push_back(index);
    ++held_;
    listen_enough();
    on_request_(desk.held, connection.id, std::move(frame));
}

void NngServerTransport::reply(RequestToken token, std::string frame) {
    MUDI_ASSERT(frame.size() <= frame_bytes_max);
    const auto index = static_cast<std::size_t>(token & desks_max);
    if (!open_ || index >= desks_.size() || desks_[index]->held != token) return;
    Desk& desk = *desks_[index];
    desk.held = 0;
    --held_;
    if (pipes_.at(desk.pipe).closed) return listen(desk);
    ++replying_;
    desk.replying.store(true);
    nng_aio_set_timeout(desk.aio.get(), reply_timeout_ms);
    nng_aio_set_msg(desk.aio.get(), make_message(frame).release());
    nng_ctx_send(desk.context, desk.aio.get());
}

// On a thread of NNG.
void NngServerTransport::piped(nng_pipe pipe, nng_pipe_ev event, void* context) {
    auto* self = static_cast<NngServerTransport*>(context);
    self->post_([key = self->gate_.key(), event, pipe = nng_pipe_id(pipe)] {
        if (*key == nullptr) return;
        switch (event) {
        case NNG_PIPE_EV_ADD_PRE: return (*key)->began(pipe);
        case NNG_PIPE_EV_ADD_POST: return (*key)->shook_hands(pipe);
        default: return (*key)->ended(pipe);
        }
    });
}

void NngServerTransport::began(int pipe) {
    const PipeId id = (++pipes_ever_ << pipe_shift) | static_cast<std::uint32_t>(pipe);
    pipes_.insert_or_assign(pipe, Connection{.id = id, .up = false, .closed = false, .desks = {}});
}

void NngServerTransport::shook_hands(int pipe) {
    const auto found = pipes_.find(pipe);
    if (found == pipes_.end() || found->second.up) return; // ended, or asked already
    found->second.up = true;
    ++connections_;
}

void NngServerTransport::ended(int pipe) {
    const auto found = pipes_.find(pipe);
    if (found == pipes_.end()) return;
    const Connection connection = std::move(found->second);
    pipes_.erase(found);
    if (connection.up) --connections_;
    for (const std::size_t index : connection.desks) {
        Desk& desk = *desks_[index];
        if (desk.pipe != pipe || desk.held == 0) continue;
        desk.held = 0;
        --held_;
        listen(desk);
    }
    if (on_pipe_gone_) on_pipe_gone_(connection.id);
}

void NngServerTransport::close_pipe(PipeId id) {
    const int pipe = static_cast<int>(id & UINT32_MAX);
    const auto found = pipes_.find(pipe);
    if (!open_ || found == pipes_.end() || found->second.id != id) return;
    close(pipe, found->second);
}

void NngServerTransport::close(int number, Connection& connection) {
    connection.closed = true;
    const nng_pipe pipe{static_cast<std::uint32_t>(number)};
    // A socket that is shut already ends by itself, or is found by probe().
    if (!cut(pipe) && !is_tcp_) nng_pipe_close(pipe);
}

// On a thread of NNG.
void NngServerTransport::probe_due(void* context) {
    auto* self = static_cast<NngServerTransport*>(context);
    if (nng_aio_result(self->probing_.get()) != 0) return; // stopped
    self->post_([key = self->gate_.key()] {
        if (*key != nullptr) (*key)->probe();
    });
}

void NngServerTransport::probe() {
    for (auto& [number, connection] : pipes_) {
        const nng_pipe pipe{static_cast<std::uint32_t>(number)};
        connection.shut = connection.up && is_shut(pipe) ? connection.shut + 1 : 0;
        if (connection.shut == probes_till_close) nng_pipe_close(pipe);
        MUDI_ASSERT(connection.shut < probes_till_stuck); // a fresh process is whole again, tills come back
    }
    nng_sleep_aio(probe_every_ms, probing_.get());
}

void NngServerTransport::stop() {
    gate_.close();
    if (!open_) return;
    open_ = false;
    if (probing_ != nullptr) {
        nng_aio_cancel(probing_.get());
        nng_aio_wait(probing_.get()); // before it goes: its callback still looks at it
        probing_.reset();
    }
    for (const auto& desk : desks_)
        nng_ctx_close(desk->context); // nobody takes requests any more: they are parked
    let_traffic_land();
    nng_close(socket_);
    desks_.clear(); // waits for callbacks
}

} // namespace

Result<std::unique_ptr<ServerTransport>> ServerTransport::start(const std::string& url, const TlsServer& tls,
                                                                std::size_t requests_max, Post post,
                                                                OnRequest on_request,
                                                                OnPipeGone on_pipe_gone) {
    auto transport = std::make_unique<NngServerTransport>(requests_max, std::move(post),
                                                          std::move(on_request), std::move(on_pipe_gone));
    MUDI_CHECK(transport->open(url, tls));
    return std::unique_ptr<ServerTransport>(std::move(transport));
}

} // namespace mudi::sync
