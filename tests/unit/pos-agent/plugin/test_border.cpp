#include <cstring>
#include <thread>
#include <vector>

#include "pos-agent/plugin/structs.hpp"
#include "pos_fixture.hpp"

using namespace mudi::test;

extern "C" int header_in_c(void);

TEST_CASE("the header works in C99", "[pos]") { CHECK(header_in_c() == 0); }

namespace {

void check_all_refused(const std::vector<mudi_rc>& calls) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
        INFO("call " << i);
        CHECK(calls[i] == MUDI_E_ARG);
    }
}

} // namespace

TEST_CASE("a NULL handle is refused by every function", "[pos]") {
    mudi_txn* other = nullptr;
    const mudi_line line = tea();
    const auto totals = sized<mudi_totals>();
    const auto tender = sized<mudi_tender_info>();
    const auto info = sized<mudi_return_info>();
    std::size_t n = 1;
    char* out = nullptr;
    check_all_refused({mudi_open(nullptr, nullptr),
                       mudi_txn_begin(nullptr, "2", nullptr, &other),
                       mudi_txn_suspend(nullptr),
                       mudi_txn_resume(nullptr, "2", &other),
                       mudi_identify(nullptr, MUDI_ID_CARD, "1", nullptr, 0),
                       mudi_identify_clear(nullptr),
                       mudi_line_set(nullptr, "a", &line),
                       mudi_line_void(nullptr, "a"),
                       mudi_basket_set(nullptr, &line, 1, 0),
                       mudi_offers(nullptr, nullptr, &n, 0),
                       mudi_offer_apply(nullptr, "a", nullptr, &n),
                       mudi_offer_take_back(nullptr, "a"),
                       mudi_redeem(nullptr, 1, nullptr, &n),
                       mudi_release(nullptr, "a"),
                       mudi_tender(nullptr, &tender),
                       mudi_tenders_clear(nullptr),
                       mudi_complete(nullptr, &totals, nullptr),
                       mudi_cancel(nullptr, nullptr),
                       mudi_return(nullptr, "2", &info, &line, 1),
                       mudi_post_void(nullptr, "1"),
                       mudi_call(nullptr, "GET /", nullptr, &out),
                       mudi_dispatch(nullptr)});
    mudi_on(nullptr, nullptr, nullptr);
    CHECK(mudi_fd(nullptr) == -1);
    mudi_txn_close(nullptr);
    mudi_close(nullptr);
    mudi_free(nullptr);
}

TEST_CASE("a NULL where something must be is refused", "[pos]") {
    PosFixture till;
    mudi_txn* txn = till.begin("1");
    mudi_txn* other = nullptr;
    const mudi_line line = tea();
    const auto info = sized<mudi_return_info>();
    std::size_t n = 1;
    char* out = nullptr;
    check_all_refused({mudi_txn_begin(till.pos, nullptr, nullptr, &other),
                       mudi_txn_begin(till.pos, "2", nullptr, nullptr),
                       mudi_txn_resume(till.pos, nullptr, &other),
                       mudi_txn_resume(till.pos, "2", nullptr),
                       mudi_identify(txn, MUDI_ID_CARD, nullptr, nullptr, 0),
                       mudi_line_set(txn, nullptr, &line),
                       mudi_line_set(txn, "a", nullptr),
                       mudi_line_void(txn, nullptr),
                       mudi_basket_set(txn, nullptr, 1, 0),
                       mudi_offers(txn, nullptr, nullptr, 0),
                       mudi_offers(txn, nullptr, &n, 0),
                       mudi_offer_apply(txn, nullptr, nullptr, &n),
                       mudi_offer_apply(txn, "a", nullptr, nullptr),
                       mudi_offer_take_back(txn, nullptr),
                       mudi_redeem(txn, 1, nullptr, nullptr),
                       mudi_release(txn, nullptr),
                       mudi_tender(txn, nullptr),
                       mudi_complete(txn, nullptr, nullptr),
                       mudi_return(till.pos, nullptr, &info, &line, 1),
                       mudi_return(till.pos, "2", nullptr, &line, 1),
                       mudi_return(till.pos, "2", &info, nullptr, 1),
                       mudi_post_void(till.pos, nullptr),
                       mudi_call(till.pos, nullptr, nullptr, &out),
                       mudi_call(till.pos, "GET /", nullptr, nullptr)});
    CHECK(till.spooled().empty());
}

