#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mudi/base/db/statement.hpp>
#include <mudi/server/counters.hpp>
#include <mudi/server/rights.hpp>

namespace mudi::server {

enum class HoldState : std::uint8_t { open = 0, closed = 1, wished = 2 };

/// Points that were set aside are not any more.
struct Closing {
    SourceRecordId record;
    RightsHolder lender; ///< 0: the server
    std::optional<HoldId> hold;
    Points points;
    bool spent{false}; ///< else they came back
};

struct RightsBook::Impl {
    explicit Impl(db::Connection& connection);

    /// One account with its key in the books.
    struct Booked {
        SourceRecordId record;
        crm::RightsAccount account;
    };
    struct Books {
        ProfileId profile; ///< 0: nobody
        Points balance;
        Points held;
        std::vector<Booked> booked;

        [[nodiscard]] std::vector<crm::RightsAccount> accounts() const;
        [[nodiscard]] Points free() const { return crm::free_points(balance, held, accounts()); }
    };

    // rights_book.cpp
    Result<Books> open(ProfileId asked);
    Result<Books> open(ProfileId profile, const std::vector<SourceRecordId>& records);
    Status save(const Booked& booked);
    Status moved();
    Status call_back(Books& books, Points wanted, sync::ReserveAnswer& answer);
    Result<sync::ReserveAnswer> reserve(const sync::Reserve& asked, Time now);
    Result<crm::Right> allot_one(Books& books, RightsHolder holder, Points max, Points useful_min,
                                 std::optional<Points> promised);

    // rights_close.cpp
    Status close(const Closing& closing, Time now);
    Status close_hold(const Closing& closing, Time now);
    Status close_account(const Closing& closing, Time now);
    Status breach(Points points);

    // rights_hear.cpp
    /// Ordinal of a start of this server; empty: it knows of none such.
    Result<std::optional<std::int64_t>> start_of(std::uint64_t generation);
    Result<bool> has_lost_history(const sync::TillHello& hello, EventSeq mark);
    Result<bool> is_old_news(const sync::TillHello& hello);
    Status note_lost(const sync::TillHello& hello, Time now);
    Result<bool> has_told_all(const sync::TillHello& hello, EventSeq mark, Time now);
    /// Not only that: while it is settled it must go by what this history says.
    Result<bool> goes_by_this_history(const sync::TillHello& hello);
    Status hear_holds(const sync::TillHello& hello, std::optional<Time> asked);
    Status hear_holder(const sync::TillHello& hello, Time now, Time asked);
    Status begin_settling(Time since, std::int64_t from);
    Result<bool> settling(Time now);
    /// Of the oldest event that came in and is not applied, or not before an upgrade; far in the future when
    /// none waits.
    Result<Time> oldest_waiting();
    struct DeadHolder {
        RightsHolder holder;
        TillId till;
        Time died;
        bool same_machine{false};
    };
    Result<std::vector<DeadHolder>> the_dead();
    static bool is_after(const DeadHolder& holder, TillId till, Time asked);
    Result<bool> may_free(const DeadHolder& holder, Time now);
    Result<std::size_t> free_the_dead(Time now);
    Result<std::vector<TillId>> awaited(Time now);

    using Holder = RightsHolder;
    using Record = SourceRecordId;
    using Count = std::int64_t;

    db::Connection& writer;
    Counters counters;
    Points breached;
    db::Query<db::Columns<ProfileId>, db::Params<Record>> profile_of;
    db::Query<db::Columns<Record>, db::Params<ProfileId>> records_of;
    db::Query<db::Columns<Points>, db::Params<Record>> balance;
    db::Query<db::Columns<Points>, db::Params<Record>> held;
    db::Query<db::Columns<Points>, db::Params<Record, Time>> wished;
    db::Query<db::Columns<Holder, Points, Points, Points, Time>, db::Params<Record>> accounts;
    db::Query<db::Columns<Points, Points, Points>, db::Params<Record, Holder>> account;
    db::Command<Record, Holder, Points, Points, Points> save_account;
    db::Query<db::Columns<Record, Points, HoldState>, db::Params<HoldId>> find_hold;
    db::Command<HoldId, Record, TillId, Points, Time, HoldState> save_hold;
    db::Command<HoldId> close_row;
    db::Command<HoldId, Holder> note_lent;
    db::Command<EventId> note_event;
    db::Command<Record> mark_dirty;

    db::Query<db::Columns<TillId, Time, bool>, db::Params<Holder>> find_holder;
    db::Command<Holder, TillId, std::string, Time> make_holder;
    db::Command<Holder> revive;
    db::Command<Time, TillId, Holder> bury;
    db::Command<Time, TillId> save_drained;
    db::Command<Time, Time, TillId> save_holds;
    db::Query<db::Columns<bool>, db::Params<TillId>> is_lead;
    db::Command<Time, StoreId> wake_store;
    db::Command<Time> wake_all;
    db::Query<db::Columns<Holder, bool>, db::Params<StoreId>> holders_in;
    db::Query<db::Columns<Count>, db::Params<>> newest_start;
    db::Query<db::Columns<Count>, db::Params<std::uint64_t>> find_start;
    db::Query<db::Columns<Count>, db::Params<Count>> first_version;
    db::Query<db::Columns<Time>, db::Params<Count>> waiting_since;
    db::Query<db::Columns<Time>, db::Params<>> not_understood_since;

    db::Query<db::Columns<Holder, TillId, Time, std::string, std::string>, db::Params<>> dead;
    db::Query<db::Columns<TillId, Time, Time, Time>, db::Params<TillId>> neighbours;
    db::Query<db::Columns<Holder>, db::Params<TillId, std::string, Time>> elsewhere;
    db::Command<Holder> free_holder;
    db::Command<Time, Holder> wake_accounts;
    db::Command<Holder> drop_accounts;
    db::Command<Time> forget_accounts;
    db::Command<Time> forget_holders;
    db::Query<db::Columns<Count>, db::Params<>> any_to_bury;
    db::Command<Time> bury_revoked;
    db::Command<Count, Time, Time> close_unused;
    db::Command<Time, Time> wake_wished;
    db::Command<Time> forget_wishes;
    db::Query<db::Columns<TillId>, db::Params<Time, Time, Time, Time>> waited_for;
};

} // namespace mudi::server
