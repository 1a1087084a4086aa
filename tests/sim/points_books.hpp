#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <mudi/base/db/statement.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/money.hpp>

namespace mudi::sim {

/// The server's tables of points, read with statements of our own on the connection that has just committed.
/// Whatever cannot be read just now is empty.
class PointsBooks {
public:
    /// Of one source record.
    struct Account {
        std::int64_t balance{};
        std::int64_t taken{}; ///< by returns, voids and corrections, in all
        std::int64_t aside{}; ///< held, or granted and not spent
    };

    explicit PointsBooks(db::Connection& connection);

    std::optional<Account> of(SourceRecordId record);
    /// Records of the same profile; itself at least.
    std::optional<std::vector<SourceRecordId>> beside(SourceRecordId record);
    std::optional<std::vector<SourceRecordId>> all();
    /// Of which something was changed and is not in the tills' slices yet.
    std::vector<SourceRecordId> dirty();
    std::optional<std::int64_t> counter(std::string_view name);
    /// Has anything ever been granted?
    bool any_right();

private:
    template <class... Columns>
    using Of = db::Query<db::Columns<Columns...>, db::Params<SourceRecordId>>;
    using Records = db::Query<db::Columns<SourceRecordId>, db::Params<>>;

    Of<std::int64_t, std::int64_t, std::int64_t> account_;
    Of<SourceRecordId> beside_;
    Records all_;
    Records dirty_;
    db::Query<db::Columns<std::int64_t>, db::Params<std::string>> counter_;
    db::Query<db::Columns<std::int64_t>, db::Params<>> any_right_;
};

} // namespace mudi::sim
