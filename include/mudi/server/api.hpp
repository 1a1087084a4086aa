#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <mudi/base/clock.hpp>
#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/money.hpp>
#include <mudi/base/random.hpp>
#include <mudi/base/result.hpp>
#include <mudi/crm/identifier.hpp>
#include <mudi/http/router.hpp>
#include <mudi/server/apply.hpp>
#include <mudi/server/backup.hpp>
#include <mudi/server/customers.hpp>
#include <mudi/server/enrolment.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/server/import.hpp>
#include <mudi/server/keys.hpp>
#include <mudi/server/purchases.hpp>
#include <mudi/server/quarantine.hpp>
#include <mudi/server/rights.hpp>
#include <mudi/server/status.hpp>

/// The REST API of docs/server-api.md and the console page: parse, ask the stores, render. No rules here.
namespace mudi::server {

/// Everything that reads, on one connection; belongs to one reader thread.
struct ReadSide {
    ReadSide(db::Connection& connection, const ServerKeys& keys, const crm::IdentifierRules& rules)
        : status(connection), customers(connection, keys.identifier_key, rules), purchases(connection),
          quarantine(connection), feed(connection), enrolment(connection), rights(connection) {}

    StatusReader status;
    CustomerReader customers;
    PurchaseReader purchases;
    QuarantineReader quarantine;
    FeedReader feed;
    Enrolment enrolment; ///< its reading methods
    RightsReader rights;

    /// Looking at every balance takes its time: one look does for exposure_fresh.
    struct KnownExposure {
        PointsExposure exposure;
        Points floor_limit;
        Time at; ///< when it was looked at
        MonoTime read_at;
    };
    std::optional<KnownExposure> exposure{};
};
inline constexpr Duration exposure_fresh{std::chrono::seconds{60}};

/// What a job of the writer's thread may use.
struct WriteSide {
    Apply& apply;
    Import& import;
    Enrolment& enrolment;
    Backups& backups;
    RightsBook& rights;
    std::vector<FeedMoved> moved; ///< buckets that got rows by this job
    bool leads_changed{false};    ///< a till was added, enrolled or revoked: publish_leads
};

/// A till counts as connected when it was heard within this time: the longest poll and a little.
inline constexpr Duration contact_fresh{std::chrono::seconds{35}};
/// No progress for so long, with work to do, is an alarm.
inline constexpr Duration stalled_after{std::chrono::seconds{60}};

/// What the running process has heard of one till.
class Contact {
public:
    /// A request came in on this connection of the till.
    void spoke(std::uint64_t pipe, Time wall, MonoTime now);
    /// It said hello: the newest event of this life, and the mark it was told.
    void greeted(Incarnation life, EventSeq captured, EventSeq acked, MonoTime now);
    /// It told of events up to here.
    void captures(EventSeq last, MonoTime now);
    /// It was told that they are durable up to here.
    void acknowledged(Incarnation life, EventSeq mark, MonoTime now);

    /// Its connections were cut.
    void cut() { heard_.reset(); }

    [[nodiscard]] Incarnation life() const { return life_; }
    [[nodiscard]] EventSeq captured() const { return captured_; }
    [[nodiscard]] EventSeq acked() const { return acked_; }
    [[nodiscard]] Time last() const { return last_; }
    [[nodiscard]] bool connected(MonoTime now) const { return heard_ && now - *heard_ <= contact_fresh; }
    /// Connected, with events to send, and for so long none of them came; empty below stalled_after.
    [[nodiscard]] std::optional<Duration> stalled(MonoTime now) const;
    /// Two connections spoke for it in turns within clone_contact.
    [[nodiscard]] bool cloned(MonoTime now) const;

private:
    Incarnation life_;
    EventSeq captured_;
    EventSeq acked_;
    Time last_{};
    std::optional<MonoTime> heard_; ///< empty: not since the start, or its connections were cut
    MonoTime moved_{};              ///< since when it could have advanced and has not
    std::uint64_t pipe_{};
    std::uint64_t pipe_before_{};
    MonoTime pipe_before_heard_{};
    std::optional<MonoTime> turns_; ///< when the connections last changed to and fro
};

/// What only the running process knows.
struct Live {
    MonoTime now;
    std::size_t connected{};
    std::int64_t uptime_s{};
    std::int64_t rss_kib{};
    std::unordered_map<TillId, Contact> contacts;
    /// Since when apply has had work and taken none of it; empty: nothing waits.
    std::optional<MonoTime> apply_waits_since;
    Points points_unconfirmed{}; ///< spent without cover, and no operator has confirmed it
    bool backup_running{};
    std::string backup_failed; ///< name of the error of the last attempt; empty: it went well
};

/// Lack of progress, or worse, that somebody must look at.
struct Alarm {
    std::string_view name; ///< till.stalled, till.cloned, apply.stalled, backup.failed, points.breached
    TillId till;           ///< 0: none
    Duration lasts{};
    std::string_view text;
};
/// Those of the process (what the database knows besides is in TillRow), by name and till.
std::vector<Alarm> alarms_of(const Live& live);

/// A backup that somebody asked for.
struct BackupWish {
    std::string to; ///< absolute: a folder, or a file that is not there; empty: the configured folder
};

/// The threads behind the API. Called on the loop thread; the jobs run elsewhere and come back through
/// post().
class Workers {
public:
    virtual ~Workers() = default;
    /// False when too many wait already (the caller is answered "busy").
    virtual bool read(std::function<void(ReadSide&)> job) = 0;
    virtual bool write(std::function<void(WriteSide&)> job) = 0;
    /// From any thread: runs on the loop thread.
    virtual void post(std::function<void()> job) = 0;
    virtual Live live() = 0;
    /// The till is nobody from now on, or has another key: its connections are cut.
    virtual void cut_off(TillId till) = 0;
    /// `done` runs on the loop thread. backup.running (busy), backup.external (invalid: the database is
    /// backed up by its own tools), backup.path (invalid), and what db::backup and verify_backup say.
    virtual void backup(BackupWish wish, std::function<void(Result<BackupRow>)> done) = 0;
};

/// Signs the key of a till's request: PEM in, PEM out. Any thread.
using SignTill = std::function<Result<std::string>(std::string_view csr_pem, TillId till, Time now)>;

/// What a till is told when it enrols.
struct EnrolFacts {
    SignTill sign; ///< empty: this server cannot enrol tills
    std::string ca_pem;
    std::string sync_url;
    std::string server_name;
};

struct ApiOptions {
    std::string version;
    std::string database; ///< "sqlite" or "postgresql"
    bool access_open{};   ///< any till may come
    Currency currency{inr};
    crm::LoyaltyRules loyalty{};
    PointsPolicy points{};
    std::string member_code_secret;
    const Clock* clock{}; ///< outlives the routes
    Random* random{};     ///< fit for secrets; loop thread; outlives the routes
    EnrolFacts enrol;
};

/// Largest body the API takes (imports).
inline constexpr std::size_t api_body_bytes_max = std::size_t{32} * 1024 * 1024;
/// Imports under way at once; each holds its whole file.
inline constexpr std::size_t imports_max = 4;
/// Refused rows listed one by one in an import's answer; beyond, they are only counted.
inline constexpr std::size_t refusals_listed_max = 10'000;

/// Wrong enrolment codes in a minute, all together; beyond, nobody is listened to until it is over.
inline constexpr std::size_t wrong_codes_max = 10;

/// Adds every route. `workers` outlives the router.
void add_routes(http::Router& router, const ApiOptions& options, Workers& workers);
/// Paths that need no token.
std::vector<std::string> open_paths();

} // namespace mudi::server
