#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/base/random.hpp>
#include <mudi/http/client.hpp>
#include <mudi/http/server.hpp>
#include <mudi/server/api.hpp>
#include <mudi/server/inbox.hpp>
#include <mudi/server/offer_refresh.hpp>

#include <support/temp_dir.hpp>

namespace mudi::server::test {

/// The API over real HTTP on a real SQLite file. Jobs run at once on the loop thread: the program's threads
/// have tests of their own.
class ApiFixture : public Workers {
public:
    /// `sign` signs the keys of tills; without one the server enrols none.
    explicit ApiFixture(SignTill sign = {});
    ~ApiFixture() override;

    struct Answer {
        int status{};
        nlohmann::json body;
        std::string text;
        std::string content_type;
        std::string retry_after;
    };
    Answer get(const std::string& target) { return call("GET", target, "", token); }
    Answer post_body(const std::string& target, const std::string& body = "") {
        return call("POST", target, body, token);
    }
    Answer call(const std::string& method, const std::string& target, const std::string& body,
                const std::string& with_token);

    /// What the writer's thread does between requests.
    void apply_all();
    /// Runs on the loop thread, where the stores live.
    template <class Function>
    auto on_loop(Function function) {
        std::packaged_task<decltype(function())()> task(std::move(function));
        auto result = task.get_future();
        boost::asio::post(io_, [&task] { task(); });
        return result.get();
    }

    bool read(std::function<void(ReadSide&)> job) override;
    bool write(std::function<void(WriteSide&)> job) override;
    void post(std::function<void()> job) override { boost::asio::post(io_, std::move(job)); }
    Live live() override;
    void cut_off(TillId till) override { cut.push_back(till); }
    void backup(BackupWish wish, std::function<void(Result<BackupRow>)> done) override {
        wishes.push_back(wish.to);
        done(backup_answer);
    }

    static constexpr const char* token = "0123456789abcdef0123456789abcdef";
    std::unordered_map<TillId, Contact> contacts;
    std::optional<MonoTime> apply_waits_since;
    std::string backup_failed;
    std::vector<TillId> cut;         ///< tills whose connections were to be cut
    std::vector<std::string> wishes; ///< where backups were to go
    Result<BackupRow> backup_answer{BackupRow{}};
    bool full{false}; ///< every queue refuses
    /// The real one, both sides of which a test can push on.
    struct TestClock final : Clock {
        [[nodiscard]] Time wall() const override { return system.wall() + wall_ahead.load(); }
        [[nodiscard]] MonoTime mono() const override { return system.mono() + ahead.load(); }
        SystemClock system;
        std::atomic<Duration> ahead{Duration{0}};
        std::atomic<Duration> wall_ahead{Duration{0}};
    };
    TestClock clock;
    SystemRandom random;
    ServerKeys keys;
    sync::Lineage lineage;
    ApplyRules rules;
    struct WriteStores;
    std::unique_ptr<WriteStores> stores;

private:
    mudi::test::TempDir folder_;
    std::unique_ptr<db::Connection> writer_;
    std::unique_ptr<db::Connection> reader_;
    std::unique_ptr<ReadSide> read_side_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::unique_ptr<http::Server> server_;
    std::thread loop_;
};

struct ApiFixture::WriteStores {
    WriteStores(db::Connection& connection, const ApplyRules& rules, const ServerKeys& keys)
        : inbox(connection), apply(connection, rules), import(connection, inbox, rules),
          offers(connection, keys.identifier_key, crm::OfferPolicy{}), enrolment(connection),
          backups(connection, inbox), rights(connection) {}
    Inbox inbox;
    Apply apply;
    Import import;
    OfferRefresh offers;
    Enrolment enrolment;
    Backups backups;
    RightsBook rights;
};

} // namespace mudi::server::test
