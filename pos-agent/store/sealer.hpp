#pragma once

#include <string>
#include <string_view>

#include <mudi/base/hash.hpp>
#include <mudi/base/random.hpp>
#include <mudi/base/result.hpp>

namespace mudi::till {

/// Seals what is personal before it reaches the disk.
class Sealer {
public:
    Sealer(const Key256& key, Random& random) : key_(key), random_(&random) {}

    [[nodiscard]] Bytes seal(std::string_view plain) const {
        return mudi::seal(key_, random_->nonce(), plain);
    }
    [[nodiscard]] Result<std::string> open(const Bytes& sealed) const {
        auto plain = open_sealed(key_, sealed.data);
        if (!plain) return fail(Code::corrupt, "till.damaged", "a sealed value on the disk is damaged");
        return *std::move(plain);
    }

private:
    Key256 key_;
    Random* random_;
};

} // namespace mudi::till
