#pragma once

#include <mudi/base/time.hpp>
#include <mudi/crm/customer.hpp>

/// Values that stand in bodies of their own and in frames.
namespace mudi::golden {

inline const Time morning = time_from_ms(1'795'240'800'000); ///< 2026-11-21T06:00Z

crm::ProfileSlice full_profile();
crm::ProfileSlice minimal_profile();
crm::Product product(const char* item, const char* name, const char* category);
crm::StoreSettings full_settings();

} // namespace mudi::golden
