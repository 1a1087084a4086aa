#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/offers.hpp>

namespace mudi::server {

/// Current offers, the queue of profiles to look at, and when time alone changes them. Inside the caller's
/// write transaction.
class OfferBook {
public:
    explicit OfferBook(db::Connection& writer);
    OfferBook(const OfferBook&) = delete;
    OfferBook& operator=(const OfferBook&) = delete;
    ~OfferBook();

    struct Dirty {
        ProfileId profile;
        std::vector<ProfileId> swallowed; ///< went into it since it was looked at last
    };
    /// Takes the longest waiting out of the queue: at most `limit` records, hence at most so many profiles.
    Result<std::vector<Dirty>> take_dirty(std::size_t limit);
    /// What the records of one profile buy, by item, with the words of the catalogue or the receipts.
    Result<std::vector<crm::ItemHabit>> habits(std::span<const SourceRecordId> records);
    /// Replaces the profile's offers; those of the swallowed go. Gives how many were not out before.
    Result<std::size_t> replace(ProfileId profile, std::span<const crm::Offer> before,
                                std::span<const crm::Offer> offers, std::span<const ProfileId> swallowed);
    /// When to look again; empty = only when something happens.
    Status set_due(ProfileId profile, std::optional<Time> due);
    /// Puts the profiles that are due into the queue. Gives how many.
    Result<std::size_t> wake_due(Time now, std::size_t limit);
    /// Writes what is gathered; before the commit.
    Status flush();
    Result<bool> any_dirty();
    /// After a rollback.
    void forget();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
