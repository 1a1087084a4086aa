#pragma once

#include <functional>

namespace mudi::server {

/// Hands a function to the loop thread; callable from any thread, never blocks, keeps the order of one
/// caller.
using Post = std::function<void(std::function<void()>)>;

} // namespace mudi::server
