#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mudi/base/hash.hpp>
#include <mudi/sync/till_sync.hpp>
#include <mudi/till/desk.hpp>
#include <mudi/till/store.hpp>

#include "node.hpp"
#include "oracle.hpp"
#include "recorder.hpp"

namespace mudi::sim {

/// Who the till is; lies on its disk.
struct TillIdentity {
    TillId till;
    StoreId store;
    WorkstationId workstation;
    bool lead{false}; ///< of its store
    Key256 signing_key;
    Key256 data_key;
};

/// A till's disk at some moment, and where its POS stood.
struct TillImage {
    int machine{};
    DiskImage disk;
    DiskFacts facts;
    TillIdentity identity;
    std::int64_t next_number{};
};

/// The simulator's signature: cheap, and nobody can make one without the key.
std::string sign(const Key256& key, std::string_view text);
/// Stands for the public key of `key`.
std::string public_key(const Key256& key);

/// A till with its POS. The programs of pos-agent on a simulated machine; the driver here does what
/// pos-agent/app's does.
class TillMachine final : public Node, public TillEnd {
public:
    TillMachine(World& world, int number, TillIdentity identity);
    ~TillMachine() override;

    // The network.
    void link(bool up) override;
    void answer(std::uint64_t request, std::optional<std::string> frame) override;
    void sends() override { message(); }
    [[nodiscard]] TillId till() const override { return identity_.till; }
    [[nodiscard]] std::uint64_t running_program() const override { return program(); }

    // The shop.
    void open_shop();
    /// The POS asks again what it has no answer to; true when nothing is left to ask.
    bool ask_again();

    // Its neighbours.
    /// Serves them as its store's lead just now?
    [[nodiscard]] bool lends() const { return running() && program_->lends; }
    /// One of them asks; `on_reply` gets the frame that goes back.
    void lend(const std::string& frame, std::function<void(std::string)> on_reply);

    // People.
    [[nodiscard]] TillImage image() const;
    /// Puts the disk of an image in; the machine must be down. The POS goes on where the image's stood, or
    /// stays as it is.
    void put_in(const TillImage& image, bool pos_too);
    /// A new, empty disk; the machine must be down.
    void put_in_new_disk(const Key256& signing_key, const Key256& data_key);
    /// Switched off and on again.
    void forget_memory() { power_lost(); }
    /// The copy's POS goes on with the original's numbers.
    void take_numbers_of(const TillMachine& original);
    /// Forgets what is safe and older than the swarm says.
    void prune();

    [[nodiscard]] const TillIdentity& identity() const { return identity_; }
    [[nodiscard]] DiskFacts& facts() { return facts_; }
    [[nodiscard]] till::Store& store() { return *program_->store; }
    [[nodiscard]] const sync::TillSync& core() const { return *program_->sync; }
    [[nodiscard]] bool level() const { return running() && program_->level; }
    /// Why it is not in step with the server; empty when it is.
    [[nodiscard]] std::string unrest() const;
    /// Ids of the events in the database, oldest first; read off the disk, not asked of the program.
    [[nodiscard]] std::optional<std::vector<EventId>> stored_events() const;
    static constexpr const char* file = "till.db";

private:
    using OnPoints = std::function<void(const Result<sync::ReserveAnswer>&)>;
    struct Program {
        explicit Program(std::uint64_t seed) : random(seed) {}
        SeededRandom random;
        std::unique_ptr<till::Store> store;
        std::unique_ptr<Recorder> recorder;
        std::unique_ptr<till::Desk> desk;
        std::unique_ptr<sync::TillSync> sync;
        std::deque<sync::TillInput> inputs;
        std::vector<sync::TillAction> actions;
        std::optional<MonoTime> wake_at;
        std::optional<Time> level_at;
        std::uint64_t last_pull{};
        bool stepping{false};
        bool linked{false};
        bool level{false};
        bool asks_later{false};
        std::optional<Time> last_contact;
        std::map<std::uint64_t, OnPoints> asked; ///< the server, by number
        std::uint64_t questions{};
        EventSeq handed_over;
        bool lends{false};
    };
    /// A customer who pays with points.
    struct Redeeming {
        Serial serial{};
        till::SaleDocument document;
        Points points;
        std::int64_t begun_ms{};
        till::RedeemQuestion question;
    };
    using Customer = std::shared_ptr<Redeeming>;
    /// What the machine remembers while it has power, as pos-agent's file in /run.
    class Witness final : public till::RightsWitness {
    public:
        std::optional<Seen> read() override { return seen_; }
        void write(const Seen& seen) override { seen_ = seen; }
        void forget() { seen_.reset(); }

