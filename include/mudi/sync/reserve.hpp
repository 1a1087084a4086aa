#pragma once

#include <cstdint>
#include <string>

#include <mudi/base/id.hpp>
#include <mudi/base/money.hpp>
#include <mudi/base/result.hpp>
#include <mudi/crm/transaction.hpp>

namespace mudi::sync {

/// "May I spend so many points of this customer?", asked of the server, or of the store's lead till while the
/// server is away. The same hold asked again gets the same answer.
struct Reserve {
    TillId till;
    HoldId hold;
    ProfileId profile;
    Points points; ///< > 0

    friend bool operator==(const Reserve&, const Reserve&) = default;
};

struct ReserveAnswer {
    bool granted{false};
    RightsHolder lender; ///< goes into the ledger entry (crm::LedgerEntry::lender); 0: the server
    Points available;    ///< what could be had, when not granted
    /// > 0: rights are being called back from the store's lead; ask again so much later.
    Duration again_after{};

    friend bool operator==(const ReserveAnswer&, const ReserveAnswer&) = default;
};

/// What a till has on hold when it says hello. Holds within the floor limit do not count: nobody set anything
/// aside for them.
enum class OnHold : std::uint8_t {
    not_said, ///< an older till; anything is possible
    borrowed, ///< of a lead, of a memory it had before, or asked for there and not answered
    known,    ///< of the server, or under the till's own present right
    nothing,
};

/// Frames of the same question between two tills, where there is no TillSync. wire.* as everywhere.
std::string encode_question(const Reserve& reserve);
std::string encode_answer(const Result<ReserveAnswer>& answer);
Result<Reserve> decode_question(std::string_view frame);
/// A refusal comes back as the error it names (denied).
Result<ReserveAnswer> decode_reserve_answer(std::string_view frame);

} // namespace mudi::sync
