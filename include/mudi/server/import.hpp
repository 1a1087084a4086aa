#pragma once

#include <memory>
#include <span>
#include <vector>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/transaction.hpp>
#include <mudi/server/apply.hpp>
#include <mudi/server/feed.hpp>
#include <mudi/server/inbox.hpp>

namespace mudi::server {

enum class Imported { stored, unchanged };

/// One result per row, in order; a refused row stores nothing and does not touch the others.
struct ImportReport {
    std::vector<Result<Imported>> rows;
    std::vector<FeedMoved> moved; ///< products only; customers move the feed through OfferRefresh
};

/// Rows of files that the shop brings. Values only: reading CSV is the API's. The writer's connection and
/// thread; every call is one transaction and takes at most rows_max rows (import.too_many).
class Import {
public:
    Import(db::Connection& writer, Inbox& inbox, ApplyRules rules);
    Import(const Import&) = delete;
    Import& operator=(const Import&) = delete;
    ~Import();

    /// Upsert by (source, source_key): the same content is `unchanged`, another one becomes a new record that
    /// supersedes the old. `phone` and `cards` may be as written; they are normalised here. Row errors:
    /// customer.source_key, customer.text (no UTF-8, too long), phone.syntax, and those of crm::parse_card.
    /// Merges at once.
    Result<ImportReport> customers(std::span<const crm::SourceRecord> rows, Time now);
    /// Upsert by item id. Row errors: product.item, product.text.
    Result<ImportReport> products(std::span<const crm::Product> rows, Time now);
    /// They become events of till 0 in the inbox (Apply takes them from there). The event id comes from the
    /// business key, so the same file again is `unchanged`; a key that is there with another content is
    /// sale.conflict (conflict). `id` of the rows is ignored; a card or phone of `member` is normalised here.
    /// Row errors: those of crm::validate, identifiers and sale.conflict.
    Result<ImportReport> purchases(std::span<const crm::RetailTransaction> rows, Time now);

    static constexpr std::size_t rows_max = 1000;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
