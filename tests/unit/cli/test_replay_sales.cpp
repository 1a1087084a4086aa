#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>

#include "cli/replay/sales.hpp"

using namespace mudi;
using namespace mudi::cli;

namespace {

/// Hands the text out in small pieces, so that rows are cut in the middle.
ReadPiece pieces(std::string_view text) {
    return [text, at = std::size_t{0}]() mutable -> Result<std::string_view> {
        const auto piece = text.substr(at, 37);
        at += piece.size();
        return piece;
    };
}

constexpr auto no_progress = [](std::int64_t) {};
constexpr std::string_view header =
    "basket_id,customer_id,country,timestamp,product_id,description,quantity,unit_price,sales_value\n";

Result<ReplayFile> read(const std::string& rows, std::size_t sales_max = 0) {
    static std::string text;
    text = std::string(header) + rows;
    return read_online_retail(pieces(text), sales_max, no_progress);
}

} // namespace

TEST_CASE("an invoice is one sale with all its lines, services are no goods") {
    const auto file = read("536365,17850,UK,2010-12-01 08:26:00,85123A,\"HEART, WHITE\",6,2.55,15.3\n"
                           "536365,17850,UK,2010-12-01 08:26:00,POST,POSTAGE,1,18.0,18.0\n");
    REQUIRE(file);
    REQUIRE(file->sales.size() == 1);
    const ReplaySale& sale = file->sales[0];
    CHECK(sale.total() == 3330);
    CHECK(sale.lines[0].description == "HEART, WHITE");
    CHECK(sale.lines[0].quantity == 6000);
    CHECK(sale.lines[0].unit_price == 255);
    CHECK(sale.lines[0].goods);
    CHECK_FALSE(sale.lines[1].goods);
}

TEST_CASE("a cancellation becomes a return linked to the newest sale with enough left") {
    const auto file = read("1,A,UK,2011-01-01 08:00:00,11111,CUP,5,1.00,5.0\n"
                           "2,A,UK,2011-01-02 08:00:00,11111,CUP,2,1.00,2.0\n"
                           "C3,A,UK,2011-01-03 08:00:00,11111,CUP,-3,1.00,-3.0\n"
                           "C4,A,UK,2011-01-04 08:00:00,11111,CUP,-2,1.00,-2.0\n"
                           "C5,A,UK,2011-01-05 08:00:00,11111,CUP,-3,1.00,-3.0\n"
                           "C6,A,UK,2011-01-05 08:00:00,11111,CUP,-1,2.00,-2.0\n"
                           "C7,B,UK,2011-01-05 08:00:00,11111,CUP,-1,1.00,-1.0\n");
    REQUIRE(file);
    CHECK(file->returns_linked == 2);
    CHECK(file->sales[2].lines[0].original_sale == 0u); // three back: only the first sale had so many
    CHECK(file->sales[3].lines[0].original_sale == 1u); // the newest with two left
    CHECK_FALSE(file->sales[4].lines[0].original_sale); // only two are left anywhere
    CHECK_FALSE(file->sales[5].lines[0].original_sale); // another price
    CHECK_FALSE(file->sales[6].lines[0].original_sale); // another customer
    CHECK(file->sales[2].total() == -300);
}

TEST_CASE("corrections of books and stock are adjustments with their sign") {
    const auto file = read("A563186,,UK,2011-08-12 14:51:00,B,Adjust bad debt,1,-11062.06,-11062.06\n"
                           "536589,,UK,2010-12-01 16:50:00,21777,,-10,0.0,0.0\n");
    REQUIRE(file);
    const ReplayFigures figures = figures_of(file->sales);
    CHECK(figures.adjustments == 2);
    CHECK(figures.value_minor == 0);
    CHECK(file->sales[0].lines[0].amount == -1106206);
    CHECK(file->sales[1].lines[0].quantity == -10000);
}

