#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <mudi/base/bytes.hpp>
#include <mudi/base/hash.hpp>

namespace mudi {

/// Where random bits come from. Pure code gets one as an argument, so that a simulator can replay a run.
/// Not safe to share between threads.
class Random {
public:
    virtual ~Random() = default;
    virtual std::uint64_t next() = 0;

    /// 0..bound-1, without the bias of a plain modulo; `bound` > 0.
    std::uint64_t below(std::uint64_t bound);
    Bits128 bits128() { return {next(), next()}; }
    std::array<unsigned char, 24> nonce();
    Key256 key256();
};

/// Replays exactly from its seed (SplitMix64, Steele, Lea and Flood 2014). Never for secrets.
class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() override;

private:
    std::uint64_t state_;
};

/// The operating system's generator, fit for secrets. Edges and app only.
class SystemRandom final : public Random {
public:
    std::uint64_t next() override;
};

} // namespace mudi
