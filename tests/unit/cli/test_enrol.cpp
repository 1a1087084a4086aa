#include <catch2/catch.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include <mudi/http/json.hpp>
#include <mudi/http/problem.hpp>
#include <mudi/http/router.hpp>
#include <mudi/http/server.hpp>
#include <mudi/sync/enrolment.hpp>
#include <mudi/sync/identity.hpp>

#include "cli/enrol.hpp"
#include "support/temp_dir.hpp"
#include "unit/sync/authority.hpp"

using namespace mudi;
using namespace mudi::cli;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr const char* code = "ABCDE-FGHJK-MNPQR-STVWX";

/// Somebody who answers POST /enrol; whether honestly is the test's matter.
class Answerer {
public:
    using Answer = std::function<http::Response(const sync::EnrolRequest&)>;
    explicit Answerer(Answer answer) : answer_(std::move(answer)) {
        http::Router router;
        router.add("POST", "/enrol", [this](const http::Request& request) {
            const auto asked = json::parse(request.body);
            return answer_({bits128_from_hex(asked.at("code_id").get<std::string>()).value(), asked.at("csr"),
                            bits128_from_hex(asked.at("mac").get<std::string>()).value()});
        });
        http::ServerOptions options;
        options.tcp_port = 0;
        server_ = http::Server::start(io_, options, std::move(router)).value();
        loop_ = std::thread([this] { io_.run(); });
    }
    ~Answerer() {
        boost::asio::post(io_, [this] { server_->stop(); });
        io_.stop();
        loop_.join();
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

private:
    Answer answer_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
    std::unique_ptr<http::Server> server_;
    std::thread loop_;
};

sync::EnrolAnswer some_answer() {
    sync::EnrolAnswer answer;
    answer.till = TillId{3};
    answer.store = StoreId{"KOL01"};
    answer.workstation = WorkstationId{"2"};
    answer.certificate_pem = "-----BEGIN CERTIFICATE-----\nno certificate\n-----END CERTIFICATE-----\n";
    answer.ca_pem = "an authority of his own";
    answer.sync_url = "tls+tcp://127.0.0.1:7443";
    return answer;
}

http::Response document(const sync::EnrolAnswer& answer) {
    return http::json_response({{"till", answer.till.value},
                                {"store", answer.store.value},
                                {"workstation", answer.workstation.value},
                                {"certificate", answer.certificate_pem},
                                {"ca", answer.ca_pem},
                                {"sync_url", answer.sync_url},
                                {"server_name", answer.server_name},
                                {"mac", to_hex(answer.mac)}});
}

/// Answers like Answerer, but `lost` answers end half-way: the server has done its part, the till hears
/// nothing.
class Lossy {
public:
    Lossy(Answerer::Answer answer, int lost) : answer_(std::move(answer)), lost_(lost) {
        loop_ = std::thread([this] { serve(); });
    }
    ~Lossy() {
        stopping_ = true;
        boost::asio::ip::tcp::socket wakes(io_);
        boost::system::error_code ignored;
        wakes.connect(acceptor_.local_endpoint(), ignored);
        loop_.join();
    }
    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    }

private:
    void serve() {
        for (;;) {
            boost::asio::ip::tcp::socket peer(io_);
            acceptor_.accept(peer);
            if (stopping_) return;
            boost::system::error_code closed;
            std::string text;
            const auto head =
                boost::asio::read_until(peer, boost::asio::dynamic_buffer(text), "\r\n\r\n", closed);
            if (closed) continue;
            const auto length = text.find("Content-Length: ");
            const auto size = std::stoul(text.substr(length + 16));
            if (text.size() < head + size) {
                boost::asio::read(peer, boost::asio::dynamic_buffer(text),
                                  boost::asio::transfer_exactly(head + size - text.size()), closed);
            }
            const auto asked = json::parse(text.substr(head));
            const auto answer =
                answer_({bits128_from_hex(asked.at("code_id").get<std::string>()).value(), asked.at("csr"),
                         bits128_from_hex(asked.at("mac").get<std::string>()).value()});
            const std::string reply =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                std::to_string(answer.body.size()) + "\r\n\r\n" + answer.body;
            const auto heard = lost_-- > 0 ? reply.size() / 2 : reply.size();
            boost::asio::write(peer, boost::asio::buffer(reply.data(), heard), closed);
        }
    }

    Answerer::Answer answer_;
    int lost_;
    std::atomic<bool> stopping_{false};
    boost::asio::io_context io_;
    boost::asio::ip::tcp::acceptor acceptor_{io_, {boost::asio::ip::address_v4::loopback(), 0}};
    std::thread loop_;
};

/// A machine's clock that stands where the test puts it.
struct SetClock final : Clock {
    [[nodiscard]] Time wall() const override { return at; }
    [[nodiscard]] MonoTime mono() const override { return {}; }
    Time at{SystemClock{}.wall()};
};

