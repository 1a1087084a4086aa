#include <atomic>
#include <chrono>
#include <thread>

#include <sys/stat.h>

#include "pos_fixture.hpp"

using namespace mudi::test;

namespace {

std::chrono::milliseconds since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

std::size_t threads() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/task")) ++count;
    return count;
}

} // namespace

TEST_CASE("without an agent identify fails at once", "[pos]") {
    PosFixture till;
    mudi_txn* txn = till.begin("1");
    auto customer = sized<mudi_customer>();
    const auto start = std::chrono::steady_clock::now();
    CHECK(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", &customer, 0) == MUDI_E_AGENT);
    CHECK(since(start).count() < MUDI_TIMEOUT_DEFAULT_MS);
    CHECK(code() == "http.connect");
    CHECK(customer.found == 0);
}

TEST_CASE("without an agent a sale goes whole to the spool folder", "[pos]") {
    PosFixture till;
    mudi_txn* txn = till.begin("A/1 ক");
    CHECK(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", nullptr, 0) == MUDI_E_AGENT);
    ring_up(txn);
    mudi_receipt receipt;
    REQUIRE(complete(txn, receipt) == MUDI_PENDING);
    CHECK(receipt.saved == 0);
    CHECK(std::string(receipt.number) == "A/1 ক");
    CHECK(std::string(receipt.event).size() == 32);

    const auto files = till.spooled();
    REQUIRE(files.size() == 1);
    CHECK(files[0].extension() == ".json");
    struct stat facts {};
    REQUIRE(::stat(files[0].c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07) == 0); // a customer's number is in it
    const auto sale = till.spooled_document(0);
    CHECK(sale["number"] == "A/1 ক");
    CHECK(sale["event_id"] == receipt.event);
    CHECK(sale["business_day"] == receipt.business_day);
    CHECK(sale["customer"] == nlohmann::json{{"kind", "card"}, {"value", "2900000000018"}});
    CHECK(sale["lines"][0]["description"] == "চা পাতা");
    CHECK(sale["tenders"] == nlohmann::json::parse(R"([{"kind":"upi","amount":5200}])"));
    CHECK(sale["total"] == 5200);
    CHECK(sale["end_us"] >= sale["begin_us"]);
}

TEST_CASE("completing again while the agent is away spools nothing more", "[pos]") {
    PosFixture till;
    mudi_txn* txn = till.begin("1");
    ring_up(txn);
    mudi_receipt first;
    mudi_receipt second;
    REQUIRE(complete(txn, first) == MUDI_PENDING);
    REQUIRE(complete(txn, second) == MUDI_PENDING);
    CHECK(std::string(first.event) == second.event);
    CHECK(till.spooled().size() == 1);
    const mudi_line line = tea();
    CHECK(mudi_basket_set(txn, &line, 1, 5200) == MUDI_E_STATE);
    CHECK(code() == "txn.completed");
}

TEST_CASE("spooled files sort in the order they were written", "[pos]") {
    PosFixture till;
    for (int i = 0; i < 20; ++i) {
        mudi_txn* txn = till.begin(std::to_string(i));
        ring_up(txn);
        mudi_receipt receipt;
        REQUIRE(complete(txn, receipt) == MUDI_PENDING);
        mudi_txn_close(txn);
    }
    REQUIRE(till.spooled().size() == 20);
    for (std::size_t i = 0; i < 20; ++i) CHECK(till.spooled_document(i)["number"] == std::to_string(i));
}

TEST_CASE("a sale that neither agent nor spool takes is said so, and taken when it can be", "[pos]") {
    PosFixture till;
    std::ofstream(till.spool) << "in the way";
    mudi_txn* txn = till.begin("1");
    ring_up(txn);
    mudi_receipt receipt;
    CHECK(complete(txn, receipt) == MUDI_E_AGENT);
    CHECK(code() == "spool.write");
    std::filesystem::remove(till.spool);
    CHECK(complete(txn, receipt) == MUDI_PENDING);
    CHECK(till.spooled().size() == 1);
}

TEST_CASE("an identifier that no agent has seen reaches the disk only when it is beyond doubt", "[pos]") {
    const auto [kind, value, kept] = GENERATE(table<mudi_id_kind, std::string, bool>({
        {MUDI_ID_CARD, "2900000000018", true},
        {MUDI_ID_CARD, "2900000000019", false},       // check digit
        {MUDI_ID_CARD, "4111 1111 1111 1111", false}, // a bank card
        {MUDI_ID_MSR, ";4111111111111111=29121010000000000000?", false},
        {MUDI_ID_PHONE, "98300 12345", true},
        {MUDI_ID_PHONE, "+919830012345", true},
        {MUDI_ID_PHONE, "4111111111111111", false},
        {MUDI_ID_QR, "MUDI1.2900000000018.0.abc", false},
    }));
    INFO(value);
    PosFixture till;
    mudi_txn* txn = till.begin("1");
    CHECK(mudi_identify(txn, kind, value.c_str(), nullptr, 0) == MUDI_E_AGENT);
    ring_up(txn);
    mudi_receipt receipt;
    REQUIRE(complete(txn, receipt) == MUDI_PENDING);
    CHECK(till.spooled_document(0).contains("customer") == kept);
}

TEST_CASE("lines set, changed and voided one by one make the basket", "[pos]") {
    PosFixture till;
    mudi_txn* txn = till.begin("1");
    mudi_line line = tea();
    CHECK(mudi_line_set(txn, "milk", &line) == MUDI_PENDING);
    CHECK(mudi_line_set(txn, "tea", &line) == MUDI_PENDING);
    CHECK(mudi_line_set(txn, "rice", &line) == MUDI_PENDING);
    CHECK(mudi_line_void(txn, "milk") == MUDI_PENDING);
    CHECK(mudi_line_void(txn, "milk") == MUDI_NOT_FOUND);
    line.quantity = 2000;
    line.amount = 10400;
    CHECK(mudi_line_set(txn, "tea", &line) == MUDI_PENDING);
    mudi_receipt receipt;
    REQUIRE(complete(txn, receipt, 15600) == MUDI_PENDING);
    const auto lines = till.spooled_document(0)["lines"];
    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["line"] == 2);
    CHECK(lines[0]["quantity"] == 2000);
    CHECK(lines[1]["line"] == 3);
}

TEST_CASE("suspended without an agent, a sale is kept here and taken up again", "[pos]") {
    PosFixture till;
    mudi_txn* txn = till.begin("1");
    ring_up(txn);
    CHECK(mudi_txn_suspend(txn) == MUDI_PENDING);
    CHECK(mudi_identify_clear(txn) == MUDI_E_STATE);
    mudi_txn_close(txn);
    REQUIRE(mudi_txn_resume(till.pos, "1", &txn) == MUDI_PENDING);
    mudi_receipt receipt;
    REQUIRE(complete(txn, receipt) == MUDI_PENDING);
    CHECK(till.spooled_document(0)["lines"].size() == 1);
    CHECK(mudi_txn_resume(till.pos, "2", &txn) == MUDI_E_AGENT);
}

TEST_CASE("the same number gives the same handle, and a completed one none", "[pos]") {
    PosFixture till;
    mudi_txn* txn = till.begin("1");
    CHECK(till.begin("1") == txn);
    CHECK(till.begin("2") != txn);
    mudi_receipt receipt;
    REQUIRE(complete(txn, receipt, 0) == MUDI_PENDING);
    mudi_txn* again = nullptr;
    CHECK(mudi_txn_begin(till.pos, "1", nullptr, &again) == MUDI_E_STATE);
}

TEST_CASE("a return is spooled once however often it is said", "[pos]") {
    PosFixture till;
    auto info = sized<mudi_return_info>();
    info.refund_kind = MUDI_TENDER_CASH;
    info.original_number = "17";
    info.original_day = "2026-11-20";
    mudi_line line = tea();
    line.original_line = 1;
    REQUIRE(mudi_return(till.pos, "R-1", &info, &line, 1) == MUDI_PENDING);
    REQUIRE(mudi_return(till.pos, "R-1", &info, &line, 1) == MUDI_PENDING);
    REQUIRE(till.spooled().size() == 1);
    const auto document = till.spooled_document(0);
    CHECK(document["kind"] == "return");
    CHECK(document["total"] == -5200);
    CHECK(document["tenders"] == nlohmann::json::parse(R"([{"kind":"cash","amount":-5200}])"));
    CHECK(document["lines"][0]["type"] == "return");
    CHECK(document["lines"][0]["original"]["number"] == "17");
    CHECK(document["event_id"].get<std::string>().size() == 32);
}

TEST_CASE("the business day is the shop's, not that of UTC", "[pos]") {
    PosFixture till;
    auto info = sized<mudi_txn_info>();
    info.begin_us = 1'795'289'399'000'000; // 2026-11-21 19:29:59 UTC, 00:59:59 in India
    mudi_txn* txn = nullptr;
    REQUIRE(mudi_txn_begin(till.pos, "1", &info, &txn) == MUDI_PENDING);
    mudi_receipt receipt;
    REQUIRE(complete(txn, receipt, 0) == MUDI_PENDING);
    CHECK(std::string(receipt.business_day) == "2026-11-22");
    CHECK(till.spooled_document(0)["begin_us"] == info.begin_us);
}

TEST_CASE("the library has no thread of its own", "[pos]") {
    const std::size_t before = threads();
    PosFixture till;
    mudi_on(
        till.pos, [](const mudi_event*, void*) {}, nullptr);
    mudi_txn* txn = till.begin("1");
    ring_up(txn);
    CHECK(mudi_dispatch(till.pos) == MUDI_OK);
    CHECK(threads() == before);
}

TEST_CASE("threads with sales of their own share one handle", "[pos]") {
    PosFixture till;
    std::vector<std::thread> threads;
    std::atomic<int> pending{0};
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            for (int i = 0; i < 5; ++i) {
                const std::string number = std::to_string(thread) + "-" + std::to_string(i);
                mudi_txn* txn = nullptr;
                if (mudi_txn_begin(till.pos, number.c_str(), nullptr, &txn) < 0) return;
                mudi_txn_suspend(txn);
                mudi_txn_close(txn);
                if (mudi_txn_resume(till.pos, number.c_str(), &txn) < 0) return;
                mudi_receipt receipt;
                pending += complete(txn, receipt, 0) == MUDI_PENDING && receipt.number == number ? 1 : 0;
                mudi_txn_close(txn);
                mudi_dispatch(till.pos);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(pending == 20);
    CHECK(till.spooled().size() == 20);
}
