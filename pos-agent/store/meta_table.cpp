#include "meta_table.hpp"

#include <algorithm>
#include <tuple>

namespace mudi::till {
namespace {

constexpr std::string_view probe_word = "mudi till";

} // namespace

MetaTable::MetaTable(db::Connection& connection)
    : insert_(connection,
              "INSERT INTO meta (only, till, store, workstation, probe, incarnation, base, acked, "
              "ack_generation, feed_generation, feed_version, profiles, offers_held, products) "
              "VALUES (1, :till, :store, :workstation, :probe, :incarnation, 0, 0, 0, 0, 0, 0, 0, 0)"),
      identity_(connection, "SELECT till, store, workstation, probe FROM meta"),
      read_(connection, "SELECT incarnation, lives, base, acked, safe, ack_generation, era, feed_generation, "
                        "feed_version, profiles, offers_held, products, raw_rows, program, rights_holder, "
                        "rights_tick, rights_machine, rights_born_ms, heard_ms FROM meta"),
      save_life_(connection,
                 "UPDATE meta SET incarnation = :incarnation, lives = :lives, base = :base, acked = :acked, "
                 "safe = :safe, ack_generation = :generation"),
      save_ack_(connection, "UPDATE meta SET acked = :acked, safe = :safe, ack_generation = :generation, "
                            "era = :era"),
      save_feed_(connection,
                 "UPDATE meta SET feed_generation = :generation, feed_version = :version, profiles = "
                 ":profiles, offers_held = :offers, products = :products, raw_rows = :raw"),
      save_program_(connection, "UPDATE meta SET program = :program"),
      save_rights_(connection, "UPDATE meta SET rights_holder = :holder, rights_tick = :tick, "
                               "rights_machine = :machine, rights_born_ms = :born"),
      save_heard_(connection, "UPDATE meta SET heard_ms = :heard") {}

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
    std::tie(meta.incarnation, meta.lives, meta.base, meta.acked, meta.safe, meta.ack_generation, meta.era,
             meta.cursor.generation, meta.cursor.version, meta.profiles, meta.offers_held, meta.products,
             meta.raw_rows, meta.program, meta.rights.holder, meta.rights.tick, meta.rights.machine,
             meta.rights.born, meta.heard) = *row;
    // A database from before anything was said of safety.
    meta.safe = std::max(meta.safe, meta.base);
    return meta;
}

Status MetaTable::save_life(const Meta& meta) {
    MUDI_CHECK(
        save_life_(meta.incarnation, meta.lives, meta.base, meta.acked, meta.safe, meta.ack_generation));
    return {};
}

Status MetaTable::save_ack(const Meta& meta) {
    MUDI_CHECK(save_ack_(meta.acked, meta.safe, meta.ack_generation, meta.era));
    return {};
}

Status MetaTable::save_feed(const Meta& meta) {
    MUDI_CHECK(save_feed_(meta.cursor.generation, meta.cursor.version, meta.profiles, meta.offers_held,
                          meta.products, meta.raw_rows));
    return {};
}

Status MetaTable::save_program(std::string_view program) {
    MUDI_CHECK(save_program_(std::string(program)));
    return {};
}

Status MetaTable::save_rights(const RightsMemory& rights) {
    MUDI_CHECK(save_rights_(rights.holder, rights.tick, rights.machine, rights.born));
    return {};
}

Status MetaTable::save_heard(Time heard) {
    MUDI_CHECK(save_heard_(heard));
    return {};
}

} // namespace mudi::till
