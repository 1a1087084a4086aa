#pragma once

#include <nng/nng.h>

namespace mudi::sync {

/// Lets the other side fall silent and then hang up, as it looks from here: nothing more comes in, and behind
/// what came in already stands the end. NNG ends the pipe by that, in good order. nng_pipe_close is for pipes
/// on which nothing moves: NNG 1.5.2 never ends one that is closed while the bytes of a message come in
/// (upstream issue 616), and no other pipe of the process after it. False when there is no such socket: not
/// TCP, or shut already.
bool cut(nng_pipe pipe);

/// Attempts of this process to connect that nobody answers fail within seconds from here on. Left alone the
/// system asks again ever more rarely, for two minutes: a network that is back would be found a minute late.
void hasten_dials();

/// True when the pipe's socket is shut although the pipe still stands.
bool is_shut(nng_pipe pipe);

} // namespace mudi::sync
