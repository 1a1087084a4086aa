#pragma once

namespace mudi::server {

/// The newest migration this program knows.
int schema_number();

} // namespace mudi::server
