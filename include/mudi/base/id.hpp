#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

#include <mudi/base/bytes.hpp>

namespace mudi {

/// A number or word that names one kind of thing and cannot be mixed up with another.
template <class Tag, class Rep = std::int64_t>
struct Id {
    Rep value{};

    friend auto operator<=>(const Id&, const Id&) = default;
};

/// Given at enrolment, > 0. One till (workstation) of the chain, for ever.
using TillId = Id<struct TillTag>;
/// The shop's own short word for a store or a workstation, 1..32 characters.
using StoreId = Id<struct StoreTag, std::string>;
using WorkstationId = Id<struct WorkstationTag, std::string>;
/// Random, drawn when a till's database is made: a new disk is a new life.
using Incarnation = Id<struct IncarnationTag, std::uint64_t>;
/// Dense from 1 within an incarnation: the order of a till's events.
using EventSeq = Id<struct EventSeqTag>;
/// Random per event; the same event keeps it over every resend, restore and incarnation.
using EventId = Id<struct EventTag, Bits128>;
/// What one source said of one person; immutable once stored.
using SourceRecordId = Id<struct SourceRecordTag>;
/// A profile is named by the smallest of its source records.
using ProfileId = Id<struct ProfileTag>;
/// Keyed hash of a normalised card number or phone (mudi/crm/identifier.hpp).
using IdentifierHash = Id<struct IdentifierTag, Bits128>;
/// An offer made out to one profile.
using OfferId = Id<struct OfferTag, Bits128>;
/// A hold on points, taken before they are spent.
using HoldId = Id<struct HoldTag, Bits128>;
/// Random: one uninterrupted memory of rights to spend points (mudi/crm/rights.hpp). 0 = the server itself.
using RightsHolder = Id<struct RightsHolderTag, std::uint64_t>;

} // namespace mudi

template <class Tag, class Rep>
struct std::hash<mudi::Id<Tag, Rep>> {
    std::size_t operator()(const mudi::Id<Tag, Rep>& id) const noexcept { return std::hash<Rep>{}(id.value); }
};
