#include <memory>

#include <mudi/base/random.hpp>
#include <mudi/crm/offers.hpp>
#include <mudi/server/apply.hpp>
#include <mudi/server/inbox.hpp>
#include <mudi/server/keys.hpp>
#include <mudi/server/offer_refresh.hpp>
#include <mudi/server/schema.hpp>
#include <mudi/server/status.hpp>

#include "tests/fuzz/fuzz.hpp"

using namespace mudi;
using mudi::fuzz::require;

namespace {

const Time now = time_from_ms(1'795'240'800'000);
/// Then a new database: a small one is quick.
constexpr std::int64_t events_max = 2000;

template <class T>
T must(Result<T> result) {
    require(result.has_value());
    return *std::move(result);
}

struct Server {
    Server() {
        db::Options options;
        options.target = ":memory:";
        options.durability = db::Durability::off;
        writer = must(db::Connection::open(options));
        require(server::migrate(*writer).has_value());
        SeededRandom random{1};
        const auto keys = must(server::load_or_make_keys(*writer, random));
        rules.identifier_key = keys.identifier_key;
        rules.identifiers.loyalty_ranges = {{"29", 13, 13}, {"C", 2, 12}};
        inbox = std::make_unique<server::Inbox>(*writer);
        apply = std::make_unique<server::Apply>(*writer, rules);
        refresh = std::make_unique<server::OfferRefresh>(*writer, keys.identifier_key, crm::OfferPolicy{});
        batch.till = TillId{1};
        batch.incarnation = Incarnation{7};
        sync::TillHello hello;
        hello.till = batch.till;
        hello.store = StoreId{"KOL01"};
        hello.workstation = WorkstationId{"1"};
        hello.incarnation = batch.incarnation;
        must(inbox->register_till(hello, now));
    }

    /// Whatever the body says, the event is durable, and dealt with or kept with its reason; the next one
    /// goes on.
    void take(std::uint32_t kind, std::string_view body) {
        sync::Event event;
        event.seq = EventSeq{++sent};
        // Some come twice, with another body too.
        event.id = EventId{{1, body.size() % 7 == 0 ? 1 : static_cast<std::uint64_t>(sent)}};
        event.kind = kind;
        event.body = body;
        batch.events = {event};
        const auto stored = must(inbox->append({&batch, 1}, now));
        require(stored.front().has_value() && stored.front()->mark.seq == event.seq);
        batch.chain_before = stored.front()->mark.chain;
        const auto report = must(apply->apply_some(server::Apply::chunk, now));
        require(report.taken == 1 && !report.more);
        require(report.applied + report.duplicates + report.quarantined == 1);
        while (must(refresh->refresh_some(server::OfferRefresh::chunk, now)).more) {
        }
        const auto counts = must(server::StatusReader{*writer}.counts(now));
        require(counts.received == sent && counts.waiting == 0 &&
                counts.applied + counts.quarantined == sent);
    }

    std::unique_ptr<db::Connection> writer;
    server::ApplyRules rules;
    std::unique_ptr<server::Inbox> inbox;
    std::unique_ptr<server::Apply> apply;
    std::unique_ptr<server::OfferRefresh> refresh;
    sync::PushedBatch batch;
    std::int64_t sent{};
};

} // namespace

/// First byte: the event's kind; the rest its body. The server has taken the hash chain for genuine: a till
/// with a fault, or a stranger with a till's key.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static std::unique_ptr<Server> server;
    if (server == nullptr || server->sent >= events_max) server = std::make_unique<Server>();
    fuzz::Input input{data, size};
    const std::uint32_t kind = 1u + input.byte() % 4u;
    server->take(kind, input.rest());
    return 0;
}
