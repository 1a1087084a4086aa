#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "delivery.hpp"
#include "documents.hpp"
#include "link.hpp"
#include "spool_folder.hpp"

namespace mudi::pos {

/// What a transaction is from its first moment on.
struct TxnHead {
    std::string number;
    std::string business_day;
    std::string event_id;
    std::string host;
    std::string operator_id;
    std::string currency; ///< empty: the shop's
    bool training{false};
    std::int64_t begin_us{};
};

/// One open transaction. It keeps everything that makes the sale, so that it can be completed without the
/// agent, and tells the agent what it does not know yet before each question, so that an agent which was
/// started again in the middle is level with it. One thread at a time.
///
/// Calls that change the sale answer MUDI_OK (the agent knows) or MUDI_PENDING; refused ones change nothing.
class Txn {
public:
    Txn(Link& link, SpoolFolder& spool, TxnHead head) : link_(link), spool_(spool), head_(std::move(head)) {}

    /// Opens it at the agent, and takes over what is open there under this name.
    Outcome<mudi_rc> begin(const Deadline& deadline);
    Outcome<mudi_rc> suspend(const Deadline& deadline);
    /// The state after suspend() ends.
    Outcome<mudi_rc> resume(const Deadline& deadline);

    Outcome<nlohmann::json> identify(const nlohmann::json& presented, const Deadline& deadline);
    Outcome<mudi_rc> forget_customer(const Deadline& deadline);

    Outcome<mudi_rc> set_line(const std::string& id, mudi_line line, const Deadline& deadline);
    Outcome<mudi_rc> void_line(const std::string& id, const Deadline& deadline);
    Outcome<mudi_rc> set_basket(std::vector<Line> lines, std::optional<std::int64_t> total,
                                const Deadline& deadline);
    [[nodiscard]] const std::vector<Line>& lines() const { return lines_; }

    Outcome<nlohmann::json> offers(const Deadline& deadline);
    Outcome<nlohmann::json> apply_offer(const std::string& offer, const Deadline& deadline);
    Outcome<mudi_rc> take_back_offer(const std::string& offer, const Deadline& deadline);
    Outcome<nlohmann::json> redeem(std::int64_t points, const Deadline& deadline);
    Outcome<mudi_rc> release(const std::string& hold, const Deadline& deadline);

    Outcome<mudi_rc> add_tender(nlohmann::json tender, const Deadline& deadline);
    Outcome<mudi_rc> clear_tenders();

    Outcome<Delivery::Delivered> complete(const mudi_totals& totals, const Deadline& deadline);
    Outcome<mudi_rc> cancel(const std::string& reason, const Deadline& deadline);

    enum class State { open, suspended, spooled, completed, cancelled };
    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] const TxnHead& head() const { return head_; }

private:
    struct Tender {
        nlohmann::json document;
        std::string key; ///< so that the agent takes it once
        bool told{false};
    };
    /// What the agent knows of us.
    struct Told {
        bool begun{false};
        bool customer{true}; ///< true at first: there is none
        bool basket{true};
        bool offers{true};
    };

    Outcome<bool> must_be_open() const;
    [[nodiscard]] std::string target(const std::string& suffix) const;
    AgentCall call(std::string method, const std::string& suffix, nlohmann::json body = nullptr,
                   std::string key = {}) const;
    /// Brings the agent up to date, then asks.
    Outcome<nlohmann::json> ask(AgentCall call, const Deadline& deadline);
    Outcome<bool> catch_up(const Deadline& deadline);
    Outcome<nlohmann::json> tell_begin(const Deadline& deadline);
    Outcome<bool> tell_customer(const Deadline& deadline);
    Outcome<bool> tell_rest(const Deadline& deadline);
    void agent_forgot();
    void adopt(const nlohmann::json& open);
    /// MUDI_OK; MUDI_PENDING when the agent was away; else the refusal.
    Outcome<mudi_rc> settled(const Outcome<nlohmann::json>& answer);
    void drop_rewards();
    void follow_offers(const nlohmann::json& answer);
    nlohmann::json basket_document() const;
    nlohmann::json sale_document(const mudi_totals& totals) const;
    void changed() { delivery_.reset(); }

    Link& link_;
    SpoolFolder& spool_;
    TxnHead head_;
    State state_{State::open};
    Told told_;

    nlohmann::json customer_;   ///< presented; null: none of ours
    bool customer_sure_{false}; ///< an agent has accepted it
    std::int64_t profile_{};    ///< whom the agent took it for
    std::vector<Line> lines_;
    std::optional<std::int64_t> total_;
    std::vector<std::string> offers_;
    std::string hold_;
    int redeems_{0};
    std::vector<Tender> tenders_;

    std::optional<mudi_totals> totals_;
    std::optional<Delivery> delivery_;
    std::optional<mudi_receipt> receipt_;
};

} // namespace mudi::pos
