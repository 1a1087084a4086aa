#include "pairing.hpp"

#include <mudi/base/file.hpp>
#include <mudi/base/hash.hpp>

namespace mudi::till {
namespace {

constexpr std::size_t line_bytes = 33; // 32 hex digits and the line end

std::string hash_of(std::string_view token) { return to_hex(hash128(token)); }

} // namespace

Result<Pairing> Pairing::open(std::string path) {
    Pairing pairing(std::move(path));
    auto content = read_small_file(pairing.path_, tokens_max * line_bytes);
    if (!content && content.error().name == "file.missing") return pairing;
    if (!content) return tl::make_unexpected(content.error());
    for (std::size_t at = 0; at < content->size(); at += line_bytes) {
        std::string hash = content->substr(at, line_bytes - 1);
        if (!bits128_from_hex(hash) || content->substr(at + line_bytes - 1, 1) != "\n") {
            return fail(mudi::Code::corrupt, "pairing.corrupt",
                        pairing.path_ + ": damaged; remove it and pair the POS programs again");
        }
        pairing.hashes_.push_back(std::move(hash));
    }
    return pairing;
}

std::string Pairing::new_code(Random& random, MonoTime now) {
    std::string digits = std::to_string(random.below(1'000'000));
    digits.insert(0, 6 - digits.size(), '0');
    code_ = Code{digits, now + code_life, 0};
    return digits;
}

Result<std::string> Pairing::redeem(std::string_view code, Random& random, MonoTime now) {
    if (!code_ || now >= code_->expires) {
        code_.reset();
        return fail(mudi::Code::denied, "pair.no_code",
                    "no pairing code is out: ask for one with 'mudi-till pair'");
    }
    if (!equal_secret(code_->digits, code)) {
        if (++code_->wrong < tries_max) return fail(mudi::Code::denied, "pair.code", "wrong pairing code");
        code_.reset();
        return fail(mudi::Code::denied, "pair.code_dead",
                    "wrong pairing code, too often: ask for another with 'mudi-till pair'");
    }
    std::string token = to_hex(random.bits128()) + to_hex(random.bits128());
    std::vector<std::string> hashes = hashes_;
    if (hashes.size() >= tokens_max) hashes.erase(hashes.begin());
    hashes.push_back(hash_of(token));
    MUDI_CHECK(save(hashes));
    hashes_ = std::move(hashes);
    code_.reset();
    return token;
}

bool Pairing::known(std::string_view token) const {
    const std::string hash = hash_of(token);
    bool found = false;
    for (const std::string& each : hashes_) found |= equal_secret(each, hash);
    return found;
}

Status Pairing::save(const std::vector<std::string>& hashes) const {
    std::string content;
    for (const std::string& hash : hashes) content += hash + "\n";
    return write_file(path_, content, 0600);
}

} // namespace mudi::till
