#include <mudi/server/purchases.hpp>

#include <algorithm>

#include <mudi/base/db/statement.hpp>

namespace mudi::server {

namespace {

using db::Columns;
using db::Params;

constexpr const char* row_columns = "SELECT p.id, p.event, p.till, p.store, p.workstation, p.day, p.number, "
                                    "p.kind, p.training, p.at_ms, p.total, p.currency, "
                                    "p.lines, p.flags FROM purchase p ";
using RowColumns =
    Columns<std::int64_t, EventId, TillId, StoreId, WorkstationId, BusinessDay, std::string,
            crm::TransactionKind, bool, Time, std::int64_t, std::uint16_t, std::int64_t, std::uint32_t>;

void sum_up(PurchaseFigures& all, const PurchaseFigures& part) {
    all.transactions += part.transactions;
    all.lines += part.lines;
    all.returns += part.returns;
    all.voids += part.voids;
    all.adjustments += part.adjustments;
    all.training += part.training;
    all.value_minor += part.value_minor;
    all.return_minor += part.return_minor;
    all.void_minor += part.void_minor;
}

} // namespace

struct PurchaseReader::Impl {
    explicit Impl(db::Connection& connection)
        : figures(connection,
                  "SELECT till, CAST(SUM(1 - training) AS INTEGER), "
                  "CAST(SUM(CASE WHEN training = 0 THEN lines ELSE 0 END) AS INTEGER), "
                  "CAST(SUM(CASE WHEN training = 0 AND kind = 2 THEN 1 ELSE 0 END) AS INTEGER), "
                  "CAST(SUM(CASE WHEN training = 0 AND kind = 3 THEN 1 ELSE 0 END) AS INTEGER), "
                  "CAST(SUM(CASE WHEN training = 0 AND kind = 4 THEN 1 ELSE 0 END) AS INTEGER), "
                  "CAST(SUM(training) AS INTEGER), "
                  "CAST(SUM(CASE WHEN training = 0 AND kind = 1 THEN total ELSE 0 END) AS INTEGER), "
                  "CAST(SUM(CASE WHEN training = 0 AND kind = 2 THEN -total ELSE 0 END) AS INTEGER), "
                  "CAST(SUM(CASE WHEN training = 0 AND kind = 1 AND (flags & 1) <> 0 THEN total ELSE 0 END) "
                  "AS INTEGER) "
                  "FROM purchase GROUP BY till ORDER BY till"),
          customers(connection, "SELECT COUNT(DISTINCT member_hash) FROM purchase WHERE training = 0"),
          all(connection, std::string(row_columns) + "WHERE p.id > :after ORDER BY p.id LIMIT :limit"),
          of_till(connection, std::string(row_columns) +
                                  "WHERE p.id > :after AND p.till = :till ORDER BY p.id LIMIT :limit"),
          of_profile(connection,
                     std::string(row_columns) +
                         "JOIN profile_member m ON m.record = p.record WHERE m.profile = :profile "
                         "AND p.record <> 0 ORDER BY p.at_ms DESC, p.id DESC LIMIT :limit") {}

    template <class Query, class... P>
    Result<std::vector<PurchaseRow>> rows(Query& query, const P&... parameters) {
        std::vector<PurchaseRow> out;
        MUDI_CHECK(query.each(
            [&](std::int64_t id, EventId event, TillId till, StoreId store, WorkstationId workstation,
                BusinessDay day, std::string number, crm::TransactionKind kind, bool training, Time at,
                std::int64_t total, std::uint16_t currency, std::int64_t lines, std::uint32_t flags) {
                out.push_back({id,
                               event,
                               till,
                               {std::move(store), std::move(workstation), day, std::move(number)},
                               kind,
                               training,
                               at,
                               Money{total, Currency{currency}},
                               lines,
                               flags});
            },
            parameters...));
        return out;
    }

    db::Query<Columns<TillId, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                      std::int64_t, std::int64_t, std::int64_t, std::int64_t>,
              Params<>>
        figures;
    db::Query<Columns<std::int64_t>, Params<>> customers;
    db::Query<RowColumns, Params<std::int64_t, std::size_t>> all;
    db::Query<RowColumns, Params<std::int64_t, TillId, std::size_t>> of_till;
    db::Query<RowColumns, Params<ProfileId, std::size_t>> of_profile;
};

PurchaseReader::PurchaseReader(db::Connection& connection) : impl_(std::make_unique<Impl>(connection)) {}
PurchaseReader::~PurchaseReader() = default;

Result<PurchaseSummary> PurchaseReader::summary() {
    PurchaseSummary summary;
    MUDI_CHECK(impl_->figures.each([&](TillId till, std::int64_t transactions, std::int64_t lines,
                                       std::int64_t returns, std::int64_t voids, std::int64_t adjustments,
                                       std::int64_t training, std::int64_t value, std::int64_t returned,
                                       std::int64_t voided) {
        const PurchaseFigures part{transactions, lines, returns,  voids, adjustments,
                                   training,     value, returned, voided};
        summary.by_till.push_back({till, part});
        sum_up(summary.all, part);
    }));
    MUDI_TRY(const auto customers, impl_->customers.first());
    if (customers) summary.customers = std::get<0>(*customers);
    return summary;
}

Result<std::vector<PurchaseRow>> PurchaseReader::list(std::optional<TillId> till, std::int64_t after,
                                                      std::size_t limit) {
    limit = std::min(limit, list_max);
    if (till) return impl_->rows(impl_->of_till, after, *till, limit);
    return impl_->rows(impl_->all, after, limit);
}

Result<std::vector<PurchaseRow>> PurchaseReader::of_profile(ProfileId profile, std::size_t limit) {
    return impl_->rows(impl_->of_profile, profile, std::min(limit, list_max));
}

} // namespace mudi::server
