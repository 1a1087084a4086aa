#include "raw_table.hpp"

#include <utility>

namespace mudi::till {

RawTable::RawTable(db::Connection& connection, const Sealer& sealer)
    : sealer_(sealer),
      insert_(connection, "INSERT INTO feed_other (kind, key, part, digest, applied, era, body) "
                          "VALUES (:kind, :key, :part, :digest, :applied, :era, :body) "
                          "ON CONFLICT DO NOTHING"),
      update_(connection, "UPDATE feed_other SET part = :part, digest = :digest, applied = :applied, era = "
                          ":era, body = :body WHERE kind = :kind AND key = :key"),
      erase_(connection, "DELETE FROM feed_other WHERE kind = :kind AND key = :key"),
      drop_(connection, "DELETE FROM feed_other WHERE (kind, key) IN "
                        "(SELECT kind, key FROM feed_other LIMIT :count_max)"),
      in_parts_(connection, "SELECT kind, key FROM feed_other WHERE part BETWEEN :first AND :last"),
      digests_(connection, "SELECT part, digest FROM feed_other"),
      after_(connection,
             "SELECT kind, key, applied, era, body FROM feed_other WHERE (kind, key) > (:kind, :key) "
             "ORDER BY kind, key LIMIT :count_max") {}

Result<std::int64_t> RawTable::put(const sync::FeedRow& row, std::int64_t era) {
    const std::int64_t part = sync::part_of(row.kind, row.key);
    const std::uint64_t digest = sync::row_digest(row.kind, row.key, row.body);
    const Bytes key{row.key};
    const Bytes body = sealer_.seal(row.body);
    MUDI_TRY(const auto added, insert_(row.kind, key, part, digest, row.applied, era, body));
    if (added == 0) MUDI_CHECK(update_(part, digest, row.applied, era, body, row.kind, key));
    return added;
}

Result<std::int64_t> RawTable::erase(std::uint32_t kind, const std::string& key) {
    MUDI_TRY(const auto gone, erase_(kind, Bytes{key}));
    return -gone;
}

Result<std::int64_t> RawTable::drop(std::int64_t count_max) { return drop_(count_max); }

Result<std::vector<RawTable::Name>> RawTable::in_parts(PartRange range) {
    std::vector<Name> names;
    MUDI_CHECK(in_parts_.each(
        [&](std::uint32_t kind, Bytes key) {
            names.push_back({kind, std::move(key.data)});
        },
        range.first, range.last));
    return names;
}

Status RawTable::sum(PartSums& sums) {
    return digests_.each([&](std::int64_t part, std::uint64_t digest) { add(sums, part, digest); });
}

Result<std::vector<RawRow>> RawTable::after(const Name& name, std::int64_t count_max) {
    std::vector<RawRow> rows;
    MUDI_CHECK(after_.each(
        [&](std::uint32_t kind, Bytes key, std::int64_t applied, std::int64_t era, const Bytes& sealed) {
            auto body = sealer_.open(sealed);
            const bool damaged = !body;
            rows.push_back(
                {{0, kind, std::move(key.data), false, body ? *std::move(body) : std::string{}, applied},
                 era,
                 damaged});
        },
        name.kind, Bytes{name.key}, count_max));
    return rows;
}

} // namespace mudi::till
