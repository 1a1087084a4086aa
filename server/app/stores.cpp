#include "stores.hpp"

#include <utility>

#include <mudi/base/random.hpp>
#include <mudi/server/schema.hpp>

namespace mudi::server {

Stores::Stores(std::unique_ptr<db::Connection> opened, const ServerKeys& keys, const Plan& plan)
    : connection(std::move(opened)), rules{plan.currency, plan.loyalty, keys.identifier_key,
                                           identifier_rules(plan, keys)},
      inbox(*connection), enrolment(*connection), backups(*connection, inbox), apply(*connection, rules),
      import(*connection, inbox, rules), offers(*connection, keys.identifier_key, plan.offers, plan.points),
      feed(*connection), rights(*connection) {}

Result<OpenedDatabase> open_database(const db::Options& options, Time now) {
    OpenedDatabase opened;
    db::Options writer = options;
    writer.cache_kib = writer_cache_kib;
    MUDI_TRY(opened.connection, db::Connection::open(writer));
    MUDI_CHECK(migrate(*opened.connection));
    SystemRandom random;
    MUDI_TRY(opened.keys, load_or_make_keys(*opened.connection, random));
    MUDI_TRY(opened.lineage, begin_generation(*opened.connection, random, now));
    return opened;
}

crm::IdentifierRules identifier_rules(const Plan& plan, const ServerKeys& keys) {
    auto rules = plan.identifiers;
    rules.member_code_key = keys.member_code_key;
    return rules;
}

crm::StoreSettings store_settings(const Plan& plan, const ServerKeys& keys) {
    return {.identifier_key = keys.identifier_key,
            .member_code_key = keys.member_code_key,
            .loyalty = plan.loyalty,
            .offline_points = plan.points.offline};
}

} // namespace mudi::server
