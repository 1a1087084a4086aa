#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include <mudi/http/json.hpp>
#include <mudi/http/problem.hpp>
#include <mudi/http/router.hpp>
#include <mudi/http/server.hpp>
#include <mudi/sync/enrolment.hpp>

#include "cli/enrol.hpp"
#include "support/temp_dir.hpp"

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

std::string refusal_of(const std::string& url, const fs::path& data_dir, bool again = false) {
    const auto enrolled = enrol_till({url, code, data_dir, again});
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
