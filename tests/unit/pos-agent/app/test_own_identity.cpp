#include <catch2/catch.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/base/file.hpp>

#include <pos-agent/app/own_identity.hpp>
#include <support/temp_dir.hpp>

#include "unit/sync/authority.hpp"

using namespace mudi;
using namespace mudi::till;

namespace {

struct Enrolled {
    explicit Enrolled(long seconds = 90 * 24 * 3600)
        : certificate(authority.issue("till-12", {.seconds = seconds})) {}
    [[nodiscard]] Result<OwnIdentity> make(TillId till = TillId{12}) const {
        return OwnIdentity::make(till, certificate.key_pem, certificate.pem, folder.file("certificate.pem"));
    }
    test::TempDir folder;
    test::Authority authority;
    test::Certificate certificate;
    Time now{SystemClock().wall()};
};

} // namespace

TEST_CASE("a till signs with the key of its certificate") {
    const Enrolled till;
    const auto identity = till.make();
    REQUIRE(identity);
    const auto facts = sync::read_certificate(identity->certificate_pem());
    CHECK(sync::verify_signature(facts->public_key, "hello", identity->sign("hello")));
}

TEST_CASE("a certificate of another till or of another key is refused") {
    const Enrolled till;
    CHECK(till.make(TillId{13}).error().name == "identity.other");
    const auto other = till.authority.issue("till-12");
    const auto mixed = OwnIdentity::make(TillId{12}, other.key_pem, till.certificate.pem, "/nowhere");
    CHECK(mixed.error().name == "identity.other");
    CHECK(OwnIdentity::make(TillId{12}, "no key", till.certificate.pem, "").error().name == "identity.key");
    CHECK(OwnIdentity::make(TillId{12}, other.key_pem, "none", "").error().name == "identity.certificate");
}

TEST_CASE("a certificate is renewed when less than a third of its life is left") {
    const Enrolled till(90 * 24 * 3600);
    const auto identity = till.make();
    using std::chrono::hours;
    CHECK_FALSE(identity->is_due(till.now + hours{24 * 59}));
    CHECK(identity->is_due(till.now + hours{24 * 61}));
    CHECK(identity->days_left(till.now) == 89);
    CHECK(identity->days_left(till.now + hours{24 * 100}) < 0);
}

TEST_CASE("a new certificate for the same key is taken, kept in the file and used") {
    const Enrolled till(600);
    auto identity = till.make();
    const auto renewed = till.authority.sign(*identity->request(), "till-12");
    REQUIRE(identity->take(renewed));
    CHECK(identity->certificate_pem() == renewed);
    CHECK(*read_small_file(till.folder.file("certificate.pem"), 65536) == renewed);
    CHECK_FALSE(identity->is_due(till.now));
}

TEST_CASE("a certificate that is not for this till and key is not taken") {
    const Enrolled till;
    auto identity = till.make();
    for (const std::string& wrong :
         {till.authority.issue("till-12").pem, till.authority.sign(*identity->request(), "till-13"),
          std::string("x")}) {
        CHECK_FALSE(identity->take(wrong));
        CHECK(identity->certificate_pem() == till.certificate.pem);
        CHECK(identity->days_left(till.now) == 89);
    }
    CHECK_FALSE(read_small_file(till.folder.file("certificate.pem"), 65536));
}

TEST_CASE("a new certificate is used even when its file cannot be written") {
    const Enrolled till(600);
    auto identity =
        OwnIdentity::make(TillId{12}, till.certificate.key_pem, till.certificate.pem, "/nonexistent/c.pem");
    const auto renewed = till.authority.sign(*identity->request(), "till-12");
    CHECK_FALSE(identity->take(renewed));
    CHECK(identity->certificate_pem() == renewed);
    CHECK_FALSE(identity->is_due(till.now));
}
