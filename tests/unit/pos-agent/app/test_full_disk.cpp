#include <filesystem>
#include <fstream>

#include <poll.h>
#include <sys/mount.h>

#include "../api/running_agent.hpp"

using namespace mudi;
using namespace mudi::test;
using nlohmann::json;

namespace {

/// A file system of a few MiB; none without the right to mount one.
struct SmallDisk {
    SmallDisk() : mounted(::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=12m") == 0) {}
    ~SmallDisk() {
        if (mounted) ::umount2(folder.path().c_str(), MNT_DETACH);
    }
    void fill() const {
        std::ofstream file(folder.file("filler"), std::ios::binary);
        const std::string block(4096, 'x');
        while (file << block << std::flush) {
        }
    }
    void free() const { std::filesystem::remove(folder.file("filler")); }

    TempDir folder;
    bool mounted;
};

/// Waits for what the agent does by its own timers, some seconds at most.
bool soon(const std::function<bool()>& done) {
    for (int i = 0; i < 1500; ++i) {
        if (done()) return true;
        ::poll(nullptr, 0, 20);
    }
    return false;
}

} // namespace

TEST_CASE("an agent on a full disk saves every sale, refuses what is no sale, and comes back by itself") {
    const SmallDisk disk;
    if (!disk.mounted) {
        WARN("skipped: no right to mount a small disk");
        return;
    }
    RunningAgent agent([&](till::Settings& settings) {
        settings.data_dir = disk.folder.file("data");
        settings.disk_reserve_mib = 3;
        REQUIRE(make_folder(settings.data_dir, 0750));
    });
    const std::string reserve = agent.settings.path("reserve");
    REQUIRE(std::filesystem::exists(reserve));
    CHECK(agent.ask("GET", "/v1/status")["pressure"] == "none");

    disk.fill();
    int sold = 0;
    for (; sold < 3000 && std::filesystem::exists(reserve); ++sold)
        agent.ask("POST", "/v1/complete", good_sale("F" + std::to_string(sold)));
    CHECK_FALSE(std::filesystem::exists(reserve));
    CHECK(soon([&] { return agent.ask("GET", "/v1/status")["pressure"] == "extras"; }));
    const json person{{"name", "Mina Pal"}, {"phone", "9830054321"}};
    http::Headers bengali;
    bengali.add("Accept-Language", "bn");
    const auto refused = agent.text("POST", "/v1/customers", person.dump(), bengali);
    CHECK(refused.status == 503);
    CHECK(json::parse(refused.body)["code"] == "till.disk_pressure");
    CHECK(json::parse(refused.body)["text"].get<std::string>().find("ডিস্ক") != std::string::npos);
    agent.ask("PUT", "/v1/txn/S1");
    agent.refuse("POST", "/v1/txn/S1/suspend", {}, 503, "till.disk_pressure");
    for (int i = 0; i < 50; ++i, ++sold)
        agent.ask("POST", "/v1/complete", good_sale("F" + std::to_string(sold)));

    disk.free();
    CHECK(soon([&] { return agent.ask("GET", "/v1/status")["pressure"] == "none"; }));
    CHECK(std::filesystem::exists(reserve));
    CHECK(agent.text("POST", "/v1/customers", person.dump()).status == 201);
    CHECK(agent.ask("GET", "/v1/status")["captured"] == sold + 1);
}

TEST_CASE("an agent starts on a full disk with what was kept back") {
    const SmallDisk disk;
    if (!disk.mounted) {
        WARN("skipped: no right to mount a small disk");
        return;
    }
    RunningAgent agent([&](till::Settings& settings) {
        settings.data_dir = disk.folder.file("data");
        settings.disk_reserve_mib = 3;
        REQUIRE(make_folder(settings.data_dir, 0750));
    });
    agent.ask("POST", "/v1/complete", good_sale("A"));
    agent.stop();
    disk.fill();
    agent.start();
    CHECK(agent.ask("GET", "/v1/status")["captured"] == 1);
    agent.ask("POST", "/v1/complete", good_sale("B"));
}

TEST_CASE("the status tells what is safe, how many lives there were and when the certificate ends") {
    RunningAgent agent;
    const json status = agent.ask("GET", "/v1/status");
    CHECK(status["safe"] == 0);
    CHECK(status["unsafe"] == 0);
    CHECK(status["lives"] == 1);
    CHECK(status["certificate_days"].is_null());
}
