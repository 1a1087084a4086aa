#pragma once

#include <string>
#include <utility>

#include <mudi/base/result.hpp>
#include <mudi/http/message.hpp>
#include <mudi/pos.h>
#include <tl/expected.hpp>

namespace mudi::pos {

/// Why a call gave nothing: what the host gets as return code, stable code and text.
struct Fault {
    mudi_rc rc{MUDI_E_ARG};
    std::string code;
    std::string text;

    /// True when the agent said no. Otherwise it did not, or could not, say anything: the same may work
    /// later.
    [[nodiscard]] bool refused() const {
        return rc != MUDI_E_TIMEOUT && rc != MUDI_E_AGENT && rc != MUDI_E_DENIED && rc != MUDI_E_VERSION;
    }
};

template <class T>
class [[nodiscard]] Outcome : public tl::expected<T, Fault> {
    using Base = tl::expected<T, Fault>;

public:
    using Base::Base;
    Outcome(Base base) : Base(std::move(base)) {}
};

inline tl::unexpected<Fault> fault(mudi_rc rc, std::string code, std::string text) {
    return tl::make_unexpected(Fault{rc, std::move(code), std::move(text)});
}

/// The connection failed, or what came over it makes no sense.
Fault fault_of(const Error& error);
/// A problem document; `text` (in the cashier's language) is preferred over `detail`.
Fault fault_of(const http::Response& refusal);

} // namespace mudi::pos