TEST_CASE("a struct whose size is not set is refused", "[pos]") {
    PosFixture till;
    mudi_txn* txn = till.begin("1");
    mudi_line line = tea();
    line.size = 0;
    CHECK(mudi_basket_set(txn, &line, 1, 5200) == MUDI_E_ARG);
    CHECK(code() == "arg.size");
    line.size = 0xCCCCCCCC;
    CHECK(mudi_line_set(txn, "a", &line) == MUDI_E_ARG);
    mudi_receipt receipt{};
    auto totals = sized<mudi_totals>();
    CHECK(mudi_complete(txn, &totals, &receipt) == MUDI_E_ARG);
    CHECK(till.spooled().empty());
}

TEST_CASE(
    "a struct of an older host is taken with its missing fields as 0, and filled no further than it reaches",
    "[pos]") {
    PosFixture till;
    mudi_txn* txn = till.begin("1");
    // Two elements of a version that ended before `tax`.
    constexpr std::size_t old_size = offsetof(mudi_line, tax);
    alignas(mudi_line) char lines[2 * old_size];
    for (int i = 0; i < 2; ++i) {
        mudi_line line = tea();
        line.has_unit_price = 1;
        line.discount = 77;
        line.size = old_size;
        std::memcpy(lines + static_cast<std::size_t>(i) * old_size, &line, old_size);
    }
    REQUIRE(mudi_basket_set(txn, reinterpret_cast<const mudi_line*>(lines), 2, 10400) == MUDI_PENDING);

    constexpr std::size_t short_size = offsetof(mudi_receipt, points_earned);
    auto totals = sized<mudi_totals>();
    totals.total = 10400;
    mudi_receipt receipt{};
    std::memset(&receipt, 0x5A, sizeof receipt);
    receipt.size = short_size;
    REQUIRE(mudi_complete(txn, &totals, &receipt) == MUDI_PENDING);
    CHECK(receipt.size == short_size);
    CHECK(receipt.total == 10400);
    CHECK(receipt.number[0] == 0x5A);

    const auto sale = till.spooled_document(0);
    REQUIRE(sale["lines"].size() == 2);
    CHECK(sale["lines"][1]["amount"] == 5200);
    CHECK_FALSE(sale["lines"][1].contains("discounts"));
    CHECK_FALSE(sale["lines"][1].contains("unit_price"));
}

TEST_CASE("a struct of a newer host is taken without the fields we do not know, and those stay as they were",
          "[pos]") {
    PosFixture till;
    struct Newer {
        mudi_line known;
        std::int64_t appended[4];
    };
    mudi_txn* txn = till.begin("1");
    Newer lines[2] = {{tea("a"), {7, 7, 7, 7}}, {tea("b"), {7, 7, 7, 7}}};
    for (Newer& line : lines) line.known.size = sizeof line;
    REQUIRE(mudi_basket_set(txn, &lines[0].known, 2, 10400) == MUDI_PENDING);

    struct NewerReceipt {
        mudi_receipt known;
        std::int64_t appended;
    } receipt{};
    receipt.known.size = sizeof receipt;
    receipt.appended = 4711;
    auto totals = sized<mudi_totals>();
    totals.total = 10400;
    REQUIRE(mudi_complete(txn, &totals, &receipt.known) == MUDI_PENDING);
    CHECK(receipt.known.size == sizeof receipt);
    CHECK(receipt.appended == 4711);
    CHECK(std::string(receipt.known.number) == "1");
    CHECK(till.spooled_document(0)["lines"].size() == 2);
}

