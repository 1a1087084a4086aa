#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mudi/base/db/statement.hpp>
#include <mudi/sync/event.hpp>

#include "feed_place.hpp"
#include "sealer.hpp"

namespace mudi::till {

/// A row of the feed that could not be read, with the era of its `applied`.
struct RawRow {
    sync::FeedRow row;
    std::int64_t era{};
    bool damaged{false}; ///< on this disk: the body is not to be used
};

/// Rows of unknown kind or unknown content. Sealed: nobody here knows whom they are about.
class RawTable {
public:
    RawTable(db::Connection& connection, const Sealer& sealer);

    /// Both give how the number of rows changed.
    Result<std::int64_t> put(const sync::FeedRow& row, std::int64_t era);
    Result<std::int64_t> erase(std::uint32_t kind, const std::string& key);
    /// At most `count_max` of any; gives how many went.
    Result<std::int64_t> drop(std::int64_t count_max);

    struct Name {
        std::uint32_t kind{};
        std::string key;
    };
    Result<std::vector<Name>> in_parts(PartRange range);
    Status sum(PartSums& sums);
    /// The rows after that of `after`, in key order, at most `count_max`.
    Result<std::vector<RawRow>> after(const Name& after, std::int64_t count_max);

private:
    const Sealer& sealer_;
    db::Command<std::uint32_t, Bytes, std::int64_t, std::uint64_t, std::int64_t, std::int64_t, Bytes> insert_;
    db::Command<std::int64_t, std::uint64_t, std::int64_t, std::int64_t, Bytes, std::uint32_t, Bytes> update_;
    db::Command<std::uint32_t, Bytes> erase_;
    db::Command<std::int64_t> drop_;
    db::Query<db::Columns<std::uint32_t, Bytes>, db::Params<std::int64_t, std::int64_t>> in_parts_;
    db::Query<db::Columns<std::int64_t, std::uint64_t>, db::Params<>> digests_;
    db::Query<db::Columns<std::uint32_t, Bytes, std::int64_t, std::int64_t, Bytes>,
              db::Params<std::uint32_t, Bytes, std::int64_t>>
        after_;
};

} // namespace mudi::till
