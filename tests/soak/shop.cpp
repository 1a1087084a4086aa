#include "soak/shop.hpp"

#include <chrono>
#include <thread>

#include <nlohmann/json.hpp>

#include "cli/server_client.hpp"

namespace mudi::soak {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr Duration backup_within{60'000};
constexpr Duration restore_within{60'000};
constexpr const char* database_files[] = {"till.db", "till.db-wal", "till.db-shm"};

void copy_database(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::create_directories(to, error);
    for (const char* name : database_files) {
        fs::remove(to / name, error);
        // The third is only an index of the second: a new process makes it anew.
        if (fs::exists(from / name, error) && std::string_view{name} != "till.db-shm")
            fs::copy_file(from / name, to / name, error);
    }
}

cli::ApiClient client_of(const cli::Fleet& fleet, std::size_t till) {
    return cli::ApiClient(http::Target::unix_socket(fleet.till(till).socket), {});
}

/// Mostly the newest, as people do; any of them now and then.
std::size_t some_copy(std::size_t count, Random& random) {
    return random.below(3) == 0 ? static_cast<std::size_t>(random.below(count)) : count - 1;
}

/// A process that has just been killed may still hold its lock or port for a moment.
template <class Start>
Status patiently(Start&& start) {
    Status started = start();
    for (int attempt = 0; !started && attempt < 20; ++attempt) {
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
        started = start();
    }
    return started;
}

} // namespace

Shop::Shop(cli::FleetOptions options, Oracle& oracle)
    : options_(options), fleet_(std::move(options)), oracle_(oracle) {}

Status Shop::start() { return fleet_.start(); }

Status Shop::start_till(std::size_t till) {
    return patiently([&] { return fleet_.start_till(till); });
}

Status Shop::kill_till(std::size_t till, Duration away) {
    ++deeds_.till_kills;
    fleet_.kill_till(till);
    std::this_thread::sleep_for(away);
    return start_till(till);
}

Status Shop::kill_server(Duration away) {
    ++deeds_.server_kills;
    fleet_.kill_server();
    std::this_thread::sleep_for(away);
    return patiently([&] { return fleet_.start_server(); });
}

Status Shop::take_image(std::size_t till) {
    ++deeds_.images;
    fleet_.kill_till(till);
    const auto cashiers_wait = cashiers_->hold(till);
    auto& images = images_[till];
    Image image{options_.folder / "images" / (std::to_string(till) + "-" + std::to_string(images.size())),
                oracle_.disk(till)};
    copy_database(fleet_.till_folder(till), image.folder);
    images.push_back(std::move(image));
    return start_till(till);
}

Status Shop::restore_till(std::size_t till, Random& random) {
    const auto& images = images_[till];
    if (images.empty()) return {};
    ++deeds_.till_restores;
    fleet_.kill_till(till);
    const auto cashiers_wait = cashiers_->hold(till);
    // What it has sent so far is safe from this.
    if (auto seen = look_at_server(); !seen) return tl::make_unexpected(seen.error());
    const Image& image = images[some_copy(images.size(), random)];
    copy_database(image.folder, fleet_.till_folder(till));
    oracle_.replace_disk(till, image.held);
    return start_till(till);
}

Status Shop::back_up_server() {
    ++deeds_.backups;
    if (auto seen = look_at_server(); !seen) return tl::make_unexpected(seen.error());
    Backup backup{options_.folder / "backups" / (std::to_string(backups_.size()) + ".db"),
                  oracle_.at_server()};
    std::error_code error;
    fs::create_directories(backup.file.parent_path(), error);
    MUDI_TRY(auto client, fleet_.operator_client());
    const auto made = client.send("POST", "/api/v1/backups", json{{"to", backup.file.string()}}.dump(), false,
                                  "application/json", backup_within);
    if (!made) return tl::make_unexpected(made.error());
    backups_.push_back(std::move(backup));
    return {};
}

Status Shop::restore_server(Random& random) {
    if (backups_.empty()) return {};
    ++deeds_.server_restores;
    const Backup& backup = backups_[some_copy(backups_.size(), random)];
    fleet_.kill_server();
    const auto restored = patiently([&]() -> Status {
        MUDI_TRY(auto operator_at_work,
                 cli::Process::start({(options_.programs / "mudi").string(), "server", "restore", "--from",
                                      backup.file.string(), "--config", fleet_.server_config().string()},
                                     options_.folder / "restore.log"));
        MUDI_TRY(const int code, operator_at_work.wait(restore_within));
        if (code != 0) return fail(Code::io, "soak.restore", "mudi server restore: see restore.log");
        return {};
    });
    if (!restored) return restored;
    oracle_.replace_server(backup.held);
    return patiently([&] { return fleet_.start_server(); });
}

Result<std::map<std::string, int>> Shop::look_at_server() {
    std::map<std::string, int> times;
    MUDI_TRY(auto client, fleet_.operator_client());
    for (std::int64_t after = 0;;) {
        MUDI_TRY(const json page,
                 client.get("/api/v1/purchases?after=" + std::to_string(after) + "&limit=10000"));
        const json purchases = page.value("purchases", json::array());
        if (purchases.empty()) break;
        for (const json& purchase : purchases) {
            ++times[purchase.value("number", "")];
            after = purchase.value("arrival", after);
        }
    }
    Numbers seen;
    for (const auto& [number, count] : times) seen.insert(number);
    oracle_.seen_at_server(seen);
    return times;
}

bool Shop::all_level(std::string& reason) {
    auto server = fleet_.operator_client();
    const auto status =
        server ? server->get("/api/v1/status") : Result<json>{tl::make_unexpected(server.error())};
    if (!status) return reason = "the server: " + status.error().name, false;
    if (const auto waiting = status->at("inbox").value("waiting", std::int64_t{-1}); waiting != 0)
        return reason = std::to_string(waiting) + " events wait at the server", false;
    std::map<std::string, std::int64_t> versions;
    for (std::size_t till = 0; till < fleet_.size(); ++till) {
        const auto one = client_of(fleet_, till).get("/v1/status");
        const std::string who = "till " + std::to_string(fleet_.till(till).spec.till) + ": ";
        if (!one) return reason = who + one.error().name, false;
        if (!one->value("linked", false)) return reason = who + "not linked", false;
        if (const auto unsent = one->value("unsent", std::int64_t{-1}); unsent != 0)
            return reason = who + std::to_string(unsent) + " unsent", false;
        const auto at = one->at("feed").value("version", std::int64_t{-1});
        const auto [neighbour, first] = versions.emplace(fleet_.till(till).spec.store, at);
        if (!first && at != neighbour->second)
            return reason = who + "its feed is not where its neighbour's is", false;
    }
    return true;
}

int Shop::forks() {
    int forks = 0;
    for (std::size_t till = 0; till < fleet_.size(); ++till) {
        if (const auto status = client_of(fleet_, till).get("/v1/status"))
            forks += static_cast<int>(status->value("lives", std::int64_t{1})) - 1;
    }
    return forks;
}

} // namespace mudi::soak
