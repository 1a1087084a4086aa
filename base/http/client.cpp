#include <mudi/http/client.hpp>

#include <optional>

#include "connection.hpp"
#include "parser.hpp"

namespace mudi::http {

namespace {

constexpr std::size_t answer_header_bytes_max = 64 * 1024;
/// 100 Continue and its kind come before the answer; nobody needs more of them.
constexpr int interim_answers_max = 8;

} // namespace

struct Client::Impl {
    explicit Impl(Target to) : target(std::move(to)) {}

    Result<Response> exchange(ClientConnection& connection, const std::string& head, const Call& call,
                              const Deadline& deadline) {
        connection.begin(head, call.body);
        for (int i = 0; i <= interim_answers_max; ++i) {
            ResponseParser parser(answer_header_bytes_max, answer_bytes_max);
            parser.skip(call.method == "HEAD");
            MUDI_CHECK(connection.read(parser, deadline, false));
            if (parser.message.status / 100 == 1) continue;
            reusable = parser.keep_alive() && connection.sent() && !connection.leftover();
            return std::move(parser.message);
        }
        return fail(Code::corrupt, "http.bad_answer", "the server sends interim answers without end");
    }

    Target target;
    std::optional<ClientConnection> kept;
    bool reusable{false};
};

Client::Client(Target target) : impl_(std::make_unique<Impl>(std::move(target))) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

void Client::disconnect() { impl_->kept.reset(); }

Result<Response> Client::send(const Call& call) {
    const Deadline deadline(call.timeout);
    MUDI_TRY(const std::string head, request_head(impl_->target, call));
    auto& kept = impl_->kept;
    if (kept && !kept->idle()) kept.reset(); // nothing was sent on it yet, so this is no retry
    for (;;) {
        const bool was_kept = kept.has_value();
        if (!was_kept) {
            MUDI_TRY(kept, ClientConnection::open(impl_->target, deadline));
        }
        impl_->reusable = false;
        auto response = impl_->exchange(*kept, head, call, deadline);
        const bool heard = kept->heard();
        if (!impl_->reusable) kept.reset();
        // The server may have closed the kept connection just as we wrote. It may also have done the work and
        // then died, hence only for calls that may be done twice; and once, because the second try has a new
        // connection.
        const bool died = !response && response.error().name == "http.broken" && !heard;
        if (!(was_kept && died && call.idempotent)) return response;
    }
}

} // namespace mudi::http
