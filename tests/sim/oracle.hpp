#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <mudi/base/bytes.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/money.hpp>
#include <mudi/crm/transaction.hpp>

namespace mudi::sim {

/// Numbers what a POS does; 0: nothing.
using Serial = std::int64_t;

/// One sale, return, void or joining customer, as the shop knows it.
struct Deed {
    int till{};          ///< machine
    bool is_join{false}; ///< else a transaction
    crm::TransactionKind kind{crm::TransactionKind::sale};
    bool training{false};
    std::string number;
    std::int64_t total_minor{};
    Serial voids{};     ///< of a void: the sale; 0: none
    bool ok{false};     ///< the POS was told that it is saved …
    EventId event;      ///< … as this event
    bool spoilt{false}; ///< its bytes were flipped on their way to the disk, at some attempt
    bool lost{false};   ///< people destroyed every copy there was

    int customer{-1};          ///< who showed a card or phone; -1: nobody
    std::int64_t earned{};     ///< points, by the programme's rule
    std::int64_t redeemed{};   ///< points that the POS was told are spent
    RightsHolder lender{};     ///< under whose right
    bool by_server{false};     ///< the server held them
    ProfileId profile{};       ///< whose they were
    std::int64_t granted_ms{}; ///< when they were held; true time since the world began …
    std::int64_t paid_ms{};    ///< … and when the sale was rung up
    /// By a till that people had said, or said before it could tell, that is gone: nothing was kept for it.
    bool beyond{false};
};

/// An event as some till tried to save it. The same deed may be tried again under another event id, by a till
/// that was put back to an earlier state in between.
struct Attempt {
    Serial serial{};    ///< 0: nothing that a POS asked for
    Bits128 content;    ///< hash of the stored body
    bool spoilt{false}; ///< its bytes were flipped before it was stored
    bool future{false}; ///< of a kind or schema that the server's old program does not know
};

/// What a till's disk proves, known from outside. Travels with the disk and its copies.
struct DiskFacts {
    struct Kept {
        Serial serial{};
        EventId event;
    };
    std::vector<Kept> kept;      ///< told OK on this disk, oldest first
    std::vector<EventId> pruned; ///< given up by the program itself, because they are safe
    bool lied{false};            ///< its syncs did not do what they said, at some time
};

/// Everything that happened in the shops, kept where no fault reaches.
class Oracle {
public:
    Serial begin(Deed deed) {
        deeds_.push_back(std::move(deed));
        return static_cast<Serial>(deeds_.size());
    }
    [[nodiscard]] Deed& deed(Serial serial) { return deeds_.at(static_cast<std::size_t>(serial - 1)); }
    [[nodiscard]] const std::vector<Deed>& deeds() const { return deeds_; }

    void attempt(EventId event, const Attempt& attempt) { attempts_.emplace(event.value, attempt); }
    [[nodiscard]] const Attempt* attempt(EventId event) const {
        const auto found = attempts_.find(event.value);
        return found == attempts_.end() ? nullptr : &found->second;
    }

    /// Committed in the server's live database.
    std::unordered_set<Bits128> at_server;
    /// How many events of a life the server has, by till and incarnation.
    std::map<std::pair<std::int64_t, std::uint64_t>, std::int64_t> marks;

private:
    std::vector<Deed> deeds_;
    std::unordered_map<Bits128, Attempt> attempts_;
};

} // namespace mudi::sim
