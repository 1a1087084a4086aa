#include <mudi/server/keys.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include <sodium.h>

#include <mudi/base/db/statement.hpp>

namespace mudi::server {

namespace {

using ReadMeta = db::Query<db::Columns<Bytes>, db::Params<std::string>>;
using WriteMeta = db::Command<std::string, Bytes>;

constexpr const char* read_sql = "SELECT value FROM meta WHERE name = :name";
constexpr const char* write_sql = "INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT (name) "
                                  "DO UPDATE SET value = excluded.value";

Bytes bytes_of(std::uint64_t number) {
    std::string data(8, '\0');
    for (std::size_t i = 8; i-- > 0; number >>= 8) data[i] = static_cast<char>(number & 0xff);
    return Bytes{std::move(data)};
}

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

/// The four secrets as one value, so that a half-written set cannot exist.
struct Stored {
    static constexpr std::size_t size = 8 + 32 + 32 + 64;

    static Bytes write(const ServerKeys& keys) {
        std::string data = bytes_of(keys.generation).data;
        data += view(keys.identifier_key);
        data.append(reinterpret_cast<const char*>(keys.member_code_key.data()), keys.member_code_key.size());
        data += secret_view(keys);
        return Bytes{std::move(data)};
    }

    static Result<ServerKeys> read(std::string_view data) {
        if (data.size() != size)
            return fail(Code::corrupt, "keys.corrupt", "the stored server keys are damaged");
        ServerKeys keys;
        keys.generation = number_of(data.substr(0, 8));
        keys.identifier_key = key256_from_bytes(data.substr(8, 32)).value_or(Key256{});
        std::memcpy(keys.member_code_key.data(), data.data() + 40, 32);
        std::memcpy(keys.member_code_secret.data(), data.data() + 72, 64);
        return keys;
    }
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
    keys.generation = draw_generation(random);
    keys.identifier_key = random.key256();
    const Key256 seed = random.key256();
    crypto_sign_seed_keypair(keys.member_code_key.data(), keys.member_code_secret.data(), seed.data.data());
    WriteMeta write{writer, write_sql};
    MUDI_CHECK(write("keys", Stored::write(keys)));
    MUDI_CHECK(transaction.commit());
    return keys;
}

Result<std::uint64_t> begin_generation(db::Connection& writer, Random& random) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    ReadMeta read{writer, read_sql};
    MUDI_TRY(const auto found, read.first("keys"));
    if (!found) return fail(Code::not_found, "keys.missing", "this database has no server keys yet");
    MUDI_TRY(auto keys, Stored::read(std::get<0>(*found).data));
    keys.generation = draw_generation(random);
    WriteMeta write{writer, write_sql};
    MUDI_CHECK(write("keys", Stored::write(keys)));
    MUDI_CHECK(transaction.commit());
    return keys.generation;
}

} // namespace mudi::server
