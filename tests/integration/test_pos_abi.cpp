#include <atomic>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "till_process.hpp"
#include "unit/pos-agent/plugin/pos_fixture.hpp"

extern char** environ;

/// libmudi-pos.so against a real agent.
using namespace mudi;
using namespace mudi::test;

namespace {

struct Shop {
    explicit Shop(bool started = true) {
        std::filesystem::create_directories(till.data());
        if (started) till.start();
        pos = open();
    }
    Shop(const Shop&) = delete;
    Shop& operator=(const Shop&) = delete;
    ~Shop() { mudi_close(pos); }

    mudi_pos* open() const {
        const std::string socket = till.socket();
        const std::string spool = till.file("spool");
        auto config = sized<mudi_config>();
        config.socket_path = socket.c_str();
        config.spool_dir = spool.c_str();
        config.timeout_ms = 2000; // a busy machine
        mudi_pos* handle = nullptr;
        REQUIRE(mudi_open(&config, &handle) == MUDI_OK);
        return handle;
    }
    mudi_txn* begin(const std::string& number, mudi_rc expected = MUDI_OK) {
        mudi_txn* txn = nullptr;
        REQUIRE(mudi_txn_begin(pos, number.c_str(), nullptr, &txn) == expected);
        return txn;
    }
    void restart() {
        till.stop(SIGKILL);
        till.start();
    }
    std::int64_t captured() const { return till.ask("GET", "/v1/status")["captured"]; }
    /// The agent takes its spool by itself; this waits until it has.
    void wait_for_spool() const {
        const auto spooled = [&] {
            for (const auto& entry : std::filesystem::directory_iterator(till.file("spool"))) {
                if (entry.path().extension() == ".json") return true;
            }
            return false;
        };
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
        while (spooled() && std::chrono::steady_clock::now() < end) till.ask("GET", "/v1/status");
        REQUIRE_FALSE(spooled());
        CHECK(till.ask("GET", "/v1/status")["spool_refused"] == 0);
    }
    std::string event_of(const std::string& day, const std::string& number) const {
        return till.ask("GET", "/v1/receipts/" + day + "/" + number)["event"];
    }

    TillProcess till;
    mudi_pos* pos{nullptr};
};

/// examples/pos_c with its ends in our hands.
class ExampleTill {
public:
    ExampleTill(const TillProcess& till, std::vector<std::string> more) {
        std::vector<std::string> words{MUDI_POS_C, "--socket", till.socket(), "--spool", till.file("spool")};
        words.insert(words.end(), more.begin(), more.end());
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        int in[2];
        int out[2];
        REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
        REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
        ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
        REQUIRE(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) == 0);
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(in[0]);
        ::close(out[1]);
        in_ = in[1];
        out_ = ::fdopen(out[0], "r");
    }
    ExampleTill(const ExampleTill&) = delete;
    ExampleTill& operator=(const ExampleTill&) = delete;
    ~ExampleTill() {
        ::fclose(out_);
        ::close(in_);
        if (pid_ > 0) wait();
    }

