#include "api_fixture.hpp"

#include <stdexcept>

#include <mudi/base/random.hpp>
#include <mudi/server/schema.hpp>

namespace mudi::server::test {
namespace {

template <class T>
T need(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().name + ": " + result.error().what);
    return *std::move(result);
}

} // namespace

ApiFixture::ApiFixture(SignTill sign) : work_(io_.get_executor()) {
    db::Options options;
    options.target = folder_.file("mudi.db");
    options.durability = db::Durability::off;
    writer_ = need(db::Connection::open(options));
    if (const auto migrated = migrate(*writer_); !migrated) throw std::runtime_error(migrated.error().what);
    keys = need(load_or_make_keys(*writer_, random));
    lineage = need(begin_generation(*writer_, random, clock.wall()));
    rules.identifier_key = keys.identifier_key;
    rules.identifiers.member_code_key = keys.member_code_key;
    options.read_only = true;
    reader_ = need(db::Connection::open(options));
    read_side_ = std::make_unique<ReadSide>(*reader_, keys, rules.identifiers);
    stores = std::make_unique<WriteStores>(*writer_, rules, keys);

    http::Router router;
    add_routes(router,
               {.version = "1.2.3",
                .database = "sqlite",
                .access_open = false,
                .currency = inr,
                .member_code_secret = std::string(secret_view(keys)),
                .clock = &clock,
                .random = &random,
                .enrol = {std::move(sign), "the authority", "tls+tcp://127.0.0.1:7443", "127.0.0.1"}},
               *this);
    http::ServerOptions server_options;
    server_options.tcp_port = 0;
    server_options.body_bytes_max = api_body_bytes_max;
    http::GuardPolicy policy;
    policy.tokens = {token};
    policy.open_paths = open_paths();
    server_options.guard = policy;
    server_ = need(http::Server::start(io_, server_options, std::move(router)));
    loop_ = std::thread([this] { io_.run(); });
}

ApiFixture::~ApiFixture() {
    on_loop([this] { server_->stop(); });
    io_.stop();
    loop_.join();
    stores.reset(); // its statements go before the connection they belong to
}

ApiFixture::Answer ApiFixture::call(const std::string& method, const std::string& target,
                                    const std::string& body, const std::string& with_token) {
    http::Client client(http::Target::tcp("127.0.0.1", server_->port()));
    http::Call call;
    call.method = method;
    call.target = target;
    call.body = body;
    call.timeout = Duration{30'000};
    if (!with_token.empty()) call.headers.set("Authorization", "Bearer " + with_token);
    const auto response = need(client.send(call));
    return {response.status, nlohmann::json::parse(response.body, nullptr, false), response.body,
            response.content_type, std::string(response.headers.find("Retry-After"))};
}

void ApiFixture::apply_all() {
    on_loop([this] {
        while (need(stores->apply.apply_some(Apply::chunk, clock.wall())).more) {
        }
        while (need(stores->offers.refresh_some(OfferRefresh::chunk, clock.wall())).more) {
        }
    });
}

Live ApiFixture::live() {
    return {.now = clock.mono(),
            .connected = 2,
            .uptime_s = 77,
            .rss_kib = 4096,
            .contacts = contacts,
            .apply_waits_since = apply_waits_since,
            .backup_running = false,
            .backup_failed = backup_failed};
}

bool ApiFixture::read(std::function<void(ReadSide&)> job) {
    if (!full) job(*read_side_);
    return !full;
}

bool ApiFixture::write(std::function<void(WriteSide&)> job) {
    if (full) return false;
    WriteSide side{stores->apply, stores->import, stores->enrolment, stores->backups, stores->rights, {}};
    job(side);
    return true;
}

} // namespace mudi::server::test
