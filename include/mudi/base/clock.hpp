#pragma once

#include <mudi/base/time.hpp>

namespace mudi {

/// Edges and app only: pure code gets the time as an argument.
class Clock {
public:
    virtual ~Clock() = default;
    virtual Time wall() const = 0;
    virtual MonoTime mono() const = 0;
};

class SystemClock final : public Clock {
public:
    Time wall() const override;
    MonoTime mono() const override;
};

} // namespace mudi
