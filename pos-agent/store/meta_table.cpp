#include "meta_table.hpp"

namespace mudi::till {
namespace {

constexpr std::string_view probe_word = "mudi till";

} // namespace

MetaTable::MetaTable(db::Connection& connection)
    : insert_(connection,
              "INSERT INTO meta (only, till, store, workstation, probe, incarnation, base, acked, "
              "ack_generation, feed_generation, "
              "feed_version, epoch, sweeping, profiles, offers_held, products) "
              "VALUES (1, :till, :store, :workstation, :probe, :incarnation, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)"),
      identity_(connection, "SELECT till, store, workstation, probe FROM meta"),
      read_(connection, "SELECT incarnation, base, acked, ack_generation, feed_generation, feed_version, "
                        "epoch, sweeping, profiles, "
                        "offers_held, products FROM meta"),
      save_life_(connection, "UPDATE meta SET incarnation = :incarnation, base = :base, acked = :acked, "
                             "ack_generation = :generation"),
      save_ack_(connection, "UPDATE meta SET acked = :acked, ack_generation = :generation"),
      save_feed_(connection,
                 "UPDATE meta SET feed_generation = :generation, feed_version = :version, epoch = :epoch, "
                 "sweeping = :sweeping, profiles = :profiles, offers_held = :offers, products = :products") {}

Result<Meta> MetaTable::open(const StoreOptions& options, const Sealer& sealer, Incarnation fresh) {
    MUDI_TRY(const auto identity, identity_.first());
    if (!identity) {
        MUDI_CHECK(insert_(options.till, options.store, options.workstation, sealer.seal(probe_word), fresh));
        return read();
    }
    const auto& [till, store, workstation, probe] = *identity;
    if (till != options.till || store != options.store || workstation != options.workstation) {
        return fail(Code::conflict, "till.other_identity",
                    "the database belongs to till " + std::to_string(till.value) + ", not to " +
                        std::to_string(options.till.value) + ", or to another store or workstation");
    }
    if (!sealer.open(probe)) {
        return fail(Code::denied, "till.wrong_key", "the data key does not open this database");
    }
    return read();
}

Result<Meta> MetaTable::read() {
    MUDI_TRY(const auto row, read_.first());
    if (!row) return fail(Code::corrupt, "db.corrupt", "the database has lost its identity");
    Meta meta;
    std::tie(meta.incarnation, meta.base, meta.acked, meta.ack_generation, meta.cursor.generation,
             meta.cursor.version, meta.epoch, meta.sweeping, meta.profiles, meta.offers_held, meta.products) =
        *row;
    return meta;
}

Status MetaTable::save_life(const Meta& meta) {
    MUDI_CHECK(save_life_(meta.incarnation, meta.base, meta.acked, meta.ack_generation));
    return {};
}

Status MetaTable::save_ack(const Meta& meta) {
    MUDI_CHECK(save_ack_(meta.acked, meta.ack_generation));
    return {};
}

Status MetaTable::save_feed(const Meta& meta) {
    MUDI_CHECK(save_feed_(meta.cursor.generation, meta.cursor.version, meta.epoch, meta.sweeping,
                          meta.profiles, meta.offers_held, meta.products));
    return {};
}

} // namespace mudi::till
