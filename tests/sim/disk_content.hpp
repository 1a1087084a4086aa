#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <mudi/base/random.hpp>

namespace mudi::sim {

inline constexpr std::size_t page_bytes = 4096;
/// What a disk writes whole or tears.
inline constexpr std::size_t sector_bytes = 512;

/// 4 KiB shared by the copies of a file until one of them writes. An empty one reads as zeros. Counts without
/// atomics: everything of one simulated world belongs to one thread.
class PageRef {
public:
    PageRef() = default;
    PageRef(const PageRef& other) : page_(other.page_) {
        if (page_ != nullptr) ++page_->users;
    }
    PageRef(PageRef&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
    PageRef& operator=(PageRef other) noexcept {
        std::swap(page_, other.page_);
        return *this;
    }
    ~PageRef() {
        if (page_ != nullptr && --page_->users == 0) delete page_;
    }

    /// 4096 bytes; null when empty.
    [[nodiscard]] const char* data() const { return page_ == nullptr ? nullptr : page_->data; }
    /// A page nobody else sees. With `overwritten_whole` the old bytes are not brought along.
    char* own(bool overwritten_whole);
    [[nodiscard]] bool same(const PageRef& other) const { return page_ == other.page_; }

private:
    struct Page {
        std::uint32_t users;
        char data[page_bytes];
    };
    Page* page_{nullptr};
};

/// The plain bytes of a file.
class PageFile {
public:
    [[nodiscard]] std::uint64_t size() const { return size_; }
    /// Gives how many bytes there were before the end.
    std::size_t read(std::uint64_t offset, char* out, std::size_t length) const;
    void write(std::uint64_t offset, std::string_view data);
    /// Shorter or longer, then with zeros.
    void resize(std::uint64_t size);

    std::vector<PageRef> pages;

private:
    std::uint64_t size_{};
};

/// What a power cut does with the writes that were never synced.
enum class Cut : std::uint8_t {
    drop_all,
    keep_all,
    random, ///< every sector by itself: kept, dropped, torn; in some cuts also in another order
};

/// One file: what its users see, and what of it has reached the platters. Copies are cheap and independent.
class FileContent {
public:
    [[nodiscard]] std::uint64_t size() const { return now_.size(); }
    std::size_t read(std::uint64_t offset, char* out, std::size_t length) const {
        return now_.read(offset, out, length);
    }
    void write(std::uint64_t offset, std::string_view data);
    void resize(std::uint64_t size);
    /// What is seen becomes durable; but not what forget_unsynced() has given up, unless written anew.
    void sync();
    /// As Linux after a failed fsync: what was written stays to be seen and is never written back.
    void forget_unsynced();
    void power_cut(Random& random, Cut cut);

    [[nodiscard]] bool synced() const { return changes_.empty() && !diverged_; }
    [[nodiscard]] std::size_t unsynced_bytes() const { return log_.size(); }
    [[nodiscard]] std::size_t unsynced_operations() const { return changes_.size(); }

private:
    struct Change {
        std::uint64_t offset; ///< of a truncation: the size
        std::size_t log_at;
        std::size_t length;
        bool resized;
    };
    struct Before {
        std::size_t page;
        PageRef content;
    };
    struct Piece {
        std::uint64_t offset;
        std::string_view data;
        bool resized;
    };

    /// Called before the pages [first, last] change for the users.
    void keep_before(std::size_t first, std::size_t last);
    [[nodiscard]] PageFile durable() const;
    [[nodiscard]] std::vector<Piece> pieces() const;
    void clear_changes();
    void settle();

    PageFile now_;
    /// Per page: `serial_` when before_ knows its durable state.
    std::vector<std::uint32_t> stamps_;
    std::uint32_t serial_{1};
    /// Durable versions of the pages that have changed since, of those that were durable at all.
    std::vector<Before> before_;
    std::size_t durable_pages_{};
    std::uint64_t durable_size_{};
    std::vector<Change> changes_; ///< in the order written
    std::vector<char> log_;       ///< their bytes
    bool diverged_{};             ///< something seen will never be durable by itself
};

} // namespace mudi::sim
