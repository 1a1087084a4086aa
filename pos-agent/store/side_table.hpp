#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mudi/base/db/statement.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/till/storage.hpp>

#include "sealer.hpp"

namespace mudi::till {

/// Holds on points and suspended transactions: what is under way.
class OpenTable {
public:
    OpenTable(db::Connection& connection, const Sealer& sealer);

    Status put(const Hold& hold);
    Status erase(HoldId hold);
    /// Those under somebody's right; those of the server are to be given back, unless the machine they were
    /// taken on may still be there and spend them.
    Status forget_lent_holds(bool elsewhere);
    Result<std::vector<Hold>> holds();

    Status suspend(const crm::RetailTransaction& transaction);
    Status erase_suspended(const TransactionKey& key);
    /// One that cannot be read is left out: it must not keep the till from starting.
    Result<std::vector<crm::RetailTransaction>> suspended();

private:
    const Sealer& sealer_;
    db::Command<HoldId, BusinessDay, std::string, ProfileId, Points, std::int64_t, std::uint16_t, Time,
                RightsHolder, AskedOf, bool>
        put_hold_;
    db::Command<HoldId> erase_hold_;
    db::Command<AskedOf> forget_lent_;
    db::Command<AskedOf> forget_asked_;
    db::Command<AskedOf> doubt_;
    db::Query<db::Columns<HoldId, BusinessDay, std::string, ProfileId, Points, std::int64_t, std::uint16_t,
                          Time, RightsHolder, AskedOf, bool>,
              db::Params<>>
        holds_;
    db::Command<BusinessDay, std::string, Bytes> suspend_;
    db::Command<BusinessDay, std::string> erase_suspended_;
    db::Query<db::Columns<Bytes>, db::Params<>> suspended_;
};

} // namespace mudi::till
