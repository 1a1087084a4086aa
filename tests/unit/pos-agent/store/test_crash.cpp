#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "../till_fixture.hpp"

using namespace mudi;
using namespace mudi::till;
using namespace mudi::till::fixture;

namespace {

/// Sells until it is killed; says each number only after the receipt.
[[noreturn]] void sell_for_ever(const StoreOptions& options, int from, int say) {
    SeededRandom random(static_cast<std::uint64_t>(from) + 100);
    auto store = Store::open(options, random);
    if (!store) ::_exit(2);
    auto desk = Desk::open(desk_options(), (*store)->storage(), random);
    if (!desk) ::_exit(3);
    for (int number = from;; ++number) {
        auto document = sale(std::to_string(number), {tea(1), tea(3)});
        document.customer = Presented{PresentedKind::card, kamala_card};
        if (!(*desk)->complete(document, morning)) ::_exit(4);
        if (number % 3 == 0)
            (void)(*store)->replica().save_ack({EventSeq{number / 2}, 1, {}, number}).has_value();
        if (::write(say, &number, sizeof number) != sizeof number) ::_exit(5);
    }
}

} // namespace

TEST_CASE("a till killed at any moment has every sale it said was saved, and a whole chain") {
    test::TempDir folder;
    auto options = store_options(folder.file("till.db"));
    options.durability = db::Durability::full;
    {
        Till till(options);
        till.know_customers();
    }
    SeededRandom dice(42);
    int saved = 0;
    for (int round = 0; round < 12; ++round) {
        int pipe_ends[2];
        REQUIRE(::pipe(pipe_ends) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::close(pipe_ends[0]);
            sell_for_ever(options, saved + 1, pipe_ends[1]);
        }
        ::close(pipe_ends[1]);
        const auto sales = static_cast<int>(1 + dice.below(40));
        int said = 0;
        int heard = 0;
        while (heard < sales && ::read(pipe_ends[0], &said, sizeof said) == sizeof said) ++heard;
        ::kill(child, SIGKILL);
        while (::read(pipe_ends[0], &said, sizeof said) == sizeof said) ++heard;
        ::close(pipe_ends[0]);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        const int claimed = saved + heard;

        Till till(options, static_cast<std::uint64_t>(round) + 900);
        const auto captured = static_cast<int>(till.store->replica().counts().captured);
        // The last one may have been committed and not yet said.
        CHECK(captured >= claimed);
        CHECK(captured <= claimed + 1);
        for (int number = saved + 1; number <= captured; ++number)
            CHECK(till.desk->receipt(named(std::to_string(number)), morning));
        Bits128 chain;
        EventSeq after;
        for (;;) {
            const auto read = till.store->replica().read_outbox(after, {});
            REQUIRE(read);
            CHECK(read->chain_before == chain);
            if (read->events.empty()) break;
            for (const auto& event : read->events) {
                CHECK(event.seq.value == ++after.value);
                chain = chain_next(chain, event.body);
            }
        }
        CHECK(after.value == captured);
        saved = captured;
    }
}