TEST_CASE("texts that do not fit are cut between characters and always end", "[pos]") {
    char out[8];
    mudi::pos::copy_text(out, "abcdefgh");
    CHECK(std::string(out) == "abcdefg");
    mudi::pos::copy_text(out, "কমলা"); // three bytes a character
    CHECK(std::string(out) == "কম");
    mudi::pos::copy_text(out, "abcde\xC3\xA9");
    CHECK(std::string(out) == "abcde\xC3\xA9");
    mudi::pos::copy_text(out, "abcdef\xC3\xA9");
    CHECK(std::string(out) == "abcdef");
    mudi::pos::copy_text(out, std::string_view("a\0b", 3));
    CHECK(std::string(out) == "a");
    mudi::pos::copy_text(out, "");
    CHECK(std::string(out).empty());
}

TEST_CASE("what cannot go into a document is refused where it comes in", "[pos]") {
    PosFixture till;
    mudi_txn* txn = nullptr;
    const std::string long_number(65, '7');
    CHECK(mudi_txn_begin(till.pos, "", nullptr, &txn) == MUDI_E_ARG);
    CHECK(code() == "arg.number");
    CHECK(mudi_txn_begin(till.pos, long_number.c_str(), nullptr, &txn) == MUDI_E_ARG);
    CHECK(mudi_txn_begin(till.pos, "a\nb", nullptr, &txn) == MUDI_E_ARG);
    auto info = sized<mudi_txn_info>();
    info.business_day = "2026-02-30";
    CHECK(mudi_txn_begin(till.pos, "1", &info, &txn) == MUDI_E_ARG);
    CHECK(code() == "arg.day");
    CHECK(txn == nullptr);

    txn = till.begin("1");
    mudi_line line = tea();
    line.description = "\xff\xfe";
    CHECK(mudi_line_set(txn, "a", &line) == MUDI_E_ARG);
    CHECK(code() == "arg.utf8");
    const mudi_line twice[2] = {tea("a"), tea("a")};
    CHECK(mudi_basket_set(txn, twice, 2, 10400) == MUDI_E_ARG);
    CHECK(code() == "arg.line_id");
    auto tender = sized<mudi_tender_info>();
    tender.kind = 99;
    CHECK(mudi_tender(txn, &tender) == MUDI_E_ARG);
    CHECK(mudi_identify(txn, static_cast<mudi_id_kind>(7), "1", nullptr, 0) == MUDI_E_ARG);

    mudi_pos* pos = nullptr;
    auto config = sized<mudi_config>();
    const std::string deep(200, 'x');
    config.socket_path = deep.c_str();
    CHECK(mudi_open(&config, &pos) == MUDI_E_ARG);
    CHECK(pos == nullptr);
    config.socket_path = nullptr;
    for (const char* wrong : {"5:30", "+0530", "+99:00", "+05:77", "IST"}) {
        config.utc_offset = wrong;
        CHECK(mudi_open(&config, &pos) == MUDI_E_ARG);
    }
}

TEST_CASE("the last error belongs to the thread that made it", "[pos]") {
    PosFixture till;
    CHECK(mudi_post_void(till.pos, "") == MUDI_E_ARG);
    std::string elsewhere = "?";
    std::thread([&] { elsewhere = mudi_last_error_code(till.pos); }).join();
    CHECK(elsewhere.empty());
    CHECK(code() == "arg.number");
    CHECK_FALSE(std::string(mudi_last_error(till.pos)).empty());
    till.begin("1");
    CHECK(code() == "http.connect"); // pending says why, too
    mudi_pos* pos = nullptr;
    REQUIRE(mudi_open(nullptr, &pos) == MUDI_OK);
    CHECK(code().empty());
    mudi_close(pos);
}

TEST_CASE("every return code has its words", "[pos]") {
    for (int rc = MUDI_E_NOMEM; rc <= MUDI_STALE; ++rc) {
        CHECK(std::string(mudi_strerror(static_cast<mudi_rc>(rc))) != mudi_strerror(static_cast<mudi_rc>(7)));
    }
}
