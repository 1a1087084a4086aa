#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <vector>

#include <unistd.h>

#include <mudi/base/db/statement.hpp>
#include <mudi/server/apply.hpp>
#include <mudi/server/backup.hpp>
#include <mudi/server/customers.hpp>
#include <mudi/server/enrolment.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/server/inbox.hpp>
#include <mudi/server/offer_refresh.hpp>
#include <mudi/server/purchases.hpp>
#include <mudi/server/quarantine.hpp>
#include <mudi/server/schema.hpp>
#include <mudi/server/status.hpp>

#include "golden/databases.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mudi;
namespace fs = std::filesystem;

namespace {

/// One kind of value that a database keeps as it came.
struct Place {
    std::string table;
    std::string column;
    bool blob{};
    std::string keys; ///< "a, b": how its rows are told apart
    std::int64_t rows{};
};

struct Sample {
    fs::path path;
    std::vector<Place> places;
};

db::Options options_of(const fs::path& path) {
    db::Options options;
    options.target = path;
    options.durability = db::Durability::off;
    return options;
}

/// Every text and blob column of every table that has rows.
std::vector<Place> places_of(db::Connection& connection) {
    std::vector<Place> places;
    db::Query<db::Columns<std::string>, db::Params<>> tables{
        connection, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"};
    for (const auto& [table] : golden::must(tables.all())) {
        db::Query<db::Columns<std::string, std::string, std::int64_t>, db::Params<>> columns{
            connection, "SELECT name, type, pk FROM pragma_table_info('" + table + "')"};
        const auto found = golden::must(columns.all());
        std::string keys;
        for (const auto& [name, type, key] : found)
            if (key > 0) keys += (keys.empty() ? "" : ", ") + name;
        if (keys.empty()) continue;
        db::Query<db::Columns<std::int64_t>, db::Params<>> count{connection, "SELECT count(*) FROM " + table};
        const std::int64_t rows = std::get<0>(*golden::must(count.first()));
        for (const auto& [name, type, key] : found)
            if (rows > 0 && type != "INTEGER") places.push_back({table, name, type == "BLOB", keys, rows});
    }
    fuzz::require(places.size() > 3);
    return places;
}

/// A till's and a server's database with a morning of sales, made once; each input damages a copy.
class Samples {
public:
    Samples() {
        const fs::path base = fs::exists("/dev/shm") ? fs::path{"/dev/shm"} : fs::temp_directory_path();
        std::string name = (base / "mudi-fuzz-XXXXXX").string();
        fuzz::require(::mkdtemp(name.data()) != nullptr);
        folder_ = name;
        fs::create_directory(folder_ / "made");
        golden::make_databases((folder_ / "made").string());
        for (const char* file : {"till.db", "mudi.db"}) {
            const auto connection = golden::must(db::Connection::open(options_of(folder_ / "made" / file)));
            samples_.push_back({folder_ / "made" / file, places_of(*connection)});
        }
        key_ = golden::till_key((folder_ / "made").string());
    }
    Samples(const Samples&) = delete;
    Samples& operator=(const Samples&) = delete;
    ~Samples() { fs::remove_all(folder_); }

    [[nodiscard]] const Sample& sample(std::size_t index) const { return samples_[index]; }
    [[nodiscard]] const Key256& key() const { return key_; }
    [[nodiscard]] std::string folder() const { return folder_.string(); }

    void refresh(const Sample& sample) const {
        const fs::path copy = folder_ / sample.path.filename();
        for (const char* ending : {"", "-wal", "-shm"}) fs::remove(copy.string() + ending);
        fs::copy_file(sample.path, copy);
    }

private:
    fs::path folder_;
    std::vector<Sample> samples_;
    Key256 key_;
};

/// False when the database's own rules do not let this stand there.
bool damage(const fs::path& path, const Place& place, std::int64_t row, std::string_view content) {
    auto connection = golden::must(db::Connection::open(options_of(path)));
    const std::string sql = "UPDATE " + place.table + " SET " + place.column + " = :content WHERE (" +
                            place.keys + ") = (SELECT " + place.keys + " FROM " + place.table +
                            " LIMIT 1 OFFSET :row)";
    if (place.blob) {
        db::Command<Bytes, std::int64_t> update{*connection, sql};
        return update(Bytes{std::string(content)}, row).value_or(0) == 1;
    }
    db::Command<std::string, std::int64_t> update{*connection, sql};
    return update(std::string(content), row).value_or(0) == 1;
}

/// What a till reads back. An error is an answer; what matters is that there is one.
void read_till(const std::string& folder, const Key256& key) {
    SeededRandom random{3};
    auto store = till::Store::open(golden::till_options(folder, key), random);
    if (!store) return;
    till::Storage& storage = (*store)->storage();
    till::Replica& replica = (*store)->replica();
    auto desk = till::Desk::open(golden::desk_options(), storage, random);
    for (EventSeq after{}; after.value < 50;) {
        const auto read = replica.read_outbox(after, {});
        if (!read || read->events.empty()) break;
        for (const sync::Event& event : read->events) static_cast<void>(sync::decode(event));
        after = read->events.back().seq;
    }
    for (const char* number : {"1", "2", "3", "4", "5", "6", "7", "8"})
        static_cast<void>(storage.find_transaction({BusinessDay{20261121}, number}));
    for (std::int64_t profile = 1; profile <= 6; ++profile)
        static_cast<void>(storage.find_profile(ProfileId{profile}));
    for (const char* item : {"8901", "8902", "8904"}) static_cast<void>(storage.find_product(item));
    static_cast<void>(storage.load());
    static_cast<void>(replica.compare(sync::Manifest{std::vector<std::uint64_t>(4)}));
    if (desk) {
        for (const char* typed : {"2900000000018", "9830012345", "কম", "anj"})
            static_cast<void>((*desk)->search(typed, golden::selling));
        for (const char* number : {"3", "7", "8"})
            static_cast<void>((*desk)->receipt({number, {}}, golden::selling));
    }
    static_cast<void>(replica.prune(golden::selling + std::chrono::hours{1}));
    if (replica.begin_new_life()) static_cast<void>(replica.read_outbox(EventSeq{}, {}));
}

void read_customers(db::Connection& writer, const server::ServerKeys& keys) {
    server::CustomerReader customers{writer, keys.identifier_key, golden::identifier_rules()};
    for (const char* query : {"2900000000018", "9830012345", "2"}) {
        if (const auto found = customers.find(query))
            for (const ProfileId profile : *found) static_cast<void>(customers.profile(profile));
    }
    server::FeedReader feed{writer};
    for (const char* name : {"KOL01", "PUN02"}) {
        const StoreId store{name};
        if (const auto page = feed.read(store, 0, 1'000'000))
            for (const sync::FeedRow& row : page->rows) static_cast<void>(golden::describe(row));
        static_cast<void>(feed.manifest(store));
        static_cast<void>(feed.part(store, 4, 1));
    }
}

void read_server(const std::string& path) {
    static_cast<void>(server::verify_backup(path));
    auto writer = db::Connection::open(options_of(path));
    if (!writer || !server::migrate(**writer)) return;
    SeededRandom random{1};
    const auto keys = server::load_or_make_keys(**writer, random);
    if (!keys) return;
    static_cast<void>(server::begin_generation(**writer, random, golden::selling));
    read_customers(**writer, *keys);
    static_cast<void>(server::PurchaseReader{**writer}.list({}, 0, 100));
    static_cast<void>(server::PurchaseReader{**writer}.summary());
    static_cast<void>(server::StatusReader{**writer}.counts(golden::selling));
    static_cast<void>(server::StatusReader{**writer}.tills(golden::selling));
    if (const auto kept = server::QuarantineReader{**writer}.list(100))
        for (const auto& event : *kept) static_cast<void>(server::QuarantineReader{**writer}.show(event.id));
    server::ApplyRules rules;
    rules.identifier_key = keys->identifier_key;
    rules.identifiers = golden::identifier_rules();
    server::Apply apply{**writer, rules};
    static_cast<void>(apply.retry_all(golden::selling));
    static_cast<void>(apply.apply_some(server::Apply::chunk, golden::selling));
    server::OfferRefresh refresh{**writer, keys->identifier_key, crm::OfferPolicy{}};
    static_cast<void>(refresh.nightly_due(golden::selling + std::chrono::hours{24 * 20}, 100));
    static_cast<void>(refresh.refresh_some(server::OfferRefresh::chunk, golden::selling));
    static_cast<void>(server::Enrolment{**writer}.tills());
}

} // namespace

/// First byte: 0 the till's database, 1 the same with the new content sealed by the till's key, 2 the
/// server's. Then two bytes each for the column and the row, and what shall stand there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Samples samples;
    fuzz::Input input{data, size};
    const std::uint8_t which = input.byte() % 3;
    const Sample& sample = samples.sample(which == 2 ? 1 : 0);
    const Place& place = sample.places[input.below(sample.places.size())];
    const auto row = static_cast<std::int64_t>(input.below(static_cast<std::size_t>(place.rows)));
    std::string content(input.rest());
    if (which == 1) content = seal(samples.key(), {}, content).data;
    samples.refresh(sample);
    const fs::path copy = fs::path{samples.folder()} / sample.path.filename();
    if (!damage(copy, place, row, content)) return -1;
    if (which == 2) {
        read_server(copy.string());
    } else {
        read_till(samples.folder(), samples.key());
    }
    return 0;
}
