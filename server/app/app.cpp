#include "app.hpp"

#include <csignal>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mudi/base/file.hpp>
#include <mudi/base/log.hpp>
#include <mudi/http/server.hpp>
#include <mudi/server/publish.hpp>
#include <mudi/sync/identity.hpp>

#include "alarm_log.hpp"
#include "backup_keeper.hpp"
#include "certificates.hpp"
#include "data_dir.hpp"
#include "reader.hpp"
#include "rights_witness.hpp"
#include "sync_driver.hpp"
#include "writer.hpp"

namespace mudi::server {
namespace {

namespace asio = boost::asio;

constexpr std::size_t feed_reads_max = 20'000;
constexpr std::size_t api_reads_max = 256;
constexpr unsigned transport_stop_s_max = 3;
constexpr Duration alarms_every{std::chrono::seconds{5}};

std::int64_t resident_kib() {
    std::ifstream file("/proc/self/statm");
    std::int64_t all = 0;
    std::int64_t resident = 0;
    file >> all >> resident;
    return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

/// Every till is a descriptor.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

class App final : public Workers {
public:
    App(const Plan& plan, const Clock& clock)
        : plan_(plan), clock_(clock), started_(clock.mono()), signals_(io_, SIGTERM, SIGINT),
          alarm_timer_(io_), certificate_timer_(io_) {}

    Result<Ready> start();
    void run() { io_.run(); }
    /// After run(): lets go of everything, the database first.
    void close();
    /// Why it stopped, when nobody asked it to.
    [[nodiscard]] const std::optional<Error>& ended_by() const { return ended_by_; }

    // Workers
    bool read(std::function<void(ReadSide&)> job) override { return api_reader_->run(std::move(job)); }
    bool write(std::function<void(WriteSide&)> job) override { return writer_->run(std::move(job)); }
    void post(std::function<void()> job) override { asio::post(io_, std::move(job)); }
    Live live() override;
    void cut_off(TillId till) override { sync_->cut_off(till); }
    void backup(BackupWish wish, std::function<void(Result<BackupRow>)> done) override {
        backups_->ask(std::move(wish), std::move(done));
    }

private:
    /// For messages; a PostgreSQL address may hold a password.
    [[nodiscard]] std::string database_name() const {
        return plan_.database.engine == db::Engine::sqlite ? plan_.database.target : "PostgreSQL";
    }
    /// The chain's own authority and the certificate of this server, where they are needed.
    Status find_identity(Ready& ready);
    Status start_database();
    Status look_for_restore();
    [[nodiscard]] std::filesystem::path witness() const { return plan_.data_dir / "points.seen"; }
    Status start_readers();
    void start_writer();
    void start_backups();
    Status start_sync();
    Status start_http(const std::string& token);
    [[nodiscard]] bool tls() const { return plan_.sync_listen.starts_with("tls+tcp://"); }
    [[nodiscard]] bool enrolled() const { return plan_.access == sync::Access::enrolled; }
    [[nodiscard]] EnrolFacts enrol_facts() const;
    [[nodiscard]] SignTill sign_function() const;
    void look_for_alarms();
    [[nodiscard]] std::filesystem::path tls_folder() const { return plan_.data_dir / "tls"; }
    [[nodiscard]] sync::TlsServer tls_server() const;
    Status renew_certificate();
    void look_at_certificate();
    Post post_function() {
        return [this](std::function<void()> job) { asio::post(io_, std::move(job)); };
    }
    void stop();

    const Plan plan_;
    const Clock& clock_;
    const MonoTime started_;
    // Destroyed last: what is still posted goes with it, unrun.
    asio::io_context io_{1};
    asio::signal_set signals_;
    asio::steady_timer alarm_timer_;
    asio::steady_timer certificate_timer_;
    AlarmLog alarm_log_;
    SystemRandom random_;
    std::optional<Error> ended_by_;
    std::optional<FolderLock> lock_;
    TlsIdentity identity_; ///< where TLS or enrolment want one
    std::string ca_pem_;
    std::string certificate_problem_; ///< as last logged
    ServerKeys keys_;
    sync::Lineage lineage_;
    std::unique_ptr<Stores> stores_;
    std::unique_ptr<SyncDriver> sync_;
    // Closed after the readers: the last connection of SQLite takes its log into the file, and a reader could
    // not.
    std::unique_ptr<Writer> writer_;
    std::unique_ptr<Reader> feed_reader_;
    std::unique_ptr<Reader> api_reader_;
    std::unique_ptr<BackupKeeper> backups_;
    std::unique_ptr<http::Server> http_;
};

Result<Ready> App::start() {
    Ready ready;
    MUDI_CHECK(make_folder(plan_.data_dir.string(), 0700));
    MUDI_TRY(lock_, FolderLock::take(plan_.data_dir));
    ready.token = plan_.data_dir / "admin.token";
    MUDI_TRY(const auto token, operator_token(ready.token));
    MUDI_CHECK(find_identity(ready));
    if (const auto opened = start_database(); !opened) return fail(opened.error(), database_name());
    MUDI_CHECK(start_readers());
    sync_ = std::make_unique<SyncDriver>(io_, lineage_, plan_.access, plan_.stores, clock_);
    start_writer();
    if (const auto listening = start_sync(); !listening) return fail(listening.error(), plan_.sync_listen);
    start_backups();
    MUDI_CHECK(start_http(token));
    const bool v6 = plan_.http_address.find(':') != std::string::npos;
    ready.http_url = "http://" + (v6 ? "[" + plan_.http_address + "]" : plan_.http_address) + ":" +
                     std::to_string(http_->port());
    ready.sync_url = sync_->url();
    // Only now: a start that fails says one line.
    if (identity_.ca_made) log::info("server.authority_made", {{"ca", ready.ca.string()}});
    if (identity_.certificate_made) log::info("server.certificate_made");
    if (!enrolled()) {
        log::warning("sync.access_open",
                     {{"text", "ANY till may connect, without proof of who it is: for trials only. Set "
                               "[sync] access = \"enrolled\" and add tills with mudi server till add"}});
    }
    signals_.async_wait([this](boost::system::error_code error, int) {
        if (!error) stop();
    });
    look_for_alarms();
    look_at_certificate();
    return ready;
}

Status App::find_identity(Ready& ready) {
    if (!tls() && !enrolled()) return {};
    MUDI_TRY(identity_, tls_identity(tls_folder(), plan_.sync_names, clock_.wall()));
    MUDI_TRY(ca_pem_, ca_pem(tls_folder()));
    if (tls()) ready.ca = identity_.ca;
    return {};
}

Status App::start_database() {
    MUDI_TRY(auto opened, open_database(plan_.database, clock_.wall()));
    keys_ = opened.keys;
    lineage_ = std::move(opened.lineage);
    const auto published = publish_settings(*opened.connection, store_settings(plan_, keys_));
    if (!published) return tl::make_unexpected(published.error());
    stores_ = std::make_unique<Stores>(std::move(opened.connection), keys_, plan_);
    MUDI_CHECK(look_for_restore());
    return stores_->rights.adopt(plan_.points, clock_.wall());
}

/// Somebody may have put an earlier database in the place of this one without saying so.
Status App::look_for_restore() {
    MUDI_TRY(const auto moves, stores_->rights.moves());
    if (was_put_back(read_witness(witness()), moves)) {
        MUDI_TRY(auto transaction, db::WriteTransaction::begin(*stores_->connection));
        MUDI_TRY(const bool news, stores_->rights.settle_now(clock_.wall()));
        MUDI_CHECK(transaction.commit());
        if (news)
            log::warning(
                "points.put_back",
                {{"text", "the database is an earlier one than was here: no points are given out until "
                          "every till has told what it knows"}});
    }
    return write_witness(witness(), moves);
}

Status App::start_readers() {
    Reader::Options options{plan_.database, keys_, identifier_rules(plan_, keys_), feed_reads_max};
    MUDI_TRY(feed_reader_, Reader::start(options));
    options.jobs_max = api_reads_max;
    MUDI_TRY(api_reader_, Reader::start(std::move(options)));
    return {};
}

SignTill App::sign_function() const {
    if (!enrolled()) return {};
    return
        [folder = tls_folder(), life = plan_.certificate_life](std::string_view csr, TillId till, Time now) {
            return sign_till(folder, csr, till, now, life);
        };
}

void App::start_writer() {
    Writer::Events events{
        .greeted = [this](auto known) { sync_->greeted(std::move(known)); },
        .stored = [this](auto stored) { sync_->stored(std::move(stored)); },
        .reserved = [this](auto reserved) { sync_->reserved(std::move(reserved)); },
        .moved = [this](auto buckets) { sync_->moved(buckets); },
        .awaited = [this](const auto& tills) { sync_->greet_again(tills); },
        .database_back =
            [this] {
                ended_by_ = Error{Code::unavailable, "server.database_back",
                                  "the database was away and is back: start the server anew"};
                stop();
            },
    };
    Writer::Options options{
        .admission = {plan_.access, sync::verify_signature, sign_function()},
        .program = MUDI_VERSION,
        .reachable =
            [database = plan_.database] {
                return db::Connection::open(database).map([](std::unique_ptr<db::Connection>) {});
            },
        .limits = {},
        .witness = witness(),
    };
    writer_ = std::make_unique<Writer>(std::move(stores_), clock_, post_function(), std::move(events),
                                       std::move(options));
}

Status App::start_sync() {
    return sync_->listen(plan_.sync_listen, tls_server(), post_function(), *writer_, *feed_reader_);
}

sync::TlsServer App::tls_server() const {
    if (!tls()) return {};
    sync::TlsServer server = identity_.server;
    if (enrolled()) server.client_ca_pem = ca_pem_;
    return server;
}

/// The one on the disk, which is made anew long before its end.
Status App::renew_certificate() {
    MUDI_TRY(const auto authority, ca_pem(tls_folder()));
    // Every till trusts the one we began with.
    if (authority != ca_pem_)
        return fail(Code::corrupt, "tls.ca", "the authority in the server's folder is another one now");
    MUDI_TRY(auto found, tls_identity(tls_folder(), plan_.sync_names, clock_.wall()));
    if (found.server.certificate_pem == identity_.server.certificate_pem) return {};
    identity_ = std::move(found);
    MUDI_CHECK(sync_->renew(tls_server()));
    log::info("server.certificate_made");
    return {};
}

/// Often, because a clock that was set tells nobody.
void App::look_at_certificate() {
    if (!tls()) return;
    const auto renewed = renew_certificate();
    const auto problem = renewed ? std::string() : renewed.error().name;
    if (problem != std::exchange(certificate_problem_, problem) && !renewed)
        log::warning("server.certificate", renewed.error());
    certificate_timer_.expires_after(plan_.certificate_look_every);
    certificate_timer_.async_wait([this](boost::system::error_code error) {
        if (!error) look_at_certificate();
    });
}

void App::start_backups() {
    backups_ = std::make_unique<BackupKeeper>(
        BackupKeeper::Options{plan_.database, plan_.backup_folder, plan_.backup_every, plan_.backup_keep},
        clock_, [this](std::function<void(WriteSide&)> job) { return writer_->run(std::move(job)); },
        post_function());
}

EnrolFacts App::enrol_facts() const {
    EnrolFacts facts;
    facts.sign = sign_function();
    if (!facts.sign) return facts;
    facts.ca_pem = ca_pem_;
    const auto reach = reach_of(sync_->url(), plan_.sync_names);
    facts.sync_url = reach.url;
    facts.server_name = reach.name;
    return facts;
}

Status App::start_http(const std::string& token) {
    http::Router router;
    add_routes(router,
               {.version = MUDI_VERSION,
                .database = plan_.database.engine == db::Engine::sqlite ? "sqlite" : "postgresql",
                .access_open = !enrolled(),
                .currency = plan_.currency,
                .loyalty = plan_.loyalty,
                .points = plan_.points,
                .member_code_secret = std::string(secret_view(keys_)),
                .clock = &clock_,
                .random = &random_,
                .enrol = enrol_facts()},
               *this);
    http::ServerOptions options;
    options.address = plan_.http_address;
    options.tcp_port = plan_.http_port;
    options.body_bytes_max = api_body_bytes_max;
    options.guard = http::GuardPolicy{.port = 0,
                                      .origins = plan_.http_origins,
                                      .hosts = plan_.http_hosts,
                                      .tokens = {token},
                                      .token_known = {},
                                      .open_paths = open_paths()};
    MUDI_TRY(http_, http::Server::start(io_, std::move(options), std::move(router)));
    return {};
}

Live App::live() {
    const auto backup = backups_->state();
    return {.now = clock_.mono(),
            .connected = sync_->connections(),
            .uptime_s = (clock_.mono() - started_).count() / 1000,
            .rss_kib = resident_kib(),
            .contacts = sync_->contacts(),
            .apply_waits_since = writer_->apply_waits_since(),
            .points_unconfirmed = writer_->points_unconfirmed(),
            .backup_running = backup.running,
            .backup_failed = backup.failed};
}

void App::look_for_alarms() {
    alarm_log_.look(alarms_of(live()));
    alarm_timer_.expires_after(alarms_every);
    alarm_timer_.async_wait([this](boost::system::error_code error) {
        if (!error) look_for_alarms();
    });
}

void App::stop() {
    log::info("server.stopping");
    signals_.clear(); // a second signal ends the process the hard way, which is safe too
    http_->stop();
    io_.stop();
}

void App::close() {
    http_.reset();
    backups_.reset(); // it waits for the writer
    api_reader_.reset();
    feed_reader_.reset();
    writer_.reset();
    // The database is closed, nothing can be lost any more. NNG 1.5 may wait for ever for a connection that
    // ends while its data comes in: that must not keep the process.
    std::signal(SIGALRM, [](int) { ::_exit(0); });
    ::alarm(transport_stop_s_max);
    sync_->stop();
    sync_.reset();
    ::alarm(0);
}

} // namespace

Status serve(const Plan& plan, const Clock& clock, const std::function<void(const Ready&)>& ready) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN); // a file size limit is an error of the write, like a full disk
    raise_descriptor_limit();
    App app(plan, clock);
    MUDI_TRY(const auto reached, app.start());
    ready(reached);
    app.run();
    app.close();
    if (app.ended_by()) return tl::make_unexpected(*app.ended_by());
    return {};
}

} // namespace mudi::server
