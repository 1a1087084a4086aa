#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tl/expected.hpp>

namespace mudi {

/// What the caller should do about an error, not where it came from.
enum class Code {
    invalid,     ///< the input is wrong: refuse it, a retry cannot help
    not_found,   ///< the thing asked for does not exist
    conflict,    ///< it exists already with another content
    corrupt,     ///< stored or received bytes are damaged: quarantine
    busy,        ///< try again soon
    unavailable, ///< the other side cannot be reached: go on without it
    denied,      ///< the caller may not do this
    io,          ///< disk or operating system: stop, or degrade
};

/// Lower-case word for a code, as used in logs and problem documents.
std::string_view to_string(Code code);

/// `name` is stable and dotted ("sale.total_mismatch"): programs and translations key on it.
/// `what` is one English sentence for the log and for people without a translation. It never holds a
/// card number, a phone or a name.
struct Error {
    Code code{Code::invalid};
    std::string name;
    std::string what;

    friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
    using Base = tl::expected<T, Error>;

public:
    using Base::Base;
    Result(Base base) : Base(std::move(base)) {}
};

using Status = Result<void>;

inline tl::unexpected<Error> fail(Code code, std::string name, std::string what) {
    return tl::make_unexpected(Error{code, std::move(name), std::move(what)});
}

/// Adds where it happened, once per layer: "while reading the feed: …".
inline tl::unexpected<Error> fail(Error error, std::string_view context) {
    error.what = std::string(context) + ": " + error.what;
    return tl::make_unexpected(std::move(error));
}

} // namespace mudi

#define MUDI_JOIN_(a, b) a##b
#define MUDI_JOIN(a, b) MUDI_JOIN_(a, b)
#define MUDI_TRY_(result, target, expression)                                                                \
    auto result = (expression);                                                                              \
    if (!result) return tl::make_unexpected(std::move(result).error());                                      \
    target = *std::move(result)

/// `MUDI_TRY(auto value, call());` passes an error up, otherwise takes the value out.
#define MUDI_TRY(target, expression) MUDI_TRY_(MUDI_JOIN(try_, __LINE__), target, expression)

#define MUDI_CHECK_(result, expression)                                                                      \
    if (auto result = (expression); !result) return tl::make_unexpected(std::move(result).error())

/// The same for calls that return a `Status`.
#define MUDI_CHECK(expression) MUDI_CHECK_(MUDI_JOIN(try_, __LINE__), expression)
