#pragma once

#include <new>
#include <string>
#include <string_view>
#include <type_traits>

#include <cxxabi.h>

#include "outcome.hpp"

/// What every function of mudi/pos.h does on its way in and out.
namespace mudi::pos {

/// The last words of this thread. Plain arrays: a thread may end after the library was unloaded.
struct LastError {
    char code[64];
    char text[512];
};
LastError& last_error();
void forget_last_error();
/// Returns fault.rc.
mudi_rc remember(const Fault& fault);
/// For answers that have something to say; returns `rc`.
mudi_rc remember(const Fault& fault, mudi_rc rc);

/// Runs `body`, which gives an Outcome<mudi_rc>; nothing but a thread's cancellation gets past it.
template <class Body>
mudi_rc guarded(const Body& body) {
    try {
        forget_last_error();
        const Outcome<mudi_rc> outcome = body();
        return outcome ? *outcome : remember(outcome.error());
    } catch (const abi::__forced_unwind&) {
        throw; // the host cancels this thread; swallowing that would end its process
    } catch (const std::bad_alloc&) {
        last_error() = {"memory", "out of memory"};
        return MUDI_E_NOMEM;
    } catch (...) {
        last_error() = {"internal", "the library failed; go on selling"};
        return MUDI_E_AGENT;
    }
}

} // namespace mudi::pos
