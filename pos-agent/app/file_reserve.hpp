#pragma once

#include <cstdint>
#include <string>

#include <mudi/till/store.hpp>

namespace mudi::till {

/// Keeps space back as a file of real blocks beside the database.
class FileReserve final : public DiskReserve {
public:
    /// `bytes` may be 0: nothing is kept back, and a file of earlier goes.
    FileReserve(std::string path, std::int64_t bytes);

    [[nodiscard]] bool full() override;
    bool give_back() override;
    bool make() override;

    /// Free bytes below which a disk counts as full.
    static constexpr std::int64_t full_below = 512 * 1024;

private:
    [[nodiscard]] bool is_held() const;
    [[nodiscard]] std::int64_t free_bytes() const;

    std::string path_;
    std::int64_t bytes_;
};

} // namespace mudi::till
