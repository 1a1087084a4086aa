#pragma once

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "link.hpp"
#include "spool_folder.hpp"

namespace mudi::pos {

/// A finished sale or return on its way to the till's disk. However often it is sent, and whichever way it
/// goes, it keeps its content and its event id: that is what makes a repeat harmless.
class Delivery {
public:
    /// `sure`: an agent has accepted the customer before, or there is none.
    Delivery(nlohmann::json document, bool sure) : document_(std::move(document)), sure_(sure) {}

    /// The receipt. Without an agent that can save it, the document goes to the spool, once: MUDI_PENDING
    /// with a receipt made from the document. Faults: MUDI_E_ARG (refused), MUDI_E_AGENT (not spooled
    /// either).
    struct Delivered {
        mudi_rc rc{MUDI_OK};
        mudi_receipt receipt{};
        Fault why; ///< with MUDI_PENDING: what is the matter with the agent
    };
    Outcome<Delivered> go(Link& link, SpoolFolder& spool, const std::string& target,
                          const Deadline& deadline);

    [[nodiscard]] bool spooled() const { return spooled_; }
    [[nodiscard]] const nlohmann::json& document() const { return document_; }

private:
    Outcome<mudi_receipt> send(Link& link, const std::string& target, const Deadline& deadline) const;

    nlohmann::json document_;
    bool sure_;
    bool spooled_{false};
};

} // namespace mudi::pos
