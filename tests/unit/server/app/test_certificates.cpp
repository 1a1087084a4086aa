#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <server/app/certificates.hpp>
#include <support/temp_dir.hpp>

using namespace mudi;
using namespace mudi::server;

namespace {

const std::vector<std::string> names{"localhost", "127.0.0.1"};
const Time start = *parse_time("2026-11-21T10:00:00Z");

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

unsigned mode_of(const std::filesystem::path& path) {
    struct stat found {};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    return found.st_mode & 0777U;
}

} // namespace

TEST_CASE("the first start makes an authority and a certificate, the second finds them") {
    const mudi::test::TempDir folder;
    const auto tls = folder.path() / "tls";
    const auto made = tls_identity(tls, names, start);
    REQUIRE(made);
    CHECK(made->ca_made);
    CHECK(made->certificate_made);
    CHECK(made->ca == tls / "ca.pem");
    CHECK(made->server.certificate_pem == text_of(tls / "server.pem"));
    for (const char* secret : {"ca.key", "server.key"}) CHECK(mode_of(tls / secret) == 0600);

    const auto found = tls_identity(tls, names, start + std::chrono::days{300});
    REQUIRE(found);
    CHECK_FALSE(found->ca_made);
    CHECK_FALSE(found->certificate_made);
    CHECK(found->server.certificate_pem == made->server.certificate_pem);
    CHECK(found->server.key_pem == made->server.key_pem);
}

TEST_CASE("the certificate is made anew in its last 30 days and for other names; the authority stays") {
    const mudi::test::TempDir folder;
    const auto made = tls_identity(folder.path(), names, start);
    REQUIRE(made);
    const auto ca = text_of(made->ca);

    CHECK_FALSE(tls_identity(folder.path(), names, start + std::chrono::days{335})->certificate_made);
    const auto renewed = tls_identity(folder.path(), names, start + std::chrono::days{337});
    REQUIRE(renewed);
    CHECK(renewed->certificate_made);
    CHECK(renewed->server.certificate_pem != made->server.certificate_pem);

    const std::vector<std::string> more{"localhost", "127.0.0.1", "mudi.shop.example", "2001:db8::7"};
    CHECK(tls_identity(folder.path(), more, start + std::chrono::days{338})->certificate_made);
    CHECK_FALSE(tls_identity(folder.path(), more, start + std::chrono::days{338})->certificate_made);
    CHECK(text_of(made->ca) == ca);
}

TEST_CASE("a crash between two files of the first start is made good at the next") {
    const mudi::test::TempDir folder;
    REQUIRE(tls_identity(folder.path(), names, start));
    const auto ca = text_of(folder.path() / "ca.pem");
    for (const char* lost : {"server.pem", "server.key"}) {
        std::filesystem::remove(folder.path() / lost);
        CHECK(tls_identity(folder.path(), names, start)->certificate_made);
    }
    CHECK(text_of(folder.path() / "ca.pem") == ca);

    // ca.key was written, ca.pem was not yet.
    std::filesystem::remove(folder.path() / "ca.pem");
    const auto again = tls_identity(folder.path(), names, start);
    REQUIRE(again);
    CHECK(again->ca_made);
    // The same key: what it signed before is still good.
    CHECK_FALSE(again->certificate_made);
}

TEST_CASE("the authority's key is needed only to make a certificate") {
    const mudi::test::TempDir folder;
    REQUIRE(tls_identity(folder.path(), names, start));
    std::filesystem::remove(folder.path() / "ca.key");
    CHECK(tls_identity(folder.path(), names, start));
    const auto late = tls_identity(folder.path(), names, start + std::chrono::days{360});
    REQUIRE_FALSE(late);
    CHECK(late.error().name == "tls.ca_key");
}

TEST_CASE("files that do not belong together are refused and left alone") {
    const mudi::test::TempDir one;
    const mudi::test::TempDir other;
    REQUIRE(tls_identity(one.path(), names, start));
    REQUIRE(tls_identity(other.path(), names, start));
    std::filesystem::copy_file(other.path() / "ca.key", one.path() / "ca.key",
                               std::filesystem::copy_options::overwrite_existing);
    const auto mixed = tls_identity(one.path(), names, start);
    REQUIRE_FALSE(mixed);
    CHECK(mixed.error().name == "tls.ca");

    std::ofstream(other.path() / "ca.pem") << "nonsense";
    CHECK(tls_identity(other.path(), names, start).error().name == "tls.ca");
    CHECK(text_of(other.path() / "ca.pem") == "nonsense");
}

TEST_CASE("an authority past its ten years is refused") {
    const mudi::test::TempDir folder;
    REQUIRE(tls_identity(folder.path(), names, start));
    const auto late = tls_identity(folder.path(), names, start + std::chrono::days{3660});
    REQUIRE_FALSE(late);
    CHECK(late.error().name == "tls.ca_expired");
}

TEST_CASE("names that are none are refused") {
    const mudi::test::TempDir folder;
    for (const std::vector<std::string>& bad :
         {std::vector<std::string>{}, {""}, {"a b"}, {"x,DNS:evil.example"}, {"a:b"}, {"\nx"}})
        CHECK(tls_identity(folder.path(), bad, start).error().name == "tls.names");
}
