#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <numeric>

#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

constexpr int customers = 50'000;

std::string phone_of(int i) { return "98" + std::to_string(30000000 + i); }

/// Processor time of this process: other programs' load does not count.
double cpu_us() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

class Times {
public:
    template <class Call>
    void add(Call&& call) {
        const double start = cpu_us();
        call();
        times_.push_back(cpu_us() - start);
    }
    void print(const char* what) {
        const double sum = std::accumulate(times_.begin(), times_.end(), 0.0);
        std::ranges::sort(times_);
        std::printf("%s: mean %.0f us, p50 %.0f us, p99 %.0f us of CPU\n", what,
                    sum / static_cast<double>(times_.size()), times_[times_.size() / 2],
                    times_[times_.size() * 99 / 100]);
    }

private:
    std::vector<double> times_;
};

void feed_many(Till& till) {
    const char* first_names[] = {"Kamala", "Rahim",   "Sunita", "Gopal",  "Meena",
                                 "Arjun",  "Lakshmi", "Vijay",  "Ayesha", "Bimal"};
    const char* last_names[] = {"Das",       "Sheikh", "Patil", "Ghosh", "Sharma",
                                "Mukherjee", "Yadav",  "Sen",   "Roy",   "Chattopadhyay"};
    const double start = cpu_us();
    for (int from = 0; from < customers; from += 2000) {
        std::vector<sync::FeedRow> rows;
        if (from == 0) rows.push_back(row_of(settings(), 1));
        for (int i = from; i < from + 2000; ++i) {
            auto slice = kamala();
            slice.id = ProfileId{i + 1};
            slice.name = std::string(first_names[i % 10]) + " " + last_names[i / 10 % 10];
            slice.identifiers = {hash_of(*crm::parse_phone(phone_of(i), {}))};
            rows.push_back(row_of(slice, i + 2));
        }
        till.feed(std::move(rows));
    }
    std::printf("feed: %.0f us of CPU per customer, %lld KiB for %d\n", (cpu_us() - start) / customers,
                static_cast<long long>(till.store->size_bytes() / 1024), customers);
}

SaleDocument large_sale(int number, bool with_customer, SeededRandom& dice) {
    std::vector<crm::LineItem> lines;
    for (int line = 0; line < 20; ++line) {
        lines.push_back(tea(1 + line % 3));
        lines.back().item_id = std::to_string(8901030000000 + static_cast<std::int64_t>(dice.below(4000)));
        lines.back().description = "Item of the shop number " + std::to_string(line);
    }
    auto document = sale((with_customer ? "C" : "N") + std::to_string(number), std::move(lines));
    if (with_customer) {
        const auto phone = phone_of(static_cast<int>(dice.below(customers)));
        document.customer = Presented{PresentedKind::phone, phone};
    }
    return document;
}

} // namespace

TEST_CASE("how long things take (printed, not judged)", "[.timing]") {
    test::TempDir folder;
    Till till(store_options(folder.file("till.db")));
    feed_many(till);

    SeededRandom dice(3);
    Times identify;
    REQUIRE(till.desk->begin({named("1"), {}, {}, {}}, morning));
    REQUIRE(till.desk->set_basket(named("1"), {tea(2)}, {}, morning));
    for (int i = 0; i < 5000; ++i) {
        const Presented phone{PresentedKind::phone, phone_of(static_cast<int>(dice.below(customers)))};
        identify.add([&] { REQUIRE(till.desk->identify(named("1"), phone, morning)); });
    }
    identify.print("identify with offers");

    Times search;
    for (const char* typed : {"ka", "kama", "rahim sheikh", "das", "chat", "lakshmi mukh", "roy", "arj g"}) {
        for (int i = 0; i < 20; ++i) search.add([&] { REQUIRE(till.desk->search(typed, morning)); });
    }
    search.print("search by name");

    for (const bool with_customer : {false, true}) {
        std::vector<SaleDocument> documents;
        for (int i = 0; i < 5000; ++i) documents.push_back(large_sale(i, with_customer, dice));
        Times complete;
        for (const auto& document : documents)
            complete.add([&] { REQUIRE(till.desk->complete(document, morning)); });
        complete.print(with_customer ? "complete, 20 lines, customer" : "complete, 20 lines, nobody");
    }
}

TEST_CASE("a thousand live sales with acks and feed, for counting fdatasync from outside", "[.fsync]") {
    test::TempDir folder;
    auto options = store_options(folder.file("till.db"));
    options.durability = db::Durability::full;
    Till till(options);
    till.know_customers();
    SeededRandom dice(3);
    for (int i = 1; i <= 1000; ++i) {
        auto document = large_sale(i, false, dice);
        document.customer = Presented{PresentedKind::card, kamala_card};
        REQUIRE(till.desk->complete(document, morning));
        REQUIRE(till.store->replica().read_outbox(EventSeq{i - 1}, {}));
        till.acked(i, i);
        till.feed({row_of(kamala(i), i)});
    }
}
