#pragma once

#include <string>
#include <vector>

#include <mudi/base/random.hpp>
#include <mudi/crm/transaction.hpp>
#include <mudi/sync/event.hpp>
#include <mudi/sync/hlc.hpp>

/// A shop to measure the wire with: 400 goods that nobody told the dictionary about, 2,000 members, Zipf-like
/// demand, weighed goods, one basket in ten with a personal offer. The same seed makes the same sales.
namespace mudi::test {

class Grocery {
public:
    explicit Grocery(std::uint64_t seed, int goods = 400);

    /// The next sale of one till, as the till would keep it; `lines` goods.
    sync::Event sale(int lines = 8);
    crm::RetailTransaction transaction(int lines = 8);

private:
    struct Good {
        std::string item_id;
        std::string name;
        std::string category;
        std::string unit;
        std::int64_t price{};
        std::int32_t tax_rate{};
    };

    [[nodiscard]] const Good& demanded();
    crm::LineItem line(int number, bool with_offer);

    SeededRandom random_;
    std::vector<Good> goods_;
    std::vector<std::string> cards_;
    Time now_{time_from_ms(1'798'785'123'456)};
    std::int64_t next_number_{41'870};
    sync::Hlc hlc_;
    std::int64_t next_seq_{1};
};

} // namespace mudi::test
