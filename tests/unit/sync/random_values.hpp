#pragma once

#include <mudi/base/random.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/transaction.hpp>

/// Values over their whole ranges, extremes more often than chance would have them; sense is not asked for.
namespace mudi::test {

crm::RetailTransaction random_transaction(Random& random);
crm::SourceRecord random_source_record(Random& random);
crm::ProfileSlice random_profile(Random& random);
crm::Product random_product(Random& random);

} // namespace mudi::test
