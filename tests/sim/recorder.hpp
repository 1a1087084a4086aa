#pragma once

#include <mudi/till/storage.hpp>

#include "world.hpp"

namespace mudi::sim {

/// Between a till's desk and its store: tells the oracle what is about to be saved, and spoils some of it.
class Recorder final : public till::Storage {
public:
    Recorder(World& world, till::Storage& under) : world_(world), under_(under) {}

    Result<EventSeq> record(const till::SaleToRecord& sale) override;
    Result<std::optional<till::StoredTransaction>>
    find_transaction(const till::TransactionKey& key) override {
        return under_.find_transaction(key);
    }
    Result<std::optional<till::HeldProfile>> find_profile(const till::ProfileName& name) override {
        return under_.find_profile(name);
    }
    Result<std::vector<till::HeldProfile>> search_profiles(std::span<const std::string> keys,
                                                           std::size_t count_max) override {
        return under_.search_profiles(keys, count_max);
    }
    Result<std::optional<crm::Product>> find_product(std::string_view item_id) override {
        return under_.find_product(item_id);
    }
    Status keep(const till::SideFact& fact) override { return under_.keep(fact); }
    Result<till::DeskMemory> load() override { return under_.load(); }
    Result<std::vector<till::RightDue>> rights_due(std::size_t count_max) override {
        return under_.rights_due(count_max);
    }

    /// What the shop does while the desk is asked.
    Serial doing{};
    /// The till's program is newer than the server's and writes what that one does not know.
    bool newer{false};

private:
    World& world_;
    till::Storage& under_;
};

} // namespace mudi::sim