/// An honest server: signs whatever key it is asked for, and counts.
struct Honest {
    http::Response operator()(const sync::EnrolRequest& request) {
        requests.push_back(request.csr_pem);
        auto answer = some_answer();
        answer.certificate_pem = authority.sign(request.csr_pem, "till-3");
        answer.ca_pem = authority.pem();
        return document(sync::authenticated(sync::code_key(code), request, std::move(answer)));
    }
    test::Authority authority;
    std::vector<std::string> requests;
};

std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string refusal_of(const std::string& url, const fs::path& data_dir, bool again = false,
                       const Clock& clock = SystemClock{}) {
    const auto enrolled = enrol_till({url, code, data_dir, again}, clock);
    return enrolled ? std::string("enrolled") : enrolled.error().name;
}

} // namespace

TEST_CASE("whoever answers without knowing the code is not believed, and nothing of it is written") {
    test::TempDir folder;
    const Answerer guesses([](const sync::EnrolRequest& request) {
        const auto other = sync::code_key("ABCDE-FGHJK-MNPQR-STVWY");
        return document(sync::authenticated(other, request, some_answer()));
    });
    CHECK(refusal_of(guesses.url(), folder.path() / "a") == "enrol.not_genuine");
    const Answerer silent([](const sync::EnrolRequest&) { return http::json_response(json::object()); });
    CHECK(refusal_of(silent.url(), folder.path() / "a") == "enrol.not_genuine");
    // An honest answer in which somebody on the way changed where the till shall go.
    const Answerer changed([](const sync::EnrolRequest& request) {
        auto answer = sync::authenticated(sync::code_key(code), request, some_answer());
        answer.sync_url = "tls+tcp://10.6.6.6:7443";
        return document(answer);
    });
    CHECK(refusal_of(changed.url(), folder.path() / "a") == "enrol.not_genuine");
    // … and one that was meant for another request.
    const Answerer replayed([](const sync::EnrolRequest& request) {
        auto other = request;
        other.csr_pem += " ";
        return document(sync::authenticated(sync::code_key(code), other, some_answer()));
    });
    CHECK(refusal_of(replayed.url(), folder.path() / "a") == "enrol.not_genuine");
    CHECK(fs::is_empty(folder.path() / "a"));
}

TEST_CASE("a certificate that is none is refused even from the right server") {
    test::TempDir folder;
    const Answerer honest([](const sync::EnrolRequest& request) {
        CHECK(sync::is_genuine(sync::code_key(code), request));
        return document(sync::authenticated(sync::code_key(code), request, some_answer()));
    });
    CHECK(refusal_of(honest.url(), folder.path() / "a") == "identity.certificate");
    CHECK_FALSE(fs::exists(folder.path() / "a" / "identity"));
}

TEST_CASE("the server's refusal comes through by its name, an absent server is told as such") {
    test::TempDir folder;
    std::string url;
    {
        const Answerer used([](const sync::EnrolRequest&) {
            return http::problem(Error{Code::denied, "code.used", "this code was used already"});
        });
        url = used.url();
        CHECK(refusal_of(url, folder.path() / "a") == "code.used");
        const Answerer full([](const sync::EnrolRequest&) {
            return http::problem(429, Error{Code::busy, "enrol.too_many", "wait a minute"});
        });
        const auto enrolled = enrol_till({full.url(), code, folder.path() / "a", false});
        REQUIRE_FALSE(enrolled);
        CHECK(enrolled.error().name == "enrol.too_many");
        CHECK(enrolled.error().code == Code::busy);
    }
    const auto away = enrol_till({url, code, folder.path() / "a", false});
    REQUIRE_FALSE(away);
    CHECK(away.error().name == "http.connect");
    CHECK_THAT(away.error().what, Catch::Contains(url));
    CHECK(refusal_of("ftp://x", folder.path() / "a") == "cli.url");
    CHECK(refusal_of("http://no-such-host.invalid:7080", folder.path() / "a") == "cli.host");
}

TEST_CASE("an answer that is lost costs nothing: the same code enrols the same key") {
    test::TempDir folder;
    Honest honest;
    const Answerer::Answer answer = [&](const sync::EnrolRequest& request) { return honest(request); };
    SECTION("within the command") {
        const Lossy server(answer, 1);
        CHECK(refusal_of(server.url(), folder.path() / "a") == "enrolled");
        CHECK(honest.requests.size() == 2);
    }
    SECTION("or when it is given again") {
        const Lossy server(answer, 2);
        const auto first = enrol_till({server.url(), code, folder.path() / "a", false});
        REQUIRE_FALSE(first);
        CHECK(first.error().code == Code::unavailable);
        CHECK_FALSE(fs::exists(folder.path() / "a" / "identity"));
        CHECK(refusal_of(server.url(), folder.path() / "a") == "enrolled");
        CHECK(honest.requests.size() == 3);
    }
    const auto key = sync::TillKey::from_pem(text_of(folder.path() / "a" / "identity" / "key.pem"));
    REQUIRE(key);
    for (const auto& request : honest.requests) {
        const auto facts = sync::read_certificate(honest.authority.sign(request, "till-3"));
        CHECK(facts->public_key == key->public_key());
    }
    CHECK_FALSE(fs::exists(folder.path() / "a" / "identity.new"));
}

