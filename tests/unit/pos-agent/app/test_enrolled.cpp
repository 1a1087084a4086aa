#include <catch2/catch.hpp>

#include <mudi/base/file.hpp>

#include <pos-agent/app/settings.hpp>
#include <support/temp_dir.hpp>

using namespace mudi;
using namespace mudi::till;

namespace {

struct Folder {
    Folder() { settings.data_dir = folder.path().string(); }

    void enrol(const std::string& text = "till = 12\nstore = \"KOL01\"\nworkstation = \"W3\"\n"
                                         "server = \"tls+tcp://central:7443\"\nserver_name = \"mudi\"\n") {
        REQUIRE(make_folder(settings.identity().path, 0700));
        REQUIRE(write_file(settings.identity().enrolment(), text, 0644));
    }
    [[nodiscard]] std::string refusal() const {
        const auto whole = with_enrolment(settings);
        return whole ? "none" : whole.error().name + " " + whole.error().what.substr(0, 12);
    }

    test::TempDir folder;
    Settings settings;
};

} // namespace

TEST_CASE("a till that was never enrolled needs to be told who it is") {
    Folder till;
    const auto whole = with_enrolment(till.settings);
    REQUIRE(whole);
    CHECK_FALSE(whole->enrolled);
    const auto refused = check_complete(*whole);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().name == "config.range");
    till.settings.till = 3;
    till.settings.store = "KOL01";
    till.settings.workstation = "2";
    CHECK(check_complete(*with_enrolment(till.settings)));
    till.settings.server = "tls+tcp://central:7443";
    CHECK_FALSE(check_complete(*with_enrolment(till.settings)));
}

TEST_CASE("an enrolled till takes who it is and where it syncs from its enrolment") {
    Folder till;
    till.enrol();
    const auto whole = with_enrolment(till.settings);
    REQUIRE(whole);
    CHECK(whole->enrolled);
    CHECK(whole->till == 12);
    CHECK(whole->store == "KOL01");
    CHECK(whole->workstation == "W3");
    CHECK(whole->server == "tls+tcp://central:7443");
    CHECK(whole->server_name == "mudi");
    CHECK(whole->ca_file == till.folder.file("identity/ca.pem"));
    CHECK(whole->certificate_file == till.folder.file("identity/certificate.pem"));
    CHECK(whole->key_file == till.folder.file("identity/key.pem"));
    CHECK(check_complete(*whole));
    CHECK(check(*whole));
}

TEST_CASE("the settings may say where the server is now, but not that the till is another") {
    Folder till;
    till.enrol();
    till.settings.server = "tls+tcp://10.0.0.7:7443";
    till.settings.till = 12;
    const auto whole = with_enrolment(till.settings);
    REQUIRE(whole);
    CHECK(whole->server == "tls+tcp://10.0.0.7:7443");
    CHECK(whole->server_name == "mudi");
    till.settings.till = 13;
    CHECK(till.refusal() == "config.range till differs");
    till.settings.till = 0;
    till.settings.store = "KOL02";
    CHECK(till.refusal() == "config.range store differ");
    till.settings.store.clear();
    till.settings.workstation = "W4";
    CHECK(till.refusal() == "config.range workstation ");
    till.settings.workstation.clear();
    till.settings.key_file = "/etc/key.pem";
    CHECK(till.refusal().starts_with("config.range sync.certif"));
}

TEST_CASE("an enrolment that is not as it was written is refused") {
    Folder till;
    till.enrol("till = 12\n");
    CHECK(till.refusal().starts_with("config.range"));
    till.enrol("till = \"x\"\n");
    CHECK(till.refusal().starts_with("config.type"));
    till.enrol("till = 12\nlord = 1\n");
    CHECK(till.refusal().starts_with("config.unknown_key"));
}

TEST_CASE("a lead has to say where its neighbours reach it") {
    Folder till;
    const auto checked = [&](const char* listen, const char* url) {
        till.settings.lead_listen = listen;
        till.settings.lead_url = url;
        return check(till.settings).has_value();
    };
    CHECK(checked("", ""));
    CHECK(till.settings.advertised_lead_url().empty());
    CHECK(checked("tls+tcp://192.168.1.10:7444", ""));
    CHECK(till.settings.advertised_lead_url() == "tls+tcp://192.168.1.10:7444");
    CHECK(checked("tls+tcp://0.0.0.0:7444", "tls+tcp://lead.shop:7444"));
    CHECK(till.settings.advertised_lead_url() == "tls+tcp://lead.shop:7444");
    CHECK_FALSE(checked("tls+tcp://0.0.0.0:7444", ""));
    CHECK_FALSE(checked("tls+tcp://[::]:7444", ""));
    CHECK_FALSE(checked("tls+tcp://192.168.1.10:7444", "tls+tcp://0.0.0.0:7444"));
    CHECK_FALSE(checked("", "tls+tcp://lead.shop:7444"));
    CHECK_FALSE(checked("192.168.1.10:7444", ""));
    CHECK_FALSE(checked("tls+tcp://192.168.1.10", ""));
}
