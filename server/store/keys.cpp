#include <mudi/server/keys.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include <sodium.h>

#include <mudi/base/db/statement.hpp>
#include <mudi/base/mutant.hpp>
#include <mudi/server/counters.hpp>

namespace mudi::server {

namespace {

using ReadMeta = db::Query<db::Columns<Bytes>, db::Params<std::string>>;
using WriteMeta = db::Command<std::string, Bytes>;

constexpr const char* read_sql = "SELECT value FROM meta WHERE name = :name";
constexpr const char* write_sql = "INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT (name) "
                                  "DO UPDATE SET value = excluded.value";

std::uint64_t number_of(std::string_view data) {
    std::uint64_t number = 0;
    for (const char byte : data) number = number << 8 | static_cast<unsigned char>(byte);
    return number;
}

std::uint64_t draw_generation(Random& random) {
    std::uint64_t generation = 0;
    while (generation == 0) generation = random.next();
    return generation;
}

/// The secrets as one value, so that a half-written set cannot exist. In front stood once the generation of a
/// database that had only one; 0 since every start has its own.
struct Stored {
    static constexpr std::size_t size = 8 + 32 + 32 + 64;

    static Bytes write(const ServerKeys& keys) {
        std::string data(8, '\0');
        data += view(keys.identifier_key);
        data.append(reinterpret_cast<const char*>(keys.member_code_key.data()), keys.member_code_key.size());
        data += secret_view(keys);
        return Bytes{std::move(data)};
    }

    static Result<ServerKeys> read(std::string_view data) {
        if (data.size() != size)
            return fail(Code::corrupt, "keys.corrupt", "the stored server keys are damaged");
        ServerKeys keys;
        keys.identifier_key = key256_from_bytes(data.substr(8, 32)).value_or(Key256{});
        std::memcpy(keys.member_code_key.data(), data.data() + 40, 32);
        std::memcpy(keys.member_code_secret.data(), data.data() + 72, 64);
        return keys;
    }

    static std::uint64_t old_generation(std::string_view data) { return number_of(data.substr(0, 8)); }
};

struct Generations {
    explicit Generations(db::Connection& writer)
        : newest(writer, "SELECT ordinal, generation, first_version FROM generation ORDER BY ordinal DESC "
                         "LIMIT " +
                             std::to_string(generations_max)),
          version(writer, "SELECT value FROM counter WHERE name = :name"),
          insert(writer, "INSERT INTO generation (ordinal, generation, first_version, started_ms) "
                         "VALUES (:ordinal, :generation, :first, :started)"),
          drop(writer, "DELETE FROM generation WHERE ordinal < :ordinal") {}

    db::Query<db::Columns<std::int64_t, std::uint64_t, std::int64_t>, db::Params<>> newest;
    db::Query<db::Columns<std::int64_t>, db::Params<std::string>> version;
    db::Command<std::int64_t, std::uint64_t, std::int64_t, Time> insert;
    db::Command<std::int64_t> drop;
};

} // namespace

std::string_view secret_view(const ServerKeys& keys) {
    return {reinterpret_cast<const char*>(keys.member_code_secret.data()), keys.member_code_secret.size()};
}

Result<ServerKeys> load_or_make_keys(db::Connection& writer, Random& random) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    ReadMeta read{writer, read_sql};
    MUDI_TRY(const auto found, read.first("keys"));
    if (found) return Stored::read(std::get<0>(*found).data);
    ServerKeys keys;
    keys.identifier_key = random.key256();
    const Key256 seed = random.key256();
    crypto_sign_seed_keypair(keys.member_code_key.data(), keys.member_code_secret.data(), seed.data.data());
    WriteMeta write{writer, write_sql};
    MUDI_CHECK(write("keys", Stored::write(keys)));
    MUDI_CHECK(transaction.commit());
    return keys;
}

Result<sync::Lineage> begin_generation(db::Connection& writer, Random& random, Time now) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    ReadMeta read{writer, read_sql};
    MUDI_TRY(const auto keys, read.first("keys"));
    if (!keys) return fail(Code::not_found, "keys.missing", "this database has no server keys yet");
    Generations generations{writer};
    MUDI_TRY(const auto known, generations.newest.all());
    sync::Lineage lineage;
    for (const auto& [ordinal, generation, first] : known) lineage.push_back({generation, first});
    std::reverse(lineage.begin(), lineage.end());
    std::int64_t ordinal = known.empty() ? 0 : std::get<0>(known.front());
    const std::uint64_t old = Stored::old_generation(std::get<0>(*keys).data);
    if (lineage.empty() && old != 0) {
        // Cursors of the time when a database had one generation for good hold up to this start.
        lineage.push_back({old, 0});
        MUDI_CHECK(generations.insert(++ordinal, old, 0, Time{}));
    }
    if (!lineage.empty() && mutant::planted(mutant::Bug::generation_kept)) {
        MUDI_CHECK(transaction.commit());
        return lineage;
    }
    MUDI_TRY(const auto version, generations.version.first(std::string(counter::feed_version)));
    const sync::GenerationStart start{draw_generation(random), version ? std::get<0>(*version) : 0};
    MUDI_CHECK(generations.insert(++ordinal, start.generation, start.first_version, now));
    MUDI_CHECK(generations.drop(ordinal - static_cast<std::int64_t>(generations_max) + 1));
    MUDI_CHECK(transaction.commit());
    lineage.push_back(start);
    if (lineage.size() > generations_max) lineage.erase(lineage.begin());
    return lineage;
}

} // namespace mudi::server
