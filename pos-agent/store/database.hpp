#pragma once

#include <memory>
#include <span>

#include <mudi/base/db/migrate.hpp>
#include <mudi/till/store.hpp>

#include "event_table.hpp"
#include "meta_table.hpp"
#include "profile_table.hpp"
#include "sale_table.hpp"
#include "sealer.hpp"
#include "side_table.hpp"

namespace mudi::till {

/// Generated from sql/.
std::span<const db::Migration> migrations();

/// One connection for everything: its page cache stays warm and nothing waits for a lock. What may be lost in
/// a power cut (acks, feed, holds) is committed with synchronous=NORMAL, which costs no fsync; the next
/// sale's commit takes it to the disk along with itself.
class Database final : public Store, public Storage, public Replica {
public:
    Database(std::unique_ptr<db::Connection> connection, const StoreOptions& options, Random& random);
    Status start(const StoreOptions& options);

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

    [[nodiscard]] sync::TillState state() const override;
    Result<sync::till_in::OutboxRead> read_outbox(EventSeq after, const OutboxLimits& limits) override;
    Status save_ack(EventSeq acked, std::uint64_t generation) override;
    Result<FeedOutcome> apply_feed(const FeedBatch& batch) override;
    Result<sync::till_in::LifeBegun> begin_new_life() override;
    Result<std::int64_t> prune(Time before) override;
    [[nodiscard]] StoreCounts counts() const override;

private:
    /// Runs `write` in one transaction without fsync.
    template <class Write>
    Status write_relaxed(Write&& write);
    Status write_sale(EventRow row, Bits128 chain, const SaleToRecord& sale);
    Status write_side(const SideFact& fact);
    Result<HeldProfile> with_local(HeldSlice held);

    Status write_feed(const FeedBatch& batch, Meta& meta, FeedOutcome& outcome);
    Status write_row(const sync::FeedRow& row, SliceMarks marks, Meta& meta, FeedOutcome& outcome);
    Status write_profile(const sync::FeedRow& row, SliceMarks marks, Meta& meta, FeedOutcome& outcome);
    Status write_product(const sync::FeedRow& row, Meta& meta, FeedOutcome& outcome);
    Status write_settings(const sync::FeedRow& row, FeedOutcome& outcome);
    Status sweep(Meta& meta);

    std::unique_ptr<db::Connection> connection_;
    TillId till_;
    StoreId store_;
    WorkstationId workstation_;
    Random& random_;
    Sealer sealer_;

    MetaTable meta_table_;
    EventTable events_;
    SaleTable sales_;
    ProfileTable profiles_;
    OpenTable open_;
    CatalogueTable catalogue_;

    Meta meta_;
    ChainEnd last_;
    EventRow handed_; ///< newest event that was read from the outbox, and so may have left the till
    std::int64_t commits_{};
};

} // namespace mudi::till
