#include "side_table.hpp"

#include <variant>

#include <mudi/sync/event.hpp>

namespace mudi::till {

OpenTable::OpenTable(db::Connection& connection, const Sealer& sealer)
    : sealer_(sealer),
      put_hold_(connection,
                "INSERT INTO hold (id, business_day, number, profile, points, amount, currency, expires_ms, "
                "lender, asked, granted) VALUES (:id, :day, :number, :profile, :points, :amount, :currency, "
                ":expires, :lender, :asked, :granted) ON CONFLICT (id) DO UPDATE SET "
                "expires_ms = excluded.expires_ms, lender = excluded.lender, granted = excluded.granted"),
      erase_hold_(connection, "DELETE FROM hold WHERE id = :id"),
      forget_lent_(connection, "DELETE FROM hold WHERE lender <> 0 OR asked = :lead"),
      forget_asked_(connection, "DELETE FROM hold WHERE asked = :server"),
      doubt_(connection, "UPDATE hold SET granted = 0 WHERE asked = :server"),
      holds_(connection, "SELECT id, business_day, number, profile, points, amount, currency, expires_ms, "
                         "lender, asked, granted FROM hold"),
      suspend_(connection, "INSERT INTO suspended (business_day, number, body) VALUES (:day, :number, :body) "
                           "ON CONFLICT (business_day, number) DO UPDATE SET body = excluded.body"),
      erase_suspended_(connection, "DELETE FROM suspended WHERE business_day = :day AND number = :number"),
      suspended_(connection, "SELECT body FROM suspended ORDER BY business_day, number") {}

Status OpenTable::put(const Hold& hold) {
    MUDI_CHECK(put_hold_(hold.id, hold.transaction.day, hold.transaction.number, hold.profile, hold.points,
                         hold.amount.minor, hold.amount.currency.number, hold.expires, hold.lender,
                         hold.asked, hold.granted));
    return {};
}

Status OpenTable::forget_lent_holds(bool elsewhere) {
    MUDI_CHECK(forget_lent_(AskedOf::lead));
    if (elsewhere) {
        MUDI_CHECK(forget_asked_(AskedOf::server));
    } else {
        MUDI_CHECK(doubt_(AskedOf::server));
    }
    return {};
}

Status OpenTable::erase(HoldId hold) {
    MUDI_CHECK(erase_hold_(hold));
    return {};
}

Result<std::vector<Hold>> OpenTable::holds() {
    std::vector<Hold> holds;
    MUDI_CHECK(holds_.each([&](HoldId id, BusinessDay day, std::string number, ProfileId profile,
                               Points points, std::int64_t amount, std::uint16_t currency, Time expires,
                               RightsHolder lender, AskedOf asked, bool granted) {
        holds.push_back({id,
                         {day, std::move(number)},
                         profile,
                         points,
                         Money{amount, Currency{currency}},
                         expires,
                         lender,
                         asked,
                         granted});
    }));
    return holds;
}

Status OpenTable::suspend(const crm::RetailTransaction& transaction) {
    MUDI_CHECK(
        suspend_(transaction.key.day, transaction.key.number, sealer_.seal(sync::encode(transaction))));
    return {};
}

Status OpenTable::erase_suspended(const TransactionKey& key) {
    MUDI_CHECK(erase_suspended_(key.day, key.number));
    return {};
}

Result<std::vector<crm::RetailTransaction>> OpenTable::suspended() {
    std::vector<crm::RetailTransaction> transactions;
    MUDI_CHECK(suspended_.each([&](const Bytes& sealed) {
        auto body = sealer_.open(sealed);
        if (!body) return;
        sync::Event event;
        event.kind = static_cast<std::uint32_t>(sync::EventKind::retail_transaction);
        event.body = *std::move(body);
        auto decoded = sync::decode(event);
        if (decoded) transactions.push_back(std::get<crm::RetailTransaction>(*std::move(decoded)));
    }));
    return transactions;
}

} // namespace mudi::till
