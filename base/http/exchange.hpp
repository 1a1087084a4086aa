#pragma once

#include <mudi/base/result.hpp>
#include <mudi/http/message.hpp>
#include <mudi/http/responder.hpp>

namespace mudi::http {

/// The far side of a Responder: what waits for the answer.
class Exchange {
public:
    virtual ~Exchange() = default;
    virtual void answer(Response response) = 0;
    /// The client has hung up.
    [[nodiscard]] virtual bool gone() { return false; }
    /// On an error the exchange has answered by itself.
    virtual Result<EventStream> open_stream() = 0;
};

} // namespace mudi::http
