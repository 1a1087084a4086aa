#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/random.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>

namespace mudi::till {

/// Who may call over TCP. A code, asked for on the machine itself, is exchanged once for a token; of tokens
/// only hashes are kept, in a file of mode 0600.
class Pairing {
public:
    static constexpr std::size_t tokens_max = 200; ///< the oldest gives way
    static constexpr Duration code_life{std::chrono::minutes{5}};
    static constexpr int tries_max = 5;

    /// file.* and pairing.corrupt (corrupt). No file: nobody is paired yet.
    static Result<Pairing> open(std::string path);

    /// Six digits; replaces a code that is still out.
    std::string new_code(Random& random, MonoTime now);
    /// A new token for the right code, stored before it is given. pair.no_code (none out, or expired),
    /// pair.code (wrong), pair.code_dead (wrong for the fifth time: ask for another) - all denied; file.*.
    Result<std::string> redeem(std::string_view code, Random& random, MonoTime now);
    [[nodiscard]] bool known(std::string_view token) const;

private:
    struct Code {
        std::string digits;
        MonoTime expires;
        int wrong{};
    };

    explicit Pairing(std::string path) : path_(std::move(path)) {}
    Status save(const std::vector<std::string>& hashes) const;

    std::string path_;
    std::vector<std::string> hashes_; ///< hex, oldest first
    std::optional<Code> code_;
};

} // namespace mudi::till