    private:
        std::optional<Seen> seen_;
    };
    /// What the POS has asked and got no answer to.
    struct Pending {
        Serial serial{};
        till::SaleDocument document;
        bool unreadable{false}; ///< a lying disk spoilt what is stored of it: no asking helps
    };

    Status start() override;
    void end() override;
    void started() override;
    void stopped() override;
    void power_lost() override { witness_.forget(); }
    void damaged(const Error& error) override;

    // The driver of TillSync.
    void feed(sync::TillInput input);
    void act(sync::till_out::Send& send);
    void act(const sync::till_out::Sign& sign);
    void act(const sync::till_out::ReadOutbox& read);
    void act(const sync::till_out::SaveAck& save);
    void act(sync::till_out::ApplyFeed& apply);
    void act(const sync::till_out::CompareManifest& compare);
    void act(const sync::till_out::ApplyPart& part);
    void act(const sync::till_out::NewLife& life);
    void act(const sync::till_out::SaveCertificate&) {}
    void act(const sync::till_out::Answered& action);
    void act(const sync::till_out::SetTimer& timer);
    void act(const sync::till_out::Report& report);
    void feed_applied(const Result<till::FeedOutcome>& outcome);
    void look_at_link();
    void is_level();
    void relieve();
    void notice(const Error& error);
    void forget_pruned();
    void look_at_holder();

    // The POS (till_shop.cpp).
    void next_customer();
    void serve();
    void sell(bool later);
    void join();
    void give_back();
    void undo();
    void complete(Serial serial, const till::SaleDocument& document);
    void told_ok(Serial serial, EventId event);
    void refused(Serial serial, const till::SaleDocument& document, const Error& error);
    [[nodiscard]] till::SaleDocument new_document(Serial serial);
    [[nodiscard]] bool known_ok(Serial serial) const;

    // Points (till_points.cpp).
    void ask_server(const sync::Reserve& question, OnPoints on_answer);
    void ask_lead(const sync::Reserve& question, OnPoints on_answer);
    void tidy();
    void settle_questions();
    void look_at_lead();
    void hand_over_captured();
    void pay_with_points();
    void redeem(const Customer& customer);
    void redeem_from_server(const Customer& customer);
    void server_answered(const Customer& customer, const Result<sync::ReserveAnswer>& answer, bool sent);
    void redeem_without_server(const Customer& customer);
    void lead_answered(const Customer& customer, const Result<sync::ReserveAnswer>& answer, bool sent);
    void redeem_alone(const Customer& customer);
    void hold_granted(const Customer& customer, RightsHolder lender);
    /// The question is over; false: nothing more can be done for this customer's points.
    bool drop(const Customer& customer, bool doubtful);
    void points_held(const Customer& customer, const Result<till::HoldView>& hold);
    void pay(const Customer& customer, const till::Hold& hold);
    void pay_cash(const Customer& customer);

    TillIdentity identity_;
    Witness witness_;
    DiskFacts facts_;
    std::unique_ptr<Program> program_;
    SeededRandom shop_;
    std::optional<Pending> pending_;
    std::int64_t next_number_{1};
    std::string letter_;                                          ///< before the POS's numbers
    std::vector<std::pair<Serial, till::SaleDocument>> receipts_; ///< the last few, for returns
};

} // namespace mudi::sim
