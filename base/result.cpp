#include <mudi/base/result.hpp>

namespace mudi {

std::string_view to_string(Code code) {
    switch (code) {
    case Code::invalid: return "invalid";
    case Code::not_found: return "not_found";
    case Code::conflict: return "conflict";
    case Code::corrupt: return "corrupt";
    case Code::busy: return "busy";
    case Code::unavailable: return "unavailable";
    case Code::denied: return "denied";
    case Code::io: return "io";
    }
    return "unknown";
}

} // namespace mudi
