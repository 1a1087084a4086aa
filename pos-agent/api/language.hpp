#pragma once

#include <string_view>

namespace mudi::till {

/// The first of our languages (en, bn, mr, hi) that an Accept-Language header prefers; `fallback` when it
/// names none. The view is of a constant or of `fallback`.
std::string_view reader_language(std::string_view accept_language, std::string_view fallback);

} // namespace mudi::till
