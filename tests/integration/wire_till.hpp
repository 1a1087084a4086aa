#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mudi/base/clock.hpp>
#include <mudi/base/random.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/sync/identity.hpp>
#include <mudi/sync/till_sync.hpp>
#include <mudi/sync/transport.hpp>

#include "server_process.hpp"

namespace mudi::test {

/// A till without a shop: the real TillSync over the real transport, its outbox in memory. The test's own
/// thread is its loop.
class WireTill {
public:
    WireTill(TillId till, std::string store, std::uint64_t seed);
    WireTill(const WireTill&) = delete;
    WireTill& operator=(const WireTill&) = delete;
    ~WireTill();

    /// Links to a server; a link from before is cut. What was captured and acknowledged stays.
    void link(const std::string& url, const WireIdentity& identity);
    void unlink();
    /// Goes on speaking on the connection that stands, which was proved for this till, in the name of another
    /// one.
    void pretend(TillId other);
    /// Asks for a new certificate; it comes with the answer (certificates()).
    void renew();

    /// Captures a sale of one item; gives its event id.
    EventId sell(const std::string& card = {});
    /// Captures bytes that no server can read.
    EventId capture_poison();

    /// Runs the loop until `done()`; false when that takes longer than `patience`.
    bool run_until(const std::function<bool()>& done,
                   std::chrono::seconds patience = std::chrono::seconds{60});

    [[nodiscard]] EventSeq acked() const { return acked_; }
    [[nodiscard]] const std::vector<sync::Event>& captured() const { return outbox_; }
    /// Its copy of the store's customers.
    [[nodiscard]] std::vector<crm::ProfileSlice> profiles() const;
    [[nodiscard]] std::size_t lives() const { return lives_; }
    [[nodiscard]] const std::vector<std::string>& reports() const { return reports_; }
    /// True when a report says this.
    [[nodiscard]] bool was_told(const std::string& word) const;
    [[nodiscard]] const std::vector<std::string>& certificates() const { return certificates_; }
    [[nodiscard]] bool linked() const { return sync_ && sync_->linked(); }
    [[nodiscard]] EventSeq safe() const { return state_.safe; }

private:
    EventId capture(sync::Event event);
    void step(const sync::TillInput& input);
    void act(sync::till_out::Send& send);
    void act(const sync::till_out::Sign& sign);
    void act(const sync::till_out::ReadOutbox& read);
    void act(const sync::till_out::SaveAck& save);
    void act(const sync::till_out::ApplyFeed& apply);
    void act(const sync::till_out::CompareManifest& compare);
    void act(const sync::till_out::ApplyPart& apply);
    void act(const sync::till_out::NewLife& life);
    void act(const sync::till_out::SaveCertificate& save);
    void act(const sync::till_out::Answered&) {}
    void act(const sync::till_out::SetTimer& timer);
    void act(const sync::till_out::Report& report);
    void answered(std::uint64_t request, Result<std::string> frame);
    /// Rows of every kind, by kind and key.
    using Key = std::pair<std::uint32_t, std::string>;
    void post(std::function<void()> job);

    SystemClock clock_;
    SeededRandom random_;
    sync::TillState state_;
    std::vector<sync::Event> outbox_;
    std::vector<Bits128> chains_; ///< chain value at each event of the outbox
    EventSeq acked_;
    std::map<Key, sync::FeedRow> rows_;
    std::optional<sync::TillKey> key_;
    std::string hello_answer_; ///< of this connection
    bool pretending_{};
    std::vector<std::string> certificates_;
    std::size_t lives_{};
    std::vector<std::string> reports_;

    std::unique_ptr<sync::TillSync> sync_;
    std::unique_ptr<sync::TillTransport> transport_;
    std::uint64_t link_number_{}; ///< what an older link still posts is not for this one
    MonoTime wake_at_{MonoTime::max()};
    std::deque<sync::TillInput> inputs_;
    bool stepping_{};

    std::mutex mutex_; ///< guards jobs_
    std::condition_variable posted_;
    std::deque<std::function<void()>> jobs_;
};

} // namespace mudi::test