    void say(const std::string& command) {
        const std::string line = command + "\n";
        REQUIRE(::write(in_, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    }
    struct Receipt {
        std::string number;
        int rc{};
        std::string event;
        std::int64_t total{};
    };
    /// The next receipt among the lines; none at the end.
    std::optional<Receipt> receipt() {
        char line[256];
        while (std::fgets(line, sizeof line, out_) != nullptr) {
            char number[64];
            char word[16];
            char event[64];
            Receipt read;
            long long total = 0;
            if (std::sscanf(line, "%63s %d %15s %63s %lld", number, &read.rc, word, event, &total) != 5)
                continue;
            if (std::string(word) != "saved" && std::string(word) != "pending" &&
                std::string(word) != "refused")
                continue;
            read.number = number;
            read.event = event;
            read.total = total;
            return read;
        }
        return std::nullopt;
    }
    int wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

private:
    pid_t pid_{-1};
    int in_{-1};
    FILE* out_{nullptr};
};

void check_each_saved_once(const Shop& shop, const std::vector<ExampleTill::Receipt>& receipts) {
    shop.wait_for_spool();
    std::set<std::string> events;
    const std::string day = shop.till.ask("PUT", "/v1/txn/day")["business_day"];
    for (const ExampleTill::Receipt& receipt : receipts) {
        INFO(receipt.number);
        CHECK((receipt.rc == MUDI_OK || receipt.rc == MUDI_PENDING));
        const auto saved = shop.till.ask("GET", "/v1/receipts/" + day + "/" + receipt.number);
        CHECK(saved["event"] == receipt.event);
        CHECK(saved["total"] == receipt.total);
        events.insert(receipt.event);
    }
    CHECK(events.size() == receipts.size());
    CHECK(shop.captured() == static_cast<std::int64_t>(receipts.size()));
}

} // namespace

TEST_CASE("a sale rung up through the library is saved and gives its receipt", "[pos]") {
    Shop shop;
    mudi_txn* txn = shop.begin("T/1 ক");
    CHECK(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", nullptr, 0) == MUDI_NOT_FOUND);
    CHECK(code() == "customer.unknown");
    CHECK(mudi_identify(txn, MUDI_ID_CARD, "4111111111111111", nullptr, 0) == MUDI_E_ARG);
    CHECK(code() == "card.bank_card");
    ring_up(txn);
    std::size_t n = 0;
    CHECK(mudi_offers(txn, nullptr, &n, 0) == MUDI_OK);
    CHECK(n == 0);
    CHECK(mudi_offer_apply(txn, "0123456789abcdef0123456789abcdef", nullptr, &n) == MUDI_NOT_FOUND);
    CHECK(mudi_redeem(txn, 40, nullptr, &n) == MUDI_E_ARG);
    CHECK(code() == "redeem.customer");

    mudi_receipt receipt;
    REQUIRE(complete(txn, receipt) == MUDI_OK);
    CHECK(receipt.saved == 1);
    CHECK(receipt.repeated == 0);
    CHECK(receipt.total == 5200);
    CHECK(std::string(receipt.number) == "T/1 ক");
    CHECK(std::string(receipt.store) == "KOL01");
    CHECK(std::string(receipt.workstation) == "2");
    CHECK(std::string(receipt.currency) == "INR");
    CHECK(shop.captured() == 1);

    mudi_receipt again;
    REQUIRE(complete(txn, again) == MUDI_OK);
    CHECK(again.repeated == 1);
    CHECK(std::string(again.event) == receipt.event);
    mudi_txn_close(txn);
    mudi_txn* other = nullptr;
    CHECK(mudi_txn_begin(shop.pos, "T/1 ক", nullptr, &other) == MUDI_E_STATE);
    CHECK(shop.captured() == 1);
}

TEST_CASE("a refused sale says why, and can be corrected", "[pos]") {
    Shop shop;
    mudi_txn* txn = shop.begin("1");
    ring_up(txn);
    mudi_receipt receipt;
    CHECK(complete(txn, receipt, 5300) == MUDI_E_ARG);
    CHECK(code() == "sale.total_mismatch");
    CHECK_FALSE(std::string(mudi_last_error(shop.pos)).empty());
    CHECK(shop.captured() == 0);
    mudi_line broken = tea("x");
    broken.quantity = 0;
    CHECK(mudi_line_set(txn, "x", &broken) == MUDI_E_ARG);
    CHECK(code() == "line.quantity");
    CHECK(complete(txn, receipt) == MUDI_OK);
    CHECK(shop.captured() == 1);
}

TEST_CASE("a sale spooled without an agent is saved exactly once when it starts", "[pos]") {
    Shop shop(false);
    mudi_txn* txn = shop.begin("1", MUDI_PENDING);
    mudi_identify(txn, MUDI_ID_PHONE, "9830012345", nullptr, 0);
    ring_up(txn);
    mudi_receipt pending;
    REQUIRE(complete(txn, pending) == MUDI_PENDING);
    shop.till.start();
    shop.wait_for_spool();
    CHECK(shop.event_of(pending.business_day, "1") == pending.event);
    CHECK(shop.captured() == 1);
    mudi_receipt receipt;
    REQUIRE(complete(txn, receipt) == MUDI_OK);
    CHECK(receipt.repeated == 1);
    CHECK(std::string(receipt.event) == pending.event);
    CHECK(shop.captured() == 1);
}

TEST_CASE("a complete that timed out although the agent took it is saved once", "[pos]") {
    Shop shop;
    mudi_txn* txn = shop.begin("1");
    ring_up(txn);
    shop.till.signal(SIGSTOP);
    mudi_receipt pending;
    CHECK(complete(txn, pending) == MUDI_PENDING); // the call waits in the socket, the document in the spool
    CHECK(code() == "http.timeout");
    shop.till.signal(SIGCONT);
    shop.wait_for_spool();
    CHECK(shop.event_of(pending.business_day, "1") == pending.event);
    CHECK(shop.captured() == 1);
}

TEST_CASE("an agent killed in the middle of a sale costs nothing", "[pos]") {
    Shop shop;
    mudi_txn* txn = shop.begin("1");
    CHECK(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", nullptr, 0) == MUDI_NOT_FOUND);
    const mudi_line lines[2] = {tea("a"), tea("b")};
    REQUIRE(mudi_basket_set(txn, lines, 2, 10400) == MUDI_OK);
    shop.restart();
    auto tender = sized<mudi_tender_info>();
    tender.kind = MUDI_TENDER_CASH;
    tender.amount = 10400;
    CHECK(mudi_tender(txn, &tender) == MUDI_OK);
    const auto open = shop.till.ask("GET", "/v1/txn/1");
    CHECK(open["identified"] == true);
    CHECK(open["lines"].size() == 2);
    CHECK(open["tenders"].size() == 1);
    shop.restart();
    mudi_receipt receipt;
    CHECK(complete(txn, receipt, 10400) == MUDI_OK);
    CHECK(shop.captured() == 1);
}

TEST_CASE("a sale suspended by one process is taken up by another, over a restart of the agent", "[pos]") {
    Shop shop;
    mudi_txn* txn = shop.begin("1");
    ring_up(txn);
    REQUIRE(mudi_txn_suspend(txn) == MUDI_OK);
    mudi_close(shop.pos);
    shop.restart();
    shop.pos = shop.open();
    CHECK(mudi_txn_resume(shop.pos, "2", &txn) == MUDI_NOT_FOUND);
    REQUIRE(mudi_txn_resume(shop.pos, "1", &txn) == MUDI_OK);
    mudi_receipt receipt;
    REQUIRE(complete(txn, receipt) == MUDI_OK);
    CHECK(receipt.total == 5200);
    CHECK(mudi_txn_resume(shop.pos, "1", &txn) == MUDI_E_STATE);
}

TEST_CASE("goods come back, sales are undone and baskets cancelled", "[pos]") {
    Shop shop;
    mudi_txn* txn = shop.begin("1");
    ring_up(txn);
    mudi_receipt sold;
    REQUIRE(complete(txn, sold) == MUDI_OK);

    auto info = sized<mudi_return_info>();
    info.refund_kind = MUDI_TENDER_CASH;
    info.original_number = "1";
    info.original_day = sold.business_day;
    mudi_line line = tea();
    line.original_line = 1;
    CHECK(mudi_return(shop.pos, "R-1", &info, &line, 1) == MUDI_OK);
    CHECK(mudi_return(shop.pos, "R-1", &info, &line, 1) == MUDI_OK);
    CHECK(shop.captured() == 2);
    CHECK(mudi_return(shop.pos, "R-2", &info, &line, 1) == MUDI_E_ARG);
    CHECK(code() == "return.quantity");
    CHECK(mudi_post_void(shop.pos, "1") == MUDI_E_STATE);
    CHECK(code() == "void.returned");

    txn = shop.begin("2");
    ring_up(txn);
    REQUIRE(complete(txn, sold) == MUDI_OK);
    CHECK(mudi_post_void(shop.pos, "2") == MUDI_OK);
    CHECK(mudi_post_void(shop.pos, "2") == MUDI_OK);
    CHECK(mudi_post_void(shop.pos, "3") == MUDI_NOT_FOUND);
    CHECK(shop.captured() == 4);

    txn = shop.begin("3");
    ring_up(txn);
    CHECK(mudi_cancel(txn, "customer left") == MUDI_OK);
    CHECK(complete(txn, sold) == MUDI_E_STATE);
    CHECK(shop.captured() == 4);
}

TEST_CASE("the generic door carries any call", "[pos]") {
    Shop shop;
    char* out = nullptr;
    REQUIRE(mudi_call(shop.pos, "GET /v1/hello", nullptr, &out) == MUDI_OK);
    CHECK(nlohmann::json::parse(out)["abi"] == mudi_abi());
    mudi_free(out);
    REQUIRE(mudi_call(shop.pos, "POST /v1/complete", small_sale("9").dump().c_str(), &out) == MUDI_OK);
    CHECK(nlohmann::json::parse(out)["saved"] == true);
    mudi_free(out);
    CHECK(mudi_call(shop.pos, "POST /v1/complete", "{", &out) == MUDI_E_ARG);
    CHECK(code() == "json.syntax");
    mudi_free(out);
    CHECK(mudi_call(shop.pos, "hello", nullptr, &out) == MUDI_E_ARG);
    CHECK(out == nullptr);
}

TEST_CASE("four threads sell under one handle", "[pos]") {
    Shop shop;
    constexpr int each = 10;
    std::atomic<int> saved{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            for (int i = 0; i < each; ++i) {
                const std::string number = std::to_string(thread) + "-" + std::to_string(i);
                mudi_txn* txn = nullptr;
                if (mudi_txn_begin(shop.pos, number.c_str(), nullptr, &txn) < 0) return;
                const mudi_line line = tea();
                mudi_basket_set(txn, &line, 1, 5200);
                auto tender = sized<mudi_tender_info>();
                tender.kind = MUDI_TENDER_CASH;
                tender.amount = 5200;
                mudi_tender(txn, &tender);
                auto totals = sized<mudi_totals>();
                totals.total = 5200;
                auto receipt = sized<mudi_receipt>();
                if (mudi_complete(txn, &totals, &receipt) >= 0 && receipt.number == number) ++saved;
                mudi_txn_close(txn);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(saved == 4 * each);
    shop.wait_for_spool();
    CHECK(shop.captured() == 4 * each);
}

TEST_CASE("events come only inside mudi_dispatch, and go on over a restart of the agent", "[pos]") {
    Shop shop;
    struct Seen {
        std::thread::id thread;
        std::map<int, int> types;
        std::vector<std::string> names;
    } seen;
    mudi_on(
        shop.pos,
        [](const mudi_event* event, void* user) {
            auto& to = *static_cast<Seen*>(user);
            to.thread = std::this_thread::get_id();
            ++to.types[event->type];
            to.names.emplace_back(event->name);
        },
        &seen);
    const int descriptor = mudi_fd(shop.pos);
    REQUIRE(descriptor >= 0);
    const auto until = [&](const auto& done) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
        while (!done() && std::chrono::steady_clock::now() < end) {
            pollfd ready{descriptor, POLLIN, 0};
            if (::poll(&ready, 1, 1000) > 0) CHECK(mudi_dispatch(shop.pos) == MUDI_OK);
        }
        REQUIRE(done());
    };
    const auto heard = [&](const std::string& name) {
        return std::count(seen.names.begin(), seen.names.end(), name);
    };

    until([&] { return seen.types[MUDI_EVENT_AGENT_UP] == 1; });
    const std::size_t before = seen.names.size();
    mudi_txn* txn = shop.begin("1");
    CHECK(mudi_identify(txn, MUDI_ID_CARD, "2900000000018", nullptr, 0) == MUDI_NOT_FOUND);
    ring_up(txn);
    mudi_receipt receipt;
    REQUIRE(complete(txn, receipt) == MUDI_OK);
    CHECK(seen.names.size() == before); // nothing without dispatch
    until([&] { return heard("completed") == 1; });
    CHECK(seen.types[MUDI_EVENT_CARD_SCANNED] == 1);
    CHECK(seen.thread == std::this_thread::get_id());

    shop.till.stop(SIGKILL);
    until([&] { return seen.types[MUDI_EVENT_AGENT_DOWN] == 1; });
    shop.till.start();
    until([&] { return seen.types[MUDI_EVENT_AGENT_UP] == 2; });
    CHECK(mudi_fd(shop.pos) == descriptor);
    txn = shop.begin("2");
    ring_up(txn);
    REQUIRE(complete(txn, receipt) == MUDI_OK);
    until([&] { return heard("completed") == 2; });
    CHECK(seen.types[MUDI_EVENT_AGENT_DOWN] == 1);
}

TEST_CASE("the example till loses and doubles nothing while its agent is killed and started twice", "[pos]") {
    Shop shop;
    ExampleTill example(shop.till, {});
    std::vector<ExampleTill::Receipt> receipts;
    int pending = 0;
    for (int sale = 0; sale < 30; ++sale) {
        if (sale % 3 == 0) example.say("card 2900000000018");
        example.say("scan 8901030865275 2");
        if (sale == 5 || sale == 17) shop.till.stop(SIGKILL); // wherever the example is just now
        example.say("scan 8901058851298 1");
        if (sale == 11 || sale == 23) shop.till.start();
        example.say("pay upi 1846");
        example.say("complete");
        const auto receipt = example.receipt();
        REQUIRE(receipt);
        pending += receipt->rc == MUDI_PENDING ? 1 : 0;
        receipts.push_back(*receipt);
    }
    example.say("quit");
    CHECK(example.wait() == 0);
    CHECK(pending >= 12);
    CHECK(pending < 30);
    check_each_saved_once(shop, receipts);
}

TEST_CASE("the example till's demo goes on whatever happens to the agent", "[pos]") {
    Shop shop;
    ExampleTill example(shop.till, {"--demo", "30"});
    std::vector<ExampleTill::Receipt> receipts;
    while (const auto receipt = example.receipt()) {
        receipts.push_back(*receipt);
        if (receipts.size() == 3) shop.restart();
        if (receipts.size() == 9) shop.restart();
    }
    CHECK(example.wait() == 0);
    CHECK(receipts.size() == 30);
    check_each_saved_once(shop, receipts);
}
