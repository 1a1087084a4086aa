#include "allocate.hpp"

#include <algorithm>
#include <numeric>

#include <mudi/base/assert.hpp>

namespace mudi::crm {

std::vector<std::int64_t> allocate(Wide total, std::span<const std::int64_t> weights) {
    Wide sum = 0;
    for (const std::int64_t weight : weights) sum += weight;
    MUDI_ASSERT(total >= 0 && total <= sum);
    std::vector<std::int64_t> shares(weights.size(), 0);
    if (sum == 0) return shares;
    std::vector<Wide> remainders(weights.size(), 0);
    Wide given = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const Wide product = total * weights[i];
        shares[i] = static_cast<std::int64_t>(product / sum);
        remainders[i] = product % sum;
        given += shares[i];
    }
    std::vector<std::size_t> order(weights.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order,
                             [&](std::size_t a, std::size_t b) { return remainders[a] > remainders[b]; });
    for (std::size_t i = 0; given < total; ++i, ++given) ++shares[order[i]];
    return shares;
}

} // namespace mudi::crm
