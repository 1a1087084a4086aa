#include <set>

#include <catch2/catch.hpp>

#include <mudi/sync/enrolment.hpp>

using namespace mudi;
using namespace mudi::sync;

namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const std::string code = "01ABC-DEFGH-JKMNP-QRSTV";

EnrolAnswer answer_of(const EnrolRequest& request) {
    return authenticated(code_key(code), request,
                         {.till = TillId{7},
                          .store = {"S1"},
                          .workstation = {"W3"},
                          .certificate_pem = "certificate",
                          .ca_pem = "authority",
                          .sync_url = "tls+tcp://shop.example:7411",
                          .server_name = "shop.example",
                          .mac = {}});
}

} // namespace

TEST_CASE("a code is four groups of five and uses its whole alphabet", "[sync]") {
    SeededRandom random(1);
    std::set<char> used;
    std::set<std::string> codes;
    for (int i = 0; i < 500; ++i) {
        const std::string made = make_enrolment_code(random);
        REQUIRE(made.size() == 23);
        for (std::size_t at = 0; at < made.size(); ++at) {
            if (at % 6 == 5) {
                CHECK(made[at] == '-');
            } else {
                CHECK(alphabet.find(made[at]) != std::string_view::npos);
                used.insert(made[at]);
            }
        }
        CHECK(normal_code(made) == made);
        codes.insert(made);
    }
    CHECK(used.size() == 32);
    CHECK(codes.size() == 500);
}

TEST_CASE("every place of a code is drawn on its own", "[sync]") {
    SeededRandom random(2);
    std::vector<std::set<char>> seen(23);
    for (int i = 0; i < 1'000; ++i) {
        const std::string made = make_enrolment_code(random);
        for (std::size_t at = 0; at < made.size(); ++at) seen[at].insert(made[at]);
    }
    for (std::size_t at = 0; at < seen.size(); ++at) CHECK(seen[at].size() == (at % 6 == 5 ? 1U : 32U));
}

TEST_CASE("a code is understood however it is typed", "[sync]") {
    for (const char* typed :
         {"01ABC-DEFGH-JKMNP-QRSTV", "01abc-defgh-jkmnp-qrstv", "01ABCDEFGHJKMNPQRSTV",
          "oIaBc DeFgH jKmNp qRsTv", "Olabc-defgh-jkmnp-qrstv",
          "  0-1-a-b-c-d-e-f-g-h-j-k-m-n-p-q-r-s-t-v\r\n", "\to1ABC--DEFGH--JKMNP--QRSTV"}) {
        INFO(typed);
        CHECK(normal_code(typed) == code);
    }
}

TEST_CASE("what cannot be a code is none", "[sync]") {
    for (const char* typed :
         {"", "-", "01ABC-DEFGH-JKMNP-QRST", "01ABC-DEFGH-JKMNP-QRSTVW", "U1ABC-DEFGH-JKMNP-QRSTV",
          "01ABC_DEFGH-JKMNP-QRSTV", "01ABC-DEFGH-JKMNP-QRST\xc3\xa9", "01ABC.DEFGH.JKMNP.QRSTV"}) {
        INFO(typed);
        CHECK_FALSE(normal_code(typed));
    }
    CHECK_FALSE(normal_code(std::string("01ABC\0DEFGHJKMNPQRSTV", 21)));
    CHECK_FALSE(normal_code(code + std::string(1'000'000, ' ')));
}

TEST_CASE("id, key and both macs of a code have nothing in common", "[sync]") {
    const EnrolRequest request = make_enrol_request(code, "request");
    const EnrolAnswer answer = answer_of(request);
    const std::string key(view(code_key(code)));
    const std::set<std::string> all{
        to_bytes(code_id(code)).data, key.substr(0, 16),         key.substr(16),
        to_bytes(request.mac).data,   to_bytes(answer.mac).data, to_bytes(hash128(code)).data};
    CHECK(all.size() == 6);
    CHECK(request.code_id == code_id(code));
}

TEST_CASE("a request and its answer made with the code are genuine", "[sync]") {
    const EnrolRequest request = make_enrol_request(code, "request");
    CHECK(is_genuine(code_key(code), request));
    CHECK(is_genuine(code_key(code), request, answer_of(request)));
}

TEST_CASE("every single wrong character of a code is refused", "[sync]") {
    const EnrolRequest request = make_enrol_request(code, "request");
    const EnrolAnswer answer = answer_of(request);
    for (std::size_t at = 0; at < code.size(); ++at) {
        if (code[at] == '-') continue;
        for (const char symbol : alphabet) {
            if (symbol == code[at]) continue;
            std::string wrong = code;
            wrong[at] = symbol;
            INFO(wrong);
            CHECK(code_id(wrong) != request.code_id);
            CHECK_FALSE(is_genuine(code_key(wrong), request));
            CHECK_FALSE(is_genuine(code_key(wrong), request, answer));
        }
    }
}

TEST_CASE("a request that was changed on its way is refused", "[sync]") {
    const EnrolRequest request = make_enrol_request(code, "request");
    EnrolRequest changed = request;
    changed.csr_pem = "another's";
    CHECK_FALSE(is_genuine(code_key(code), changed));
    changed = request;
    changed.code_id.low ^= 1;
    CHECK_FALSE(is_genuine(code_key(code), changed));
    for (int bit = 0; bit < 128; ++bit) {
        changed = request;
        (bit < 64 ? changed.mac.low : changed.mac.high) ^= std::uint64_t{1} << (bit % 64);
        CHECK_FALSE(is_genuine(code_key(code), changed));
    }
}

TEST_CASE("an answer that was changed on its way, or is to another request, is refused", "[sync]") {
    const EnrolRequest request = make_enrol_request(code, "request");
    const EnrolAnswer answer = answer_of(request);
    const auto refused = [&](auto change) {
        EnrolAnswer changed = answer;
        change(changed);
        return !is_genuine(code_key(code), request, changed);
    };
    CHECK(refused([](EnrolAnswer& a) { a.till.value = 8; }));
    CHECK(refused([](EnrolAnswer& a) { a.store.value = "S2"; }));
    CHECK(refused([](EnrolAnswer& a) { a.workstation.value = "W4"; }));
    CHECK(refused([](EnrolAnswer& a) { a.certificate_pem += '\n'; }));
    CHECK(refused([](EnrolAnswer& a) { a.ca_pem = "another's"; }));
    CHECK(refused([](EnrolAnswer& a) { a.sync_url = "tcp://elsewhere.example:1"; }));
    CHECK(refused([](EnrolAnswer& a) { a.server_name.clear(); }));
    CHECK(refused([](EnrolAnswer& a) { a.mac.high ^= 1; }));
    // The same characters in a row, divided otherwise.
    CHECK(refused([](EnrolAnswer& a) {
        a.store.value = "S1W";
        a.workstation.value = "3";
    }));
    CHECK_FALSE(is_genuine(code_key(code), make_enrol_request(code, "another request"), answer));
    // What one direction shows is no proof in the other.
    CHECK(refused([&](EnrolAnswer& a) { a.mac = request.mac; }));
}