TEST_CASE("a machine whose clock calls the certificate invalid is told so, and is enrolled once it is set") {
    test::TempDir folder;
    Honest honest;
    const Answerer server([&](const sync::EnrolRequest& request) { return honest(request); });
    const auto facts = *sync::read_certificate(
        honest.authority.sign(sync::TillKey::make()->request(TillId{}).value(), "till-3"));
    SetClock clock;
    SECTION("years ahead") { clock.at = facts.not_after + std::chrono::days{3}; }
    SECTION("years behind") { clock.at = facts.not_before - std::chrono::days{365}; }
    const auto refused = enrol_till({server.url(), code, folder.path() / "a", false}, clock);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().name == "enrol.clock");
    CHECK_THAT(refused.error().what, Catch::Contains(format_time(clock.at)));
    CHECK_FALSE(fs::exists(folder.path() / "a" / "identity"));
    clock.at = facts.not_before + std::chrono::seconds{3600};
    CHECK(refusal_of(server.url(), folder.path() / "a", false, clock) == "enrolled");
    REQUIRE(honest.requests.size() == 2);
    const auto asked = [&](std::size_t i) {
        return sync::read_certificate(honest.authority.sign(honest.requests.at(i), "till-3"))->public_key;
    };
    CHECK(asked(0) == asked(1)); // the code is spent on this key
}

TEST_CASE("a certificate begins and ends to the millisecond") {
    test::TempDir folder;
    test::Authority authority;
    const auto key = *sync::TillKey::make();
    const std::string pem = authority.sign(key.request(TillId{}).value(), "till-3");
    const auto facts = *sync::read_certificate(pem);
    const Answerer server([&](const sync::EnrolRequest& request) {
        auto answer = some_answer();
        answer.certificate_pem = pem;
        return document(sync::authenticated(sync::code_key(code), request, std::move(answer)));
    });
    SetClock clock;
    const auto at = [&](Time time) {
        clock.at = time;
        const auto data = folder.path() / std::to_string(to_ms(time));
        fs::create_directories(data / "identity.new");
        std::ofstream(data / "identity.new" / "key.pem") << key.pem().value(); // of an attempt before
        return refusal_of(server.url(), data, false, clock);
    };
    CHECK(at(facts.not_before - Duration{1}) == "enrol.clock");
    CHECK(at(facts.not_before) == "enrolled");
    CHECK(at(facts.not_after - Duration{1}) == "enrolled");
    CHECK(at(facts.not_after) == "enrol.clock");
}

TEST_CASE("an identity that is replaced is kept aside, and one that is refused leaves nothing") {
    test::TempDir folder;
    const auto data = folder.path() / "a";
    Honest honest;
    const Answerer server([&](const sync::EnrolRequest& request) { return honest(request); });
    REQUIRE(refusal_of(server.url(), data) == "enrolled");
    const auto first = text_of(data / "identity" / "key.pem");
    REQUIRE(refusal_of(server.url(), data, true) == "enrolled");
    CHECK(text_of(data / "identity" / "key.pem") != first);
    CHECK(text_of(data / "identity.old" / "key.pem") == first);
    CHECK(fs::status(data / "identity").permissions() == fs::perms::owner_all);
    REQUIRE(refusal_of(server.url(), data, true) == "enrolled");
    CHECK(text_of(data / "identity.old" / "key.pem") != first);
    const Answerer refuses([](const sync::EnrolRequest&) {
        return http::problem(Error{Code::denied, "code.expired", "too old"});
    });
    CHECK(refusal_of(refuses.url(), data, true) == "code.expired");
    CHECK_FALSE(fs::exists(data / "identity.new"));
}

TEST_CASE(
    "a folder that is enrolled is asked nothing, and a new configuration never takes an old one's place") {
    test::TempDir folder;
    const auto data = folder.path() / "data";
    fs::create_directories(data / "identity");
    std::ofstream(data / "identity" / "certificate.pem") << "x";
    int asked = 0;
    const Answerer counts([&](const sync::EnrolRequest&) {
        ++asked;
        return http::problem(Error{Code::denied, "code.used", "used"});
    });
    CHECK(refusal_of(counts.url(), data) == "enrol.already");
    CHECK(asked == 0);
    CHECK(refusal_of(counts.url(), data, true) == "code.used");
    CHECK(asked == 1);
    CHECK(fs::exists(data / "identity" / "certificate.pem"));

    const auto config = folder.path() / "etc" / "till.toml";
    CHECK(write_till_config(config, data).value());
    CHECK_FALSE(write_till_config(config, "/elsewhere").value());
    std::ifstream file(config);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    CHECK_THAT(text, Catch::Contains("data_dir = \"" + data.string() + "\""));
}
