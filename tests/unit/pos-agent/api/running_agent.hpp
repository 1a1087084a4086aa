#pragma once

#include <functional>
#include <string>
#include <thread>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/base/file.hpp>
#include <mudi/http/client.hpp>
#include <mudi/http/event_reader.hpp>
#include <mudi/http/json.hpp>
#include <mudi/sync/event.hpp>
#include <mudi/till/store.hpp>

#include <pos-agent/app/agent.hpp>
#include <pos-agent/app/machine.hpp>
#include <support/temp_dir.hpp>

namespace mudi::test {

inline constexpr const char* known_card = "2900000000018";

/// What the server has told a till before the test.
struct Told {
    crm::StoreSettings shop;
    crm::ProfileSlice slice;
};
using Tell = std::function<void(Told& told, RightsHolder holder)>;

/// A till that knows one customer with a card, an offer on tea and 120 points, as the server's feed would
/// have told it.
inline void fill_till(const till::Settings& settings, const Tell& tell) {
    SystemRandom random;
    till::StoreOptions options;
    options.path = settings.path("till.db");
    options.till = TillId{settings.till};
    options.store = StoreId{settings.store};
    options.workstation = WorkstationId{settings.workstation};
    options.data_key.data.fill(7);
    REQUIRE(write_file(settings.path("till.key"), to_hex(view(options.data_key)) + "\n", 0600));
    till::FileWitness witness(settings.rights_witness);
    options.witness = &witness;
    options.machine = till::machine_hash();
    auto store = till::Store::open(options, random);
    REQUIRE(store);

    Told told;
    auto& [shop, slice] = told;
    shop.identifier_key.data.fill(9);
    shop.offline_points = crm::OfflinePoints::floor_limit;
    slice.id = ProfileId{17};
    slice.name = "কমলা দাস";
    slice.language = "bn";
    slice.tier = "silver";
    slice.balance = Points{120};
    slice.identifiers = {crm::identifier_hash(shop.identifier_key, {crm::IdentifierKind::card, known_card})};
    crm::Offer tea;
    tea.id = OfferId{{1, 2}};
    tea.kind = crm::OfferKind::favourite_category;
    tea.category = "tea";
    tea.percent = BasisPoints{1000};
    tea.amount_off = tea.basket_min = tea.discount_max = Money{0, inr};
    tea.valid_from = time_from_ms(0);
    tea.valid_to = SystemClock().wall() + std::chrono::hours{24};
    tea.reason = {"", "tea", 0, 0, 5};
    slice.offers = {tea};
    if (tell) tell(told, (*store)->replica().state().holder);
    const auto row = [](std::int64_t version, sync::FeedKind kind, std::string key, std::string body) {
        return sync::FeedRow{version, static_cast<std::uint32_t>(kind), std::move(key), false,
                             std::move(body)};
    };
    till::FeedBatch batch;
    batch.rows = {row(1, sync::FeedKind::settings, "settings", sync::encode(shop)),
                  row(2, sync::FeedKind::profile, "17", sync::encode(slice))};
    batch.cursor = {1, 2};
    batch.complete = true;
    REQUIRE((*store)->replica().apply_feed(batch));
    REQUIRE((*store)->storage().keep(till::ServerHeard{SystemClock().wall()}));
}

/// A whole agent in this process: real database, real HTTP on a free port and a socket, no server. Its loop
/// has a thread; the test talks to it as a POS program does.
class RunningAgent {
public:
    explicit RunningAgent(const std::function<void(till::Settings&)>& change = {}, const Tell& tell = {}) {
        settings.data_dir = folder.path().string();
        settings.till = 3;
        settings.store = "KOL01";
        settings.workstation = "2";
        settings.port = 0;
        settings.durability = "off";
        settings.disk_reserve_mib = 0;
        settings.rights_witness = folder.file("rights");
        settings.origins = {"https://pos.example"};
        if (change) change(settings);
        fill_till(settings, tell);
        start();
        token = pair();
    }
    RunningAgent(const RunningAgent&) = delete;
    RunningAgent& operator=(const RunningAgent&) = delete;
    ~RunningAgent() { stop(); }

    void start() {
        auto started = till::Agent::start(io_, settings, clock_);
        INFO((started ? std::string("ok") : started.error().what));
        REQUIRE(started);
        agent_ = *std::move(started);
        lending_at_ = agent_->lending_at();
        thread_ = std::thread([this] {
            io_.restart();
            const auto work = boost::asio::make_work_guard(io_);
            io_.run();
        });
    }

    void stop() {
        if (!thread_.joinable()) return;
        boost::asio::post(io_, [this] {
            agent_->stop();
            io_.stop();
        });
        thread_.join();
        agent_.reset();
    }

    /// Where it lends to its neighbours, if it did when it was started.
    [[nodiscard]] std::string lending_at() const { return lending_at_; }

    [[nodiscard]] http::Target tcp() const { return http::Target::tcp("127.0.0.1", agent_->port()); }
    [[nodiscard]] http::Target socket() const { return http::Target::unix_socket(settings.socket_path()); }

    http::Response send(const http::Target& target, http::Call call) const {
        if (!target.address.empty() && !call.headers.has("Authorization"))
            call.headers.add("Authorization", "Bearer " + token);
        auto response = http::Client(target).send(call);
        INFO((response ? std::string("ok") : response.error().what));
        REQUIRE(response);
        return *std::move(response);
    }
    http::Response text(const std::string& method, const std::string& path, std::string body,
                        http::Headers headers = {}) const {
        http::Call call;
        call.method = method;
        call.target = path;
        call.body = std::move(body);
        call.headers = std::move(headers);
        return send(tcp(), std::move(call));
    }
    /// The answer to a call that must succeed.
    nlohmann::json ask(const std::string& method, const std::string& path,
                       const nlohmann::json& body = {}) const {
        const auto response = text(method, path, body.is_null() ? "" : body.dump());
        INFO(method << " " << path << " -> " << response.status << " " << response.body);
        REQUIRE(response.status < 300);
        return response.body.empty() ? nlohmann::json() : nlohmann::json::parse(response.body);
    }
    void refuse(const std::string& method, const std::string& path, const nlohmann::json& body, int status,
                const std::string& code) const {
        const auto response = text(method, path, body.dump());
        INFO(method << " " << path << " " << body << " -> " << response.body);
        CHECK(response.status == status);
        CHECK(nlohmann::json::parse(response.body)["code"] == code);
    }

    till::Settings settings;
    std::string token;
    TempDir folder;

private:
    std::string pair() const {
        http::Call code;
        code.method = "POST";
        code.target = "/v1/pairing-codes";
        const auto given = send(socket(), code);
        http::Call redeem;
        redeem.method = "POST";
        redeem.target = "/v1/pair";
        redeem.body = given.body;
        redeem.headers.add("Authorization", "none");
        return nlohmann::json::parse(send(tcp(), redeem).body)["token"];
    }

    boost::asio::io_context io_{1};
    SystemClock clock_;
    std::unique_ptr<till::Agent> agent_;
    std::string lending_at_;
    std::thread thread_;
};

/// Two packets of tea for 104.00, paid in cash.
inline nlohmann::json good_sale(const std::string& number) {
    return {{"number", number},
            {"operator", "asha"},
            {"lines",
             {{{"item", "8901030865275"},
               {"category", "tea"},
               {"quantity", 2000},
               {"unit_price", 5200},
               {"amount", 10400}}}},
            {"tenders", {{{"kind", "cash"}, {"amount", 10400}}}},
            {"total", 10400}};
}

} // namespace mudi::test
