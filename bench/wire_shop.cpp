#include "bench/wire_shop.hpp"

#include <nlohmann/json.hpp>

#include <mudi/base/file.hpp>
#include <mudi/server/enrolment.hpp>
#include <mudi/sync/identity.hpp>

namespace mudi::bench {
namespace {

constexpr std::size_t pem_bytes_max = 64 * 1024;
constexpr std::int64_t tills_per_store = 10;
constexpr Duration backup_within{120'000};

Result<std::string> pem(const std::filesystem::path& path) {
    return read_small_file(path.string(), pem_bytes_max);
}

} // namespace

WireShop::WireShop(cli::FleetOptions options, std::int64_t count)
    : options_(options), fleet_(std::move(options)), tills_(count) {}

StoreId WireShop::store(std::int64_t till) {
    return {"S" + std::to_string((till - 1) / tills_per_store + 1)};
}
WorkstationId WireShop::workstation(std::int64_t till) { return {"W" + std::to_string(till)}; }

Result<std::unique_ptr<WireShop>> WireShop::make(const Options& options, const std::string& name,
                                                 std::int64_t count) {
    cli::FleetOptions fleet;
    fleet.programs = options.programs;
    fleet.folder = options.folder / name;
    fleet.tills = {{1, store(1).value, workstation(1).value}};
    std::unique_ptr<WireShop> shop(new WireShop(std::move(fleet), count));
    MUDI_CHECK(shop->fleet_.start_server());
    MUDI_CHECK(shop->fleet_.enrol(0, false));
    shop->fleet_.stop();
    MUDI_CHECK(shop->enrol_all());
    return shop;
}

Status WireShop::enrol_all() {
    db::Options database;
    database.target = (options_.folder / "server" / "mudi.db").string();
    database.durability = db::Durability::off;
    MUDI_TRY(auto connection, db::Connection::open(database));
    MUDI_TRY(const std::string certificate, pem(fleet_.till_folder(0) / "identity" / "certificate.pem"));
    MUDI_TRY(const sync::CertificateFacts facts, sync::read_certificate(certificate));
    server::Enrolment enrolment{*connection};
    SeededRandom random{23};
    const Time now = SystemClock{}.wall();
    for (std::int64_t till = 2; till <= tills_; ++till) {
        MUDI_CHECK(enrolment.add_till({store(till), workstation(till), TillId{till}}, now));
        const server::CodeFacts code{random.bits128(), random.key256()};
        MUDI_CHECK(enrolment.make_code(TillId{till}, code, now));
        MUDI_CHECK(enrolment.enrol(code.id, {facts.public_key, facts.serial, facts.not_after}, now));
    }
    return {};
}

Result<WireServer> WireShop::server_at(const std::string& url, const std::filesystem::path& identity) {
    WireServer server;
    server.url = url;
    MUDI_TRY(server.tls.ca_pem, pem(identity / "ca.pem"));
    MUDI_TRY(server.tls.certificate_pem, pem(identity / "certificate.pem"));
    MUDI_TRY(server.tls.key_pem, pem(identity / "key.pem"));
    server.tls.server_name = "127.0.0.1";
    server.key_pem = server.tls.key_pem;
    return server;
}

Result<sync::TlsServer> WireShop::server_tls() const {
    const auto folder = options_.folder / "server" / "tls";
    sync::TlsServer tls;
    MUDI_TRY(tls.certificate_pem, pem(folder / "server.pem"));
    MUDI_TRY(tls.key_pem, pem(folder / "server.key"));
    MUDI_TRY(tls.client_ca_pem, pem(folder / "ca.pem"));
    return tls;
}

Result<nlohmann::json> WireShop::status() {
    MUDI_TRY(auto client, fleet_.operator_client());
    return client.get("/api/v1/status");
}

std::int64_t WireShop::applied() {
    if (const auto now = status()) applied_ = now->at("inbox").value("applied", applied_);
    return applied_;
}

Status WireShop::back_up(const std::filesystem::path& to) {
    MUDI_TRY(auto client, fleet_.operator_client());
    const auto made = client.send("POST", "/api/v1/backups", nlohmann::json{{"to", to.string()}}.dump(),
                                  false, "application/json", backup_within);
    if (!made) return tl::make_unexpected(made.error());
    return {};
}

Status WireShop::restore(const std::filesystem::path& from) {
    MUDI_TRY(auto restoring,
             cli::Process::start({(options_.programs / "mudi-server").string(), "restore", "--from",
                                  from.string(), "--config", fleet_.server_config().string()},
                                 options_.folder / "restore.log"));
    MUDI_TRY(const int code, restoring.wait(backup_within));
    if (code != 0) return fail(Code::io, "bench.restore", "mudi-server restore: see restore.log");
    return {};
}

} // namespace mudi::bench
