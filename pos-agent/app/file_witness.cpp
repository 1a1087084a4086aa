#include "file_witness.hpp"

#include <charconv>
#include <string_view>

#include <unistd.h>

#include <mudi/base/file.hpp>
#include <mudi/base/log.hpp>

namespace mudi::till {
namespace {

constexpr std::size_t bytes_max = 64;

template <class Number>
bool take(std::string_view& text, Number& number, char end) {
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto used = static_cast<std::size_t>(at - text.data());
    if (error != std::errc{} || used >= text.size() || text[used] != end) return false;
    text.remove_prefix(used + 1);
    return true;
}

} // namespace

std::optional<RightsWitness::Seen> FileWitness::read() {
    const auto text = read_small_file(path_, bytes_max);
    if (!text) return std::nullopt;
    std::string_view left = *text;
    Seen seen;
    if (!take(left, seen.holder.value, ' ') || !take(left, seen.tick, '\n') || !left.empty())
        return std::nullopt;
    return seen;
}

void FileWitness::write(const Seen& seen) {
    const auto written =
        write_file(path_, std::to_string(seen.holder.value) + ' ' + std::to_string(seen.tick) + '\n', 0600);
    if (written) return;
    // An older word must not stand: it might fit a copy.
    ::unlink(path_.c_str());
    log::warning("rights.witness", written.error());
}

} // namespace mudi::till