TEST_CASE("figures count each transaction, line and customer once") {
    const auto file = read("1,A,UK,2011-01-01 08:00:00,11111,CUP,5,1.00,5.0\n"
                           "2,,UK,2011-01-02 08:00:00,11111,CUP,2,1.00,2.0\n"
                           "C3,A,UK,2011-01-03 08:00:00,11111,CUP,-3,1.00,-3.0\n");
    REQUIRE(file);
    const ReplayFigures figures = figures_of(file->sales);
    CHECK(figures == ReplayFigures{3, 3, 1, 0, 1, 700, 300});
}

TEST_CASE("a customer's transactions meet at one till") {
    auto file = read("1,A,UK,2011-01-01 08:00:00,11111,CUP,5,1.00,5.0\n"
                     "2,,UK,2011-01-02 08:00:00,11111,CUP,2,1.00,2.0\n"
                     "3,,UK,2011-01-02 08:00:00,11111,CUP,2,1.00,2.0\n"
                     "C4,A,UK,2011-01-03 08:00:00,11111,CUP,-3,1.00,-3.0\n");
    REQUIRE(file);
    spread_over_tills(*file, 3);
    CHECK(file->sales[0].till == file->sales[3].till);
    CHECK(file->sales[1].till != file->sales[2].till);
}

TEST_CASE("a file that cannot be right is refused with its row") {
    CHECK(read("1,A,UK,yesterday,11111,CUP,5,1.00,5.0\n").error().name == "replay.row");
    CHECK(read("1,A,UK,2011-01-01 08:00:00,11111,CUP,five,1.00,5.0\n").error().what.find("row 2") !=
          std::string::npos);
    CHECK(read("C1,A,UK,2011-01-01 08:00:00,11111,CUP,5,1.00,5.0\n").error().name == "replay.row");
    CHECK(read_online_retail(pieces("a,b\n1,2\n"), 0, no_progress).error().name == "replay.columns");
    CHECK(read_online_retail(pieces(""), 0, no_progress).error().name == "replay.columns");
    CHECK(ReplayInput::open("/nowhere/file.csv.gz").error().name == "replay.file");
}

TEST_CASE(
    "complete journey: discounts explain the shelf price, a coupon pays, lines of nothing are left out") {
    constexpr std::string_view text = "household_id,store_id,basket_id,product_id,quantity,sales_value,"
                                      "retail_disc,coupon_disc,coupon_match_disc,week,transaction_timestamp\n"
                                      "437,363,31,972105,2,4.0,1.0,0.5,0.5,2,2017-01-05 19:52:25\n"
                                      "437,363,31,999999,0,4.440892e-16,0,0,0,2,2017-01-05 19:52:25\n";
    const auto file = read_complete_journey(pieces(text), 0, no_progress);
    REQUIRE(file);
    CHECK(file->lines_left_out == 1);
    const ReplaySale& sale = file->sales[0];
    CHECK(sale.total() == 400);
    CHECK(sale.voucher == 50);
    CHECK(sale.customer == "HH0437");
    CHECK(sale.lines[0].unit_price == 275);
    CHECK(sale.lines[0].discounts.size() == 2);
}

TEST_CASE("the whole Online Retail sample reads and links") {
    const std::filesystem::path input = std::filesystem::path(MUDI_SOURCE_DIR) / ".." / "shared" / "data" /
                                        "retail" / "onlineretail_dev.csv.gz";
    if (!std::filesystem::exists(input)) {
        WARN("no data set beside the project: skipped");
        return;
    }
    auto opened = ReplayInput::open(input.string());
    REQUIRE(opened);
    const auto file = read_online_retail([&] { return opened->piece(); }, 0, no_progress);
    REQUIRE(file);
    // Counted independently with awk over the same file.
    const ReplayFigures figures = figures_of(file->sales);
    CHECK(figures.transactions == 16'718);
    CHECK(figures.lines == 371'743);
    CHECK(figures.returns == 2'314);
    CHECK(figures.adjustments == 1'339);
    CHECK(file->returns_linked > 0);
}
