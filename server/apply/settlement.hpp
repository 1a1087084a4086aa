#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <mudi/base/result.hpp>
#include <mudi/crm/transaction.hpp>
#include <mudi/server/apply.hpp>

#include "books.hpp"

namespace mudi::server {

/// Business keys of other transactions that this one refers to, each once; the first is the one its points go
/// with.
std::vector<crm::BusinessKey> links_of(const crm::RetailTransaction& transaction);

/// Brings a sale, its returns and its voids in line with each other whenever one of them arrives. Everything
/// is computed from the stored facts anew, so the order in which they arrive cannot show in the result.
class Settlement {
public:
    Settlement(Books& books, const ApplyRules& rules) : books_(books), rules_(rules) {}

    /// `arrival` was just written and flushed; postings that are still missing are booked in its name.
    Status settle(std::int64_t arrival, Time now);

private:
    struct Loaded {
        PurchaseHead head;
        crm::RetailTransaction transaction;
    };
    Result<Loaded*> load(std::int64_t arrival);
    Result<Loaded*> holder(const crm::BusinessKey& key);
    /// Those whose links name `original`, in arrival order.
    Result<std::vector<Loaded*>> linked_to(const Loaded& original);
    Status set(Loaded& purchase, std::uint32_t flags, SourceRecordId record, Time now);
    Status settle_facts(Loaded& original, Time now);
    Result<bool> all_known(const Loaded& purchase);
    Result<Loaded*> root_of(Loaded& purchase);
    Result<Points> reversed(const Loaded& original, const std::vector<crm::LineItem>& returned) const;
    Result<Points> due(const Loaded& root, const std::vector<Loaded*>& returns) const;
    Status settle_points(const Loaded& root, const Loaded& cause);

    Books& books_;
    const ApplyRules& rules_;
    std::map<std::int64_t, Loaded> loaded_;
};

} // namespace mudi::server
