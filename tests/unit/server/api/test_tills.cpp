#include <catch2/catch.hpp>

#include <string>

#include <mudi/sync/enrolment.hpp>
#include <mudi/sync/identity.hpp>

#include "unit/sync/authority.hpp"

#include "api_fixture.hpp"

using namespace mudi;
using namespace mudi::server;
using nlohmann::json;
using server::test::ApiFixture;

namespace {

/// Takes no request: what matters here is who is asked to sign at all.
struct Signer {
    std::vector<TillId> asked;
    SignTill function() {
        return [this](std::string_view, TillId till, Time) -> Result<std::string> {
            asked.push_back(till);
            return fail(Code::invalid, "tls.csr", "not a request");
        };
    }
};

std::string enrol_body(const sync::EnrolRequest& request) {
    return json{{"code_id", to_hex(request.code_id)}, {"csr", request.csr_pem}, {"mac", to_hex(request.mac)}}
        .dump();
}

std::string some_request() { return sync::TillKey::make()->request(TillId{}).value(); }

ApiFixture::Answer enrol(ApiFixture& api, const std::string& code) {
    return api.call("POST", "/enrol", enrol_body(sync::make_enrol_request(code, some_request())), "");
}

} // namespace

TEST_CASE("a till is added with a code that is shown once") {
    ApiFixture api;
    const auto added = api.post_body("/api/v1/tills", R"({"store":"KOL01","workstation":"3","lead":true})");
    CHECK(added.status == 201);
    CHECK(added.body["till"] == 1);
    const auto code = added.body["code"].get<std::string>();
    CHECK(sync::normal_code(code) == code);
    const auto left_ms = added.body["code_expires_us"].get<std::int64_t>() / 1000 - to_ms(api.clock.wall());
    CHECK(left_ms > 59 * 60'000);
    CHECK(left_ms <= 60 * 60'000);

    const auto listed = api.get("/api/v1/tills");
    REQUIRE(listed.body["tills"].size() == 1);
    const auto till = listed.body["tills"][0];
    CHECK(till["till"] == 1);
    CHECK(till["lead"] == true);
    CHECK(till["enrolled"] == false);
    CHECK(till["revoked"] == false);
    CHECK(till["connected"] == false);
    CHECK(till["last_contact_us"] == 0);
    CHECK(till["certificate_days"].is_null());
    CHECK(till["code_expires_us"] == added.body["code_expires_us"]);
    CHECK(listed.text.find(code) == std::string::npos);

    CHECK(api.post_body("/api/v1/tills", R"({"store":"KOL01","workstation":"4","till":17})").body["till"] ==
          17);
    CHECK(api.post_body("/api/v1/tills", R"({"store":"KOL01","workstation":"5"})").body["till"] == 18);
}

TEST_CASE("a till that cannot be added is refused with the reason") {
    ApiFixture api;
    REQUIRE(api.post_body("/api/v1/tills", R"({"store":"KOL01","workstation":"3"})").status == 201);
    const auto code_of = [&](const char* body) { return api.post_body("/api/v1/tills", body).body["code"]; };
    CHECK(code_of(R"({"store":"KOL01","workstation":"3"})") == "till.exists");
    CHECK(code_of(R"({"store":"KOL01","workstation":"4","till":1})") == "till.exists");
    CHECK(code_of(R"({"store":"KOL01","workstation":"4","till":-1})") == "till.number");
    CHECK(code_of(R"({"store":"","workstation":"4"})") == "till.store");
    CHECK(code_of(R"({"workstation":"4"})") == "request.body");
    CHECK(code_of(R"({"store":"KOL01","workstation":4})") == "request.body");
    CHECK(code_of(R"({"store":"KOL01","workstation":"4","till":"5"})") == "request.body");
    CHECK(code_of("[]") == "request.body");
    CHECK(code_of("{") == "json.syntax");
}

TEST_CASE("a new code is given out for a till that is there, and revoking cuts its connections") {
    ApiFixture api;
    const auto added = api.post_body("/api/v1/tills", R"({"store":"KOL01","workstation":"3"})").body;
    const auto again = api.post_body("/api/v1/tills/1/code");
    CHECK(again.status == 200);
    CHECK(again.body["code"] != added["code"]);
    CHECK(again.body["store"] == "KOL01");
    CHECK(api.post_body("/api/v1/tills/2/code").body["code"] == "till.unknown");
    CHECK(api.post_body("/api/v1/tills/x/code").status == 404);

    CHECK(api.post_body("/api/v1/tills/1/revoke").body["revoked_us"] > 0);
    CHECK(api.cut == std::vector<TillId>{TillId{1}});
    CHECK(api.get("/api/v1/tills").body["tills"][0]["revoked"] == true);
    CHECK(api.get("/api/v1/tills").body["tills"][0]["code_expires_us"].is_null());
    CHECK(api.post_body("/api/v1/tills/2/revoke").body["code"] == "till.unknown");
    CHECK(api.cut.size() == 1);
}

TEST_CASE("a code that nobody gave out, a request made with another code and one that cannot be read enrol "
          "nobody") {
    Signer signer;
    ApiFixture api(signer.function());
    const auto code = api.post_body("/api/v1/tills", R"({"store":"KOL01","workstation":"3"})")
                          .body["code"]
                          .get<std::string>();
    const auto unknown = enrol(api, "00000-00000-00000-00000");
    CHECK(unknown.status == 404);
    CHECK(unknown.body["code"] == "code.unknown");

    // Its id is right, its proof is of another code.
    auto forged = sync::make_enrol_request("00000-00000-00000-00000", some_request());
    forged.code_id = sync::code_id(code);
    CHECK(api.call("POST", "/enrol", enrol_body(forged), "").body["code"] == "code.wrong");
    // The proof covers the request.
    auto swapped = sync::make_enrol_request(code, some_request());
    swapped.csr_pem = some_request();
    CHECK(api.call("POST", "/enrol", enrol_body(swapped), "").body["code"] == "code.wrong");

    for (const char* body : {"{}", "[]", R"({"code_id":"00","csr":"","mac":"00"})"}) {
        CAPTURE(body);
        CHECK(api.call("POST", "/enrol", body, "").body["code"] == "request.body");
    }
    CHECK(signer.asked.empty());
    // What is no request for a certificate does not use the code up.
    CHECK(
        api.call("POST", "/enrol", enrol_body(sync::make_enrol_request(code, "nonsense")), "").body["code"] ==
        "tls.csr");
    CHECK(signer.asked == std::vector<TillId>{TillId{1}});
    CHECK(api.cut.empty());
}

TEST_CASE("a till that did not hear the answer asks again with the same key, and no other key comes with the "
          "code") {
    mudi::test::Authority authority;
    ApiFixture api([&](std::string_view request, TillId till, Time) -> Result<std::string> {
        return authority.sign(std::string(request), "till-" + std::to_string(till.value));
    });
    const auto code = api.post_body("/api/v1/tills", R"({"store":"KOL01","workstation":"3"})")
                          .body["code"]
                          .get<std::string>();
    const auto key = *sync::TillKey::make();
    const auto ask = [&](const sync::TillKey& with) {
        return api.call("POST", "/enrol",
                        enrol_body(sync::make_enrol_request(code, with.request(TillId{}).value())), "");
    };
    const auto lost = ask(key);
    REQUIRE(lost.status == 200);
    const auto again = ask(key);
    REQUIRE(again.status == 200);
    const auto facts = *sync::read_certificate(again.body["certificate"].get<std::string>());
    CHECK(facts.public_key == key.public_key());
    CHECK(facts.till == TillId{1});
    CHECK(api.get("/api/v1/tills").body["tills"][0]["certificate_serial"] == facts.serial);
    const auto other = ask(*sync::TillKey::make());
    CHECK(other.status == 403);
    CHECK(other.body["code"] == "code.used");
    CHECK_FALSE(other.body.contains("certificate"));
    REQUIRE(api.post_body("/api/v1/tills/1/revoke").status == 200);
    CHECK(ask(key).body["code"] == "code.unknown");
}

TEST_CASE("a code works to the end of its hour and not beyond") {
    Signer signer;
    ApiFixture api(signer.function());
    const auto added = api.post_body("/api/v1/tills", R"({"store":"KOL01","workstation":"3"})").body;
    const auto code = added["code"].get<std::string>();
    const auto at = [&](Duration before_end) {
        const auto end = time_from_ms(added["code_expires_us"].get<std::int64_t>() / 1000);
        api.clock.wall_ahead = end - before_end - api.clock.system.wall();
        return enrol(api, code).body["code"];
    };
    CHECK(at(Duration{30'000}) == "tls.csr"); // as far as the signer
    CHECK(at(Duration{0}) == "code.expired");
    CHECK(signer.asked.size() == 1);
}

TEST_CASE("after ten wrong codes nobody is listened to for a minute, then again") {
    Signer signer;
    ApiFixture api(signer.function());
    const auto code = api.post_body("/api/v1/tills", R"({"store":"KOL01","workstation":"3"})")
                          .body["code"]
                          .get<std::string>();
    for (std::size_t i = 0; i < wrong_codes_max; ++i)
        CHECK(enrol(api, "00000-00000-00000-00000").status == 404);
    const auto closed = enrol(api, code);
    CHECK(closed.status == 429);
    CHECK(closed.body["code"] == "enrol.too_many");
    CHECK_FALSE(closed.retry_after.empty());
    CHECK(signer.asked.empty());
    api.clock.ahead = Duration{61'000};
    CHECK(
        api.call("POST", "/enrol", enrol_body(sync::make_enrol_request(code, "nonsense")), "").body["code"] ==
        "tls.csr");
}

TEST_CASE("a server that takes any till enrols none") {
    ApiFixture api;
    CHECK(enrol(api, "00000-00000-00000-00000").body["code"] == "enrol.closed");
}
