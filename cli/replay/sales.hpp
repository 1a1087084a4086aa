#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <mudi/base/money.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>

/// Real sales out of a data set's file, as the tills will get them.
namespace mudi::cli {

enum class ReplayKind : std::uint8_t { sale, return_, adjustment };

struct ReplayDiscount {
    std::string_view promotion; ///< a literal
    std::int64_t minor{};
};

struct ReplayLine {
    std::string item;
    std::string description;
    std::int64_t quantity{}; ///< thousandths; > 0 but in adjustments
    std::optional<std::int64_t>
        unit_price;        ///< minor units; absent where the file's price has fractions of them
    std::int64_t amount{}; ///< minor units; >= 0 but in adjustments
    bool goods{true};
    std::vector<ReplayDiscount> discounts;
    /// Where the sale it takes back stands: index in the list of sales, and line number from 1.
    std::optional<std::size_t> original_sale;
    int original_line{};
};

struct ReplaySale {
    std::string number;
    ReplayKind kind{ReplayKind::sale};
    std::string customer; ///< empty = unknown
    Time time;
    std::vector<ReplayLine> lines;
    std::int64_t voucher{}; ///< part of the total that a coupon paid
    std::size_t till{};     ///< index of the till that rings it up

    [[nodiscard]] std::int64_t total() const;
};

struct ReplayFile {
    Currency currency;
    std::vector<ReplaySale> sales; ///< in the file's order
    std::int64_t lines_read{};
    std::int64_t lines_left_out{}; ///< quantity 0: nothing was sold or brought back
    std::int64_t left_out_minor{}; ///< what stood on them
    std::int64_t returns_linked{}; ///< return lines whose sale was found
};

/// What the sales add up to: the figures that are compared.
struct ReplayFigures {
    std::int64_t transactions{};
    std::int64_t lines{};
    std::int64_t returns{};
    std::int64_t adjustments{};
    std::int64_t customers{};
    std::int64_t value_minor{};  ///< totals of sales
    std::int64_t return_minor{}; ///< paid back by returns, positive

    friend bool operator==(const ReplayFigures&, const ReplayFigures&) = default;
};
ReplayFigures figures_of(const std::vector<ReplaySale>& sales);

using ReplayProgress = std::function<void(std::int64_t lines)>;

/// `read` gives the file's text piece by piece, empty at its end. Errors: replay.columns, replay.row (with
/// its number), those of csv and of the reading. Only the first `sales_max` transactions are taken (0 = all).
using ReadPiece = std::function<Result<std::string_view>()>;
Result<ReplayFile> read_online_retail(const ReadPiece& read, std::size_t sales_max,
                                      const ReplayProgress& progress);
Result<ReplayFile> read_complete_journey(const ReadPiece& read, std::size_t sales_max,
                                         const ReplayProgress& progress);

/// Cancellations name no sale. Each return line is linked to the newest earlier sale line of the same
/// customer, item and unit price that has enough left; where there is none it stays a return without
/// original.
void link_returns(ReplayFile& file);
/// A customer always goes to one till, unknown ones in turn: so a return meets its sale.
void spread_over_tills(ReplayFile& file, std::size_t tills);

/// A file, gzip or plain, in pieces. replay.file (not_found), replay.gzip (corrupt).
class ReplayInput {
public:
    static Result<ReplayInput> open(const std::string& path);
    ReplayInput(ReplayInput&& other) noexcept;
    ReplayInput& operator=(ReplayInput&&) = delete;
    ~ReplayInput();
    Result<std::string_view> piece();

private:
    explicit ReplayInput(void* file) : file_(file), buffer_(256 * 1024, '\0') {}
    void* file_;
    std::string buffer_;
};

} // namespace mudi::cli
