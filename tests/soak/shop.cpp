#include "soak/shop.hpp"

#include <chrono>
#include <fstream>

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

} // namespace

Shop::Shop(cli::FleetOptions options, Oracle& oracle)
    : options_(options), fleet_(std::move(options)), oracle_(oracle) {}

Status Shop::start() {
    MUDI_CHECK(fleet_.start());
    supervisor_.emplace(fleet_);
    return {};
}

void Shop::kill_any(Random& random, Duration away) {
    std::vector<std::size_t> alive;
    for (std::size_t who = 0; who < supervisor_->count(); ++who)
        if (supervisor_->running(who)) alive.push_back(who);
    if (alive.empty()) return;
    const std::size_t who = alive[random.below(alive.size())];
    supervisor_->kill(who, away);
    ++(who == Supervisor::server ? deeds_.server_kills : deeds_.till_kills);
}

bool Shop::take_image(std::size_t till) {
    ++deeds_.images;
    supervisor_->hold(Supervisor::till(till));
    {
        const auto cashiers_wait = cashiers_->hold(till);
        auto& images = images_[till];
        Image image{options_.folder / "images" / (std::to_string(till) + "-" + std::to_string(images.size())),
                    oracle_.disk(till)};
        copy_database(fleet_.till_folder(till), image.folder);
        images.push_back(std::move(image));
    }
    supervisor_->release(Supervisor::till(till));
    return true;
}

Result<bool> Shop::restore_till(std::size_t till, Random& random) {
    const auto& images = images_[till];
    if (images.empty() || !supervisor_->ready(Supervisor::server)) return false;
    ++deeds_.till_restores;
    supervisor_->hold(Supervisor::till(till));
    {
        const auto cashiers_wait = cashiers_->hold(till);
        // What it has sent so far is safe from this.
        MUDI_CHECK(look_at_server());
        const Image& image = images[some_copy(images.size(), random)];
        copy_database(image.folder, fleet_.till_folder(till));
        oracle_.replace_disk(till, image.held);
    }
    supervisor_->release(Supervisor::till(till));
    return true;
}

Result<bool> Shop::back_up_server() {
    if (backing_up_.valid() || !supervisor_->ready(Supervisor::server)) return false;
    MUDI_CHECK(look_at_server());
    under_way_ = {options_.folder / "backups" / (std::to_string(deeds_.backups++) + ".db"),
                  oracle_.at_server()};
    std::error_code error;
    fs::create_directories(under_way_.file.parent_path(), error);
    MUDI_TRY(auto client, fleet_.operator_client());
    backing_up_ = std::async(std::launch::async,
                             [client = std::move(client), file = under_way_.file.string()]() mutable {
                                 return client
                                     .send("POST", "/api/v1/backups", json{{"to", file}}.dump(), false,
                                           "application/json", backup_within)
                                     .has_value();
                             });
    return true;
}

void Shop::end_backup() {
    // The server was killed meanwhile, most likely: the operator has nothing in hand then.
    if (backing_up_.get())
        backups_.push_back(std::move(under_way_));
    else
        ++deeds_.backups_cut_short;
}

Status Shop::look() {
    if (backing_up_.valid() && backing_up_.wait_for(std::chrono::seconds{0}) == std::future_status::ready)
        end_backup();
    return supervisor_->look();
}

Result<bool> Shop::restore_server(Random& random) {
    if (backups_.empty()) return false;
    ++deeds_.server_restores;
    supervisor_->hold(Supervisor::server);
    if (backing_up_.valid()) end_backup();
    const Backup& backup = backups_[some_copy(backups_.size(), random)];
    MUDI_TRY(auto operator_at_work,
             cli::Process::start({(options_.programs / "mudi").string(), "server", "restore", "--from",
                                  backup.file.string(), "--config", fleet_.server_config().string()},
                                 options_.folder / "restore.log"));
    MUDI_TRY(const int code, operator_at_work.wait(restore_within));
    if (code != 0) return fail(Code::io, "soak.restore", "mudi server restore: see restore.log");
    oracle_.replace_server(backup.held);
    looked_to_ = 0;
    supervisor_->release(Supervisor::server);
    return true;
}

Result<std::int64_t> Shop::read_purchases(std::int64_t after, std::map<std::string, int>& times) const {
    MUDI_TRY(auto client, fleet_.operator_client());
    for (;;) {
        MUDI_TRY(const json page,
                 client.get("/api/v1/purchases?after=" + std::to_string(after) + "&limit=10000"));
        const json purchases = page.value("purchases", json::array());
        if (purchases.empty()) return after;
        for (const json& purchase : purchases) {
            ++times[purchase.value("number", "")];
            after = purchase.value("arrival", after);
        }
    }
}

Status Shop::look_at_server() {
    std::map<std::string, int> times;
    MUDI_TRY(looked_to_, read_purchases(looked_to_, times));
    Numbers seen;
    for (const auto& [number, count] : times) seen.insert(number);
    oracle_.seen_at_server(seen);
    return {};
}

Result<std::map<std::string, int>> Shop::count_at_server() {
    std::map<std::string, int> times;
    const auto read = read_purchases(0, times);
    if (!read) return tl::make_unexpected(read.error());
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

int Shop::forks() const {
    // The till's own count goes back with an image of its disk; what it said stays.
    int forks = 0;
    for (std::size_t till = 0; till < fleet_.size(); ++till) {
        std::ifstream log(fleet_.till_folder(till) / "till.log");
        for (std::string line; std::getline(log, line);)
            forks += line.find(" sync.new_life ") != std::string::npos ? 1 : 0;
    }
    return forks;
}

} // namespace mudi::soak
