#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include <mudi/base/result.hpp>

namespace mudi::bench {

/// The rows that applying leaves behind, written a second time into a database of its own by nothing but
/// prepared statements: the same tables with the same indexes, the same rows in the same order, as many
/// purchases a commit, the same page cache, the same checkpoints and, as in apply, commits without an fsync.
/// What is missing is everything that makes the rows: reading and checking events, rules, look-ups.
class CopyBooks {
public:
    /// `from`: the server's database, in WAL mode, all its tables there. anchor.sql (io).
    static Result<std::unique_ptr<CopyBooks>> open(const std::filesystem::path& from,
                                                   const std::filesystem::path& to);
    virtual ~CopyBooks() = default;

    /// Takes into memory what the purchases after the last call have left, up to arrival number `up_to`.
    virtual Status gather(std::int64_t up_to) = 0;
    /// Writes what was gathered, in one commit.
    virtual Status write() = 0;
    /// Brings the log into the file.
    virtual Status checkpoint() = 0;
    /// Rows written so far.
    [[nodiscard]] virtual std::int64_t rows() const = 0;
};

} // namespace mudi::bench
