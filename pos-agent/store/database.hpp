#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <mudi/base/db/migrate.hpp>
#include <mudi/till/store.hpp>

#include "catalogue_table.hpp"
#include "event_table.hpp"
#include "mark_table.hpp"
#include "meta_table.hpp"
#include "profile_table.hpp"
#include "raw_table.hpp"
#include "recent_profiles.hpp"
#include "right_table.hpp"
#include "sale_table.hpp"
#include "sealer.hpp"
#include "side_table.hpp"

namespace mudi::till {

/// Generated from sql/.
std::span<const db::Migration> migrations();

/// On a full disk the log must not grow.
inline constexpr std::string_view checkpoints_often = "PRAGMA wal_autocheckpoint = 100";

/// One connection for everything: its page cache stays warm and nothing waits for a lock. What may be lost in
/// a power cut (acks, feed, holds) is committed with synchronous=NORMAL, which costs no fsync; the next
/// sale's commit takes it to the disk along with itself.
class Database final : public Store, public Storage, public Replica {
public:
    Database(std::unique_ptr<db::Connection> connection, const StoreOptions& options, Random& random);
    Status start();

    Storage& storage() override { return *this; }
    Replica& replica() override { return *this; }
    [[nodiscard]] std::int64_t size_bytes() const override { return connection_->size_bytes(); }

    Result<EventSeq> record(const SaleToRecord& sale) override;
    Result<std::optional<StoredTransaction>> find_transaction(const TransactionKey& key) override;
    Result<std::optional<HeldProfile>> find_profile(const ProfileName& name) override;
    Result<std::vector<HeldProfile>> search_profiles(std::span<const std::string> keys,
                                                     std::size_t count_max) override;
    Result<std::optional<crm::Product>> find_product(std::string_view item_id) override;
    Status keep(const SideFact& fact) override;
    Result<DeskMemory> load() override;
    Result<std::vector<RightDue>> rights_due(std::size_t count_max) override;

    [[nodiscard]] sync::TillState state() const override;
    Result<sync::till_in::OutboxRead> read_outbox(EventSeq after, const OutboxLimits& limits) override;
    Status save_ack(const sync::till_out::SaveAck& ack) override;
    Result<FeedOutcome> apply_feed(const FeedBatch& batch) override;
    Result<std::vector<std::uint32_t>> compare(const sync::Manifest& manifest) override;
    Result<FeedOutcome> apply_part(const sync::till_out::ApplyPart& part) override;
    Result<sync::till_in::LifeBegun> begin_new_life() override;
    Result<std::int64_t> prune(Time before) override;
    Result<Relief> relieve(Time now) override;
    [[nodiscard]] StoreCounts counts() const override;

private:
    [[nodiscard]] EventSeq seq_of(EventRow row) const { return EventSeq{row.value - meta_.base.value}; }
    /// Runs `write` in one transaction without fsync.
    template <class Write>
    Status write_relaxed(Write&& write) {
        MUDI_TRY(auto transaction, db::WriteTransaction::begin(*connection_, db::Commit::relaxed));
        MUDI_CHECK(write());
        return transaction.commit();
    }

    // store.cpp
    Status checkpoints_apart();
    Result<EventSeq> record_once(const SaleToRecord& sale);
    Status write_sale(EventRow row, Bits128 chain, const SaleToRecord& sale);
    Status write_side(const SideFact& fact);
    Result<HeldProfile> with_local(HeldSlice held);

    // store_outbox.cpp
    Result<sync::till_in::LifeBegun> begin_life_once();

    // store_feed.cpp
    using Rows = std::vector<sync::FeedRow>;
    Result<FeedOutcome> apply(const Rows& rows, const std::optional<sync::FeedCursor>& cursor,
                              const std::optional<PartRange>& whole);
    Status write_rows(const Rows& rows, Meta& meta, FeedOutcome& outcome);
    Result<SliceSays> says(const sync::FeedRow& row, std::int64_t era) const;
    Status write_row(const sync::FeedRow& row, std::int64_t era, Meta& meta, FeedOutcome& outcome);
    Result<bool> write_profile(const sync::FeedRow& row, std::int64_t era, Meta& meta, FeedOutcome& outcome);
    Result<bool> write_product(const sync::FeedRow& row, Meta& meta);
    Result<bool> write_settings(const sync::FeedRow& row, FeedOutcome& outcome);
    Status keep_raw(const sync::FeedRow& row, std::int64_t era, Meta& meta);
    Status erase_others(const Rows& rows, PartRange range, Meta& meta, FeedOutcome& outcome);
    Result<PartSums> sums();
    Status place_old_rows();
    Status take_up_raw_rows();

    // store_rights.cpp
    Status take_up_rights();
    Status begin_memory(Meta& meta);
    Status begin_memory_now(bool of_a_copy);
    Status begin_memory_if_any();
    void memory_begun(const Meta& meta);
    void testify();
    Status tick(Meta& meta);
    Status hear_right(ProfileId profile, const crm::ProfileSlice* slice);
    Status move_right(const RightMove& move);
    Status keep_right(const RightUsed& fact);
    Result<std::optional<crm::RightUse>> right_of(ProfileId profile);
    [[nodiscard]] Points rights_held() const;
    void note_birth(Time now);

    // store_pressure.cpp
    enum class Remedy : std::uint8_t { reserve, log, caches };
    static constexpr Remedy remedies[] = {Remedy::reserve, Remedy::log, Remedy::caches};
    Result<EventSeq> record_extra(const SaleToRecord& sale);
    [[nodiscard]] bool is_full(const Error& error) const;
    void press();
    bool make_room(Remedy remedy);
    /// Takes a full disk for what it is; gives what the caller answers.
    tl::unexpected<Error> notice(Error error);
    static Error no_room();
    void start_reserve();
    bool space_is_back();
    Status let_up(Relief& relief);
    Result<std::int64_t> step_down(Time now);
    Result<std::int64_t> drop_caches();
    Result<std::int64_t> drop_profiles(ProfileId& at, Meta& meta);

    std::unique_ptr<db::Connection> connection_;
    StoreOptions options_;
    Random& random_;
    Sealer sealer_;

    MetaTable meta_table_;
    EventTable events_;
    mutable MarkTable marks_;
    SaleTable sales_;
    ProfileTable profiles_;
    OpenTable open_;
    CatalogueTable catalogue_;
    RawTable raw_;
    mutable RightTable rights_;
    db::Query<db::Columns<std::int64_t>, db::Params<>> free_pages_;

    Meta meta_;
    ChainEnd last_;
    EventRow handed_; ///< newest event that was read from the outbox, and so may have left the till
    std::int64_t commits_{};

    Pressure pressure_{Pressure::none};
    bool cut_{false}; ///< rows of the feed were dropped: changes alone do not bring them back
    ProfileId dropped_to_;
    RecentProfiles recent_;

    bool rights_known_{false};                  ///< of the present memory
    mutable std::optional<Points> rights_held_; ///< as summed up last
};

} // namespace mudi::till
