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

#include <mudi/base/file.hpp>
#include <mudi/base/log.hpp>
#include <mudi/http/server.hpp>
#include <mudi/server/publish.hpp>

#include "certificates.hpp"
#include "data_dir.hpp"
#include "reader.hpp"
#include "sync_driver.hpp"
#include "writer.hpp"

namespace mudi::server {
namespace {

namespace asio = boost::asio;

constexpr std::size_t feed_reads_max = 20'000;
constexpr std::size_t api_reads_max = 256;
constexpr unsigned transport_stop_s_max = 3;

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
        : plan_(plan), clock_(clock), started_(clock.mono()), signals_(io_, SIGTERM, SIGINT) {}

    Result<Ready> start();
    void run() { io_.run(); }
    /// After run(): lets go of everything, the database first.
    void close();

    // Workers
    bool read(std::function<void(ReadSide&)> job) override { return api_reader_->run(std::move(job)); }
    bool write(std::function<void(WriteSide&)> job) override { return writer_->run(std::move(job)); }
    void post(std::function<void()> job) override { asio::post(io_, std::move(job)); }
    Live live() override;

private:
    /// For messages; a PostgreSQL address may hold a password.
    [[nodiscard]] std::string database_name() const {
        return plan_.database.engine == db::Engine::sqlite ? plan_.database.target : "PostgreSQL";
    }
    Status start_database();
    Status start_readers();
    void start_writer();
    Status start_http(const std::string& token);
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
    std::optional<FolderLock> lock_;
    bool authority_made_{};
    bool certificate_made_{};
    ServerKeys keys_;
    std::unique_ptr<Stores> stores_;
    std::unique_ptr<SyncDriver> sync_;
    // Closed after the readers: the last connection of SQLite takes its log into the file, and a reader could
    // not.
    std::unique_ptr<Writer> writer_;
    std::unique_ptr<Reader> feed_reader_;
    std::unique_ptr<Reader> api_reader_;
    std::unique_ptr<http::Server> http_;
};

Result<Ready> App::start() {
    Ready ready;
    MUDI_CHECK(make_folder(plan_.data_dir.string(), 0700));
    MUDI_TRY(lock_, FolderLock::take(plan_.data_dir));
    ready.token = plan_.data_dir / "admin.token";
    MUDI_TRY(const auto token, operator_token(ready.token));
    sync::TlsServer tls;
    if (plan_.sync_listen.starts_with("tls+tcp://")) {
        MUDI_TRY(const auto identity, tls_identity(plan_.data_dir / "tls", plan_.sync_names, clock_.wall()));
        tls = identity.server;
        ready.ca = identity.ca;
        authority_made_ = identity.ca_made;
        certificate_made_ = identity.certificate_made;
    }
    if (const auto opened = start_database(); !opened) return fail(opened.error(), database_name());
    MUDI_CHECK(start_readers());
    sync_ = std::make_unique<SyncDriver>(io_, keys_.generation, plan_.stores, clock_);
    start_writer();
    const auto listening = sync_->listen(plan_.sync_listen, tls, post_function(), *writer_, *feed_reader_);
    if (!listening) return fail(listening.error(), plan_.sync_listen);
    MUDI_CHECK(start_http(token));
    const bool v6 = plan_.http_address.find(':') != std::string::npos;
    ready.http_url = "http://" + (v6 ? "[" + plan_.http_address + "]" : plan_.http_address) + ":" +
                     std::to_string(http_->port());
    ready.sync_url = sync_->url();
    // Only now: a start that fails says one line.
    if (authority_made_) log::info("server.authority_made", {{"ca", ready.ca.string()}});
    if (certificate_made_) log::info("server.certificate_made");
    signals_.async_wait([this](boost::system::error_code error, int) {
        if (!error) stop();
    });
    return ready;
}

Status App::start_database() {
    MUDI_TRY(auto opened, open_database(plan_.database));
    keys_ = opened.keys;
    const auto published = publish_settings(*opened.connection, store_settings(plan_, keys_));
    if (!published) return tl::make_unexpected(published.error());
    stores_ = std::make_unique<Stores>(std::move(opened.connection), keys_, plan_);
    return {};
}

Status App::start_readers() {
    Reader::Options options{plan_.database, keys_, identifier_rules(plan_, keys_), feed_reads_max};
    MUDI_TRY(feed_reader_, Reader::start(options));
    options.jobs_max = api_reads_max;
    MUDI_TRY(api_reader_, Reader::start(std::move(options)));
    return {};
}

void App::start_writer() {
    const auto reopen = [plan = plan_, keys = keys_]() -> Result<std::unique_ptr<Stores>> {
        MUDI_TRY(auto opened, open_database(plan.database));
        if (opened.keys.generation != keys.generation) {
            return fail(Code::conflict, "server.other_database",
                        "another database came back; start the server anew");
        }
        return std::make_unique<Stores>(std::move(opened.connection), keys, plan);
    };
    Writer::Events events{
        .greeted = [this](auto token, auto mark) { sync_->greeted(token, std::move(mark)); },
        .stored = [this](auto token, auto mark) { sync_->stored(token, std::move(mark)); },
        .moved = [this](auto buckets) { sync_->moved(buckets); },
    };
    writer_ =
        std::make_unique<Writer>(std::move(stores_), reopen, clock_, post_function(), std::move(events));
}

Status App::start_http(const std::string& token) {
    http::Router router;
    add_routes(router,
               {.version = MUDI_VERSION,
                .database = plan_.database.engine == db::Engine::sqlite ? "sqlite" : "postgresql",
                .generation = keys_.generation,
                .currency = plan_.currency,
                .member_code_secret = std::string(secret_view(keys_)),
                .clock = &clock_},
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
    return {.connected = sync_->connections(),
            .uptime_s = (clock_.mono() - started_).count() / 1000,
            .rss_kib = resident_kib(),
            .contacts = sync_->contacts()};
}

void App::stop() {
    log::info("server.stopping");
    signals_.clear(); // a second signal ends the process the hard way, which is safe too
    http_->stop();
    io_.stop();
}

void App::close() {
    http_.reset();
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
    return {};
}

} // namespace mudi::server
