#include "agent.hpp"

#include <chrono>
#include <filesystem>

#include <sys/statvfs.h>

#include <mudi/base/file.hpp>
#include <mudi/base/log.hpp>

#include "machine.hpp"

namespace mudi::till {
namespace {

/// The key that seals personal data in the database: drawn once, kept in a file that only the agent's user
/// may read.
Result<Key256> data_key(const std::string& path, bool database_exists, Random& random) {
    const auto text = read_small_file(path, 2 * sizeof(Key256) + 1);
    if (!text && text.error().name == "file.missing") {
        if (database_exists) {
            return fail(Code::corrupt, "till.key_missing",
                        path + ": missing, but the database beside it was sealed with it");
        }
        const Key256 key = random.key256();
        MUDI_CHECK(write_file(path, to_hex(view(key)) + "\n", 0600));
        return key;
    }
    if (!text) return tl::make_unexpected(text.error());
    const auto bytes = from_hex(std::string_view(*text).substr(0, text->find('\n')));
    const auto key = bytes ? key256_from_bytes(*bytes) : std::nullopt;
    if (!key)
        return fail(Code::corrupt, "till.key_damaged", path + ": damaged; put the backup of this file back");
    return *key;
}

/// SQLite reports a full disk under several names, depending on which of its files no longer fits.
bool disk_full(const std::string& folder) {
    struct statvfs disk {};
    constexpr unsigned long needed_bytes = 64 * 1024;
    return ::statvfs(folder.c_str(), &disk) == 0 && disk.f_bavail * disk.f_frsize < needed_bytes;
}

/// "tls+tcp://central:7443" -> "central".
std::string host_of(const std::string& url) {
    const auto scheme = url.find("://");
    if (scheme == std::string::npos) return {};
    const std::string rest = url.substr(scheme + 3);
    if (rest.starts_with('[')) return rest.substr(1, rest.find(']') - 1);
    return rest.substr(0, rest.rfind(':'));
}

} // namespace

Result<std::unique_ptr<Agent>> Agent::start(boost::asio::io_context& io, const Settings& given,
                                            const Clock& clock) {
    MUDI_TRY(const CheckedSettings checked, check(given));
    MUDI_TRY(const Settings settings, with_enrolment(given));
    MUDI_CHECK(check_complete(settings));
    MUDI_CHECK(make_folder(settings.data_dir, 0750));
    MUDI_TRY(FolderLock lock, FolderLock::take(settings.path("lock")));
    std::unique_ptr<Agent> agent(new Agent(io, settings, std::move(lock), clock));
    MUDI_CHECK(agent->open_store(settings, checked));
    MUDI_CHECK(agent->open_api(io, settings));
    MUDI_CHECK(agent->start_sync(io, settings));
    MUDI_CHECK(agent->open_spool(io, settings));
    agent->start_points();
    return agent;
}

Agent::Agent(boost::asio::io_context& io, Settings settings, FolderLock lock, const Clock& clock)
    : io_(io), settings_(std::move(settings)), lock_(std::move(lock)), clock_(clock), tidy_timer_(io) {}

Agent::~Agent() { stop(); }

void Agent::stop() {
    if (server_) server_->stop();
    if (spool_) spool_->stop();
    if (sync_) sync_->stop();
    stop_points();
}

std::string Agent::ready_line() const {
    return "mudi-till ready http://127.0.0.1:" + std::to_string(port()) + " unix:" + socket_path_;
}

Status Agent::open_store(const Settings& settings, const CheckedSettings& checked) {
    const std::string database = settings.path("till.db");
    MUDI_TRY(const Key256 key,
             data_key(settings.path("till.key"), std::filesystem::exists(database), random_));
    StoreOptions options;
    options.path = database;
    options.till = TillId{settings.till};
    options.store = StoreId{settings.store};
    options.workstation = WorkstationId{settings.workstation};
    options.data_key = key;
    options.durability = settings.durability == "off" ? db::Durability::off : db::Durability::full;
    options.machine = machine_hash();
    options.lead_url = settings.advertised_lead_url();
    witness_ = make_witness();
    options.witness = witness_.get();
    options.program_version = MUDI_VERSION;
    constexpr std::int64_t mib = 1024 * 1024;
    reserve_ = std::make_unique<FileReserve>(settings.path("reserve"), settings.disk_reserve_mib * mib);
    options.reserve = reserve_.get();
    auto store = open_database(options);
    if (!store && store.error().code == Code::io && disk_full(settings.data_dir)) {
        return fail(Code::io, "db.full", settings.data_dir + ": the disk is full");
    }
    MUDI_TRY(store_, std::move(store));

    DeskOptions desk;
    desk.till = options.till;
    desk.store = options.store;
    desk.workstation = options.workstation;
    desk.currency = checked.currency;
    desk.zone_offset = std::chrono::minutes{settings.zone_offset_minutes};
    desk.loyalty_ranges = checked.identifiers.loyalty_ranges;
    desk.country_code = settings.country_code;
    MUDI_TRY(desk_, Desk::open(std::move(desk), store_->storage(), random_));
    return {};
}

/// Opening writes too: what is kept back may have to help.
Result<std::unique_ptr<Store>> Agent::open_database(const StoreOptions& options) {
    auto store = Store::open(options, random_);
    if (store || store.error().code != Code::io || !reserve_->full() || !reserve_->give_back()) return store;
    log::warning("disk.pressure", {{"step", "reserve given back to open the database"}});
    return Store::open(options, random_);
}

Status Agent::open_api(boost::asio::io_context& io, const Settings& settings) {
    ApiParts parts{*desk_,
                   store_->replica(),
                   clock_,
                   random_,
                   [this](EventSeq last) {
                       if (sync_) sync_->captured(last);
                   },
                   [this] { return sync_ ? sync_->facts() : LinkFacts{}; },
                   [this] { return spool_ ? spool_->refused() : 0; },
                   points_line()};
    MUDI_TRY(api_,
             Api::open({settings.path("pairings"), settings.origins, settings.language}, std::move(parts)));
    http::ServerOptions options;
    options.tcp_port = static_cast<std::uint16_t>(settings.port);
    socket_path_ = settings.socket_path();
    options.unix_path = socket_path_;
    options.guard = api_->guard();
    MUDI_TRY(server_, http::Server::start(io, std::move(options), api_->handler()));
    return {};
}

Status Agent::start_sync(boost::asio::io_context& io, const Settings& settings) {
    SyncDriver::Server server{settings.server, {}, {}};
    MUDI_TRY(const auto certificate, read_pem(settings.certificate_file));
    MUDI_TRY(const auto key, read_pem(settings.key_file));
    if (settings.server.starts_with("tls+")) {
        MUDI_TRY(server.tls.ca_pem, read_pem(settings.ca_file));
        server.tls.certificate_pem = certificate;
        server.tls.key_pem = key;
        server.tls.server_name =
            settings.server_name.empty() ? host_of(settings.server) : settings.server_name;
    }
    SyncDriver::Parts parts{
        io,
        store_->replica(),
        clock_,
        random_,
        [this](const FeedOutcome& outcome) { feed_applied(outcome); },
        [this](bool linked, std::optional<Time> level_at) { server_seen(linked, level_at); }};
    if (settings.enrolled) {
        MUDI_TRY(parts.identity,
                 OwnIdentity::make(TillId{settings.till}, key, certificate, settings.certificate_file));
    }
    parts.on_hold = [this](RightsHolder own) { return desk_->on_hold(own); };
    MUDI_TRY(sync_, SyncDriver::start(std::move(parts), std::move(server)));
    return {};
}

Status Agent::open_spool(boost::asio::io_context& io, const Settings& settings) {
    MUDI_TRY(spool_, Spool::open(
                         io, settings.path("spool"),
                         [this](const std::string& document) { return api_->take_spooled(document); },
                         [this](const Error& error) { return api_->problem_text(error); }));
    return {};
}

void Agent::feed_applied(const FeedOutcome& outcome) {
    const auto touched = desk_->feed_applied(outcome.changed, outcome.settings_changed, clock_.wall());
    hand_over_captured();
    if (outcome.settings_changed) look_at_lead();
    if (!touched) return log::error("desk.feed", touched.error());
    api_->customers_updated(*touched);
}

void Agent::server_seen(bool linked, std::optional<Time> level_at) {
    desk_->server_seen({linked, level_at, sync_ ? sync_->facts().last_contact : std::nullopt});
    if (linked == linked_) return;
    linked_ = linked;
    log::info(linked ? "server.up" : "server.down");
    api_->server_linked(linked);
}

} // namespace mudi::till
