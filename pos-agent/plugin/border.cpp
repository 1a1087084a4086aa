#include "border.hpp"

#include "structs.hpp"

namespace mudi::pos {

LastError& last_error() {
    static thread_local LastError error;
    return error;
}

void forget_last_error() {
    last_error().code[0] = '\0';
    last_error().text[0] = '\0';
}

mudi_rc remember(const Fault& fault) { return remember(fault, fault.rc); }

mudi_rc remember(const Fault& fault, mudi_rc rc) {
    copy_text(last_error().code, fault.code);
    copy_text(last_error().text, fault.text);
    return rc;
}

} // namespace mudi::pos
