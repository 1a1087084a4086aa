#include <fstream>
#include <utility>

#include <mudi/crm/transaction_rules.hpp>
#include <mudi/server/apply.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/server/import.hpp>
#include <mudi/server/inbox.hpp>
#include <mudi/server/offer_refresh.hpp>
#include <mudi/server/publish.hpp>

#include "golden/databases.hpp"

namespace mudi::golden {
namespace {

crm::LineItem line(const char* item, const char* description, std::int64_t pieces, std::int64_t paise) {
    crm::LineItem line;
    line.item_id = item;
    line.description = description;
    line.category = "groceries";
    line.quantity = Quantity{pieces * 1000};
    line.unit_price = Money{paise, inr};
    line.amount = Money{paise * pieces, inr};
    line.tax = Money{0, inr};
    return line;
}

till::SaleDocument document(const char* number, std::vector<crm::LineItem> lines, const char* card) {
    till::SaleDocument sale;
    sale.name = {number, {}};
    sale.total = must(crm::total_of(lines, inr, true));
    sale.tenders = {{crm::TenderKind::cash, *sale.total, {}}};
    sale.lines = std::move(lines);
    sale.operator_id = "op1";
    if (card != nullptr) sale.customer = till::Presented{till::PresentedKind::card, card};
    return sale;
}

crm::SourceRecord customer(const char* key, const char* name, const char* language, const char* card,
                           const char* phone) {
    crm::SourceRecord record;
    record.source = "import";
    record.source_key = key;
    record.name = name;
    record.language = language;
    record.phone = phone;
    record.cards = {card};
    record.home_store = StoreId{"KOL01"};
    return record;
}

/// The server's data side at work.
struct Server {
    explicit Server(const std::string& folder) : open(open_server(folder)), inbox(*open.writer) {
        rules.identifier_key = open.keys.identifier_key;
        rules.identifiers = identifier_rules();
        crm::StoreSettings settings;
        settings.identifier_key = open.keys.identifier_key;
        settings.member_code_key = open.keys.member_code_key;
        must(server::publish_settings(*open.writer, settings));
        SeededRandom random{2};
        generation = must(server::begin_generation(*open.writer, random, selling)).back().generation;
    }
    void import() {
        server::Import import{*open.writer, inbox, rules};
        const std::vector<crm::SourceRecord> people{
            customer("c1", "কমলা দাস", "bn", "2900000000018", "9830012345"),
            customer("c2", "अंजली कुलकर्णी", "mr", "2900000000025", "9822012345"),
            customer("c3", "राजेश मिश्रा", "hi", "2900000000032", "9811012345"),
            customer("c4", "K. Das", "bn", "2900000000049", "9830012345")};
        must(import.customers(people, selling));
        const std::vector<crm::Product> goods{
            {"8901", "Salt", "groceries", "EA", Money{2'000, inr}, BasisPoints{0}},
            {"8902", "মুসুর ডাল", "ডাল ও কলাই", "EA", Money{13'000, inr}, BasisPoints{500}},
            {"8904", "तूर डाळ", "डाळी", "EA", Money{16'000, inr}, BasisPoints{500}}};
        must(import.products(goods, selling));
    }
    void apply() {
        server::Apply work{*open.writer, rules};
        while (must(work.apply_some(server::Apply::chunk, selling)).more) {
        }
        server::OfferRefresh refresh{*open.writer, open.keys.identifier_key, crm::OfferPolicy{}};
        while (must(refresh.refresh_some(server::OfferRefresh::chunk, selling)).more) {
        }
    }
    /// Ends the program when the till's word does not fit.
    void hello(const sync::TillState& state) {
        sync::TillHello hello;
        hello.till = state.till;
        hello.store = state.store;
        hello.workstation = state.workstation;
        hello.incarnation = state.incarnation;
        hello.last = state.last;
        hello.wall = selling;
        hello.schema = sync::event_schema;
        must(inbox.register_till(hello, selling));
    }
    void push(const sync::TillState& state, Bits128 chain_before, std::vector<sync::Event> events) {
        sync::PushedBatch batch;
        batch.till = state.till;
        batch.incarnation = state.incarnation;
        batch.chain_before = chain_before;
        batch.events = std::move(events);
        must(must(inbox.append({&batch, 1}, selling)).front());
    }

    OpenServer open;
    std::uint64_t generation{};
    server::ApplyRules rules;
    server::Inbox inbox;
};

/// All that the bucket holds, part by part.
void feed(OpenTill& till, Server& server) {
    const StoreId store{"KOL01"};
    server::FeedReader reader{*server.open.writer};
    const auto page = must(reader.manifest(store));
    till::Replica& replica = till.store->replica();
    const auto parts = static_cast<std::uint32_t>(page.manifest.digests.size());
    for (const std::uint32_t part : must(replica.compare(page.manifest))) {
        const auto outcome = must(replica.apply_part({parts, part, must(reader.part(store, parts, part))}));
        must(till.desk->feed_applied(outcome.changed, outcome.settings_changed, selling));
    }
    till::FeedBatch level;
    level.cursor = {server.generation, page.version};
    level.complete = true;
    must(replica.apply_feed(level));
}

/// Seven events; the first five go to the server.
void sell(OpenTill& till, Server& server) {
    till::Desk& desk = *till.desk;
    must(desk.complete(document("1", {line("8901", "Salt", 2, 2'000)}, nullptr), selling));
    must(desk.complete(document("2", {line("8902", "মুসুর ডাল", 3, 13'000)}, "2900000000018"), selling));
    must(desk.complete(document("3", {line("8904", "तूर डाळ", 20, 16'000)}, "2900000000025"), selling));
    till::SaleDocument back = document("4", {line("8904", "तूर डाळ", 5, 16'000)}, "2900000000025");
    back.kind = crm::TransactionKind::return_;
    back.lines->front().type = crm::LineType::return_;
    back.lines->front().link =
        crm::LineLink{{StoreId{"KOL01"}, WorkstationId{"2"}, BusinessDay{20261121}, "3"}, 1};
    back.total = must(crm::total_of(*back.lines, inr, true));
    back.tenders->front().amount = *back.total;
    must(desk.complete(back, selling));
    till::JoinDocument newcomer;
    newcomer.name = "Mina Sheikh";
    newcomer.phone = "9830054321";
    newcomer.language = "bn";
    newcomer.marketing = crm::Consent::given;
    must(desk.join(newcomer, selling));

    const sync::TillState state = till.store->replica().state();
    server.hello(state);
    auto read = must(till.store->replica().read_outbox(EventSeq{}, till::OutboxLimits{}));
    server.push(state, read.chain_before, std::move(read.events));
    must(till.store->replica().save_ack({state.last, server.generation, EventSeq{2}, 5}));
    server.apply();
    feed(till, server);

    must(desk.complete(document("5", {line("8901", "Salt", 1, 2'000)}, "2900000000032"), selling));
    till::Desk::Void undo;
    undo.original = {"1", {}};
    undo.name = {"6", {}};
    must(desk.post_void(undo, selling));
    must(desk.begin({{"7", {}}, "op2", {}, {}}, selling));
    must(desk.set_basket({"7", {}}, {line("8902", "মুসুর ডাল", 1, 13'000)}, {}, selling));
    must(desk.suspend({"7", {}}, selling));
    must(desk.begin({{"8", {}}, "op2", {}, {}}, selling));
    must(desk.identify({"8", {}}, {till::PresentedKind::card, "2900000000025"}, selling));
    must(desk.set_basket({"8", {}}, {line("8904", "तूर डाळ", 1, 16'000)}, {}, selling));
    const auto asked = must(desk.prepare_redeem({"8", {}}, Points{20}, till::AskedOf::server, selling));
    must(desk.hold_granted({"8", {}}, asked, {}, selling));
    must(desk.suspend({"8", {}}, selling));
}

/// A second store whose till is of a newer release.
void sell_in_pune(Server& server) {
    sync::TillState state;
    state.till = TillId{5};
    state.store = StoreId{"PUN02"};
    state.workstation = WorkstationId{"1"};
    state.incarnation = Incarnation{55};
    server.hello(state);
    crm::RetailTransaction sale;
    sale.id = EventId{hash128("pune")};
    sale.key = {state.store, state.workstation, BusinessDay{20261121}, "900"};
    sale.begin = sale.end = selling;
    sale.currency = inr;
    sale.lines = {line("8904", "तूर डाळ", 1, 16'000)};
    sale.lines.front().number = 1;
    sale.lines.front().unit = "EA";
    sale.total = Money{16'000, inr};
    sale.tax_total = Money{0, inr};
    sale.tenders = {{crm::TenderKind::upi, sale.total, ""}};
    sale.member = crm::Member{{crm::IdentifierKind::card, "2900000000025"}, std::nullopt};
    sync::Event known;
    known.seq = EventSeq{1};
    known.id = sale.id;
    known.kind = static_cast<std::uint32_t>(sync::EventKind::retail_transaction);
    known.body = sync::encode(sale);
    sync::Event strange = known;
    strange.seq = EventSeq{2};
    strange.id = EventId{hash128("strange")};
    strange.kind = 99;
    strange.body = "of a kind that is not known";
    server.push(state, Bits128{}, {known, strange});
}

} // namespace

void make_databases(const std::string& folder) {
    Key256 key;
    key.data.fill(7);
    std::ofstream{folder + "/till.key"} << to_hex(view(key)) << "\n";
    Server server{folder};
    OpenTill till = open_till(folder);
    server.hello(till.store->replica().state());
    server.import();
    server.apply();
    feed(till, server);
    sell(till, server);
    sell_in_pune(server);
    server.apply();
}

} // namespace mudi::golden
