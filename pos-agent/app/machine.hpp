#pragma once

#include <mudi/base/bytes.hpp>

namespace mudi::till {

/// Hash of what names this machine and stays with it when its disk goes elsewhere or comes from elsewhere:
/// the system's id and the addresses of its network cards. Zero: neither can be read.
Bits128 machine_hash();

} // namespace mudi::till
