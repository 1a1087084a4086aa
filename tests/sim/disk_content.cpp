#include "disk_content.hpp"

#include <algorithm>
#include <cstring>

namespace mudi::sim {
namespace {

/// A log of unsynced bytes grown larger than this gives its memory back when it is empty again.
constexpr std::size_t log_kept_bytes_max = std::size_t{64} * 1024;

std::size_t pages_for(std::uint64_t bytes) {
    return static_cast<std::size_t>((bytes + page_bytes - 1) / page_bytes);
}

} // namespace

char* PageRef::own(bool overwritten_whole) {
    if (page_ != nullptr && page_->users == 1) return page_->data;
    auto* fresh = new Page; // not zeroed: mostly it is written whole
    fresh->users = 1;
    if (!overwritten_whole) {
        if (page_ == nullptr)
            std::memset(fresh->data, 0, page_bytes);
        else
            std::memcpy(fresh->data, page_->data, page_bytes);
    }
    if (page_ != nullptr) --page_->users;
    page_ = fresh;
    return page_->data;
}

std::size_t PageFile::read(std::uint64_t offset, char* out, std::size_t length) const {
    if (offset >= size_) return 0;
    length = static_cast<std::size_t>(std::min<std::uint64_t>(length, size_ - offset));
    for (std::size_t done = 0; done < length;) {
        const auto page = static_cast<std::size_t>((offset + done) / page_bytes);
        const auto at = static_cast<std::size_t>((offset + done) % page_bytes);
        const std::size_t part = std::min(length - done, page_bytes - at);
        if (const char* data = pages[page].data(); data != nullptr)
            std::memcpy(out + done, data + at, part);
        else
            std::memset(out + done, 0, part);
        done += part;
    }
    return length;
}

void PageFile::write(std::uint64_t offset, std::string_view data) {
    if (data.empty()) return;
    size_ = std::max<std::uint64_t>(size_, offset + data.size());
    if (pages.size() < pages_for(size_)) pages.resize(pages_for(size_));
    for (std::size_t done = 0; done < data.size();) {
        const auto page = static_cast<std::size_t>((offset + done) / page_bytes);
        const auto at = static_cast<std::size_t>((offset + done) % page_bytes);
        const std::size_t part = std::min(data.size() - done, page_bytes - at);
        std::memcpy(pages[page].own(part == page_bytes) + at, data.data() + done, part);
        done += part;
    }
}

void PageFile::resize(std::uint64_t size) {
    const auto at = static_cast<std::size_t>(size % page_bytes);
    pages.resize(pages_for(size));
    // The rest of the last page must read as zeros when the file grows again.
    if (size < size_ && at != 0 && pages.back().data() != nullptr)
        std::memset(pages.back().own(false) + at, 0, page_bytes - at);
    size_ = size;
}

void FileContent::keep_before(std::size_t first, std::size_t last) {
    last = std::min({last + 1, durable_pages_, now_.pages.size()});
    for (std::size_t page = first; page < last; ++page) {
        if (stamps_[page] == serial_) continue;
        stamps_[page] = serial_;
        before_.push_back({page, now_.pages[page]});
    }
}

void FileContent::write(std::uint64_t offset, std::string_view data) {
    if (data.empty()) return;
    keep_before(static_cast<std::size_t>(offset / page_bytes),
                static_cast<std::size_t>((offset + data.size() - 1) / page_bytes));
    changes_.push_back({offset, log_.size(), data.size(), false});
    log_.insert(log_.end(), data.begin(), data.end());
    now_.write(offset, data);
    // A page that comes back after a truncation was kept when it went.
    stamps_.resize(now_.pages.size(), serial_);
}

void FileContent::resize(std::uint64_t size) {
    if (size == now_.size()) return;
    if (size < now_.size() && !now_.pages.empty())
        keep_before(static_cast<std::size_t>(size / page_bytes), now_.pages.size() - 1);
    changes_.push_back({size, 0, 0, true});
    now_.resize(size);
    stamps_.resize(now_.pages.size(), serial_);
}

PageFile FileContent::durable() const {
    PageFile out;
    out.pages.resize(durable_pages_);
    const std::size_t common = std::min(durable_pages_, now_.pages.size());
    std::copy_n(now_.pages.begin(), common, out.pages.begin());
    for (const Before& before : before_) out.pages[before.page] = before.content;
    out.resize(durable_size_);
    return out;
}

void FileContent::clear_changes() {
    changes_.clear();
    log_.clear();
    if (log_.capacity() > log_kept_bytes_max) log_.shrink_to_fit();
}

/// All that is seen is durable.
void FileContent::settle() {
    clear_changes();
    before_.clear();
    ++serial_;
    durable_pages_ = now_.pages.size();
    durable_size_ = now_.size();
    diverged_ = false;
}

void FileContent::sync() {
    if (!diverged_) {
        if (!changes_.empty()) settle();
        return;
    }
    PageFile disk = durable();
    for (const Piece& piece : pieces()) {
        if (piece.resized)
            disk.resize(piece.offset);
        else
            disk.write(piece.offset, piece.data);
    }
    settle();
    durable_pages_ = disk.pages.size();
    durable_size_ = disk.size();
    for (std::size_t page = 0; page < durable_pages_; ++page) {
        const bool seen = page < now_.pages.size();
        if (seen && now_.pages[page].same(disk.pages[page])) continue;
        before_.push_back({page, disk.pages[page]});
        if (seen) stamps_[page] = serial_;
    }
    diverged_ = !before_.empty() || durable_size_ != now_.size();
}

void FileContent::forget_unsynced() {
    if (changes_.empty()) return;
    clear_changes();
    diverged_ = true;
}

std::vector<FileContent::Piece> FileContent::pieces() const {
    std::vector<Piece> out;
    for (const Change& change : changes_) {
        if (change.resized) {
            out.push_back({change.offset, {}, true});
            continue;
        }
        const std::string_view data{log_.data() + change.log_at, change.length};
        for (std::size_t done = 0; done < data.size();) {
            const auto at = static_cast<std::size_t>((change.offset + done) % sector_bytes);
            const std::size_t part = std::min(data.size() - done, sector_bytes - at);
            out.push_back({change.offset + done, data.substr(done, part), false});
            done += part;
        }
    }
    return out;
}

void FileContent::power_cut(Random& random, Cut cut) {
    PageFile disk = durable();
    std::vector<Piece> left = cut == Cut::drop_all ? std::vector<Piece>{} : pieces();
    if (cut == Cut::random && !left.empty()) {
        // Cuts differ in how much had been written back: nearly nothing, half, nearly all.
        constexpr std::uint64_t keep_percents[] = {5, 50, 95};
        const std::uint64_t keep = keep_percents[random.below(3)];
        const std::uint64_t tear = random.below(2) == 0 ? 0 : 20;
        std::erase_if(left, [&](Piece& piece) {
            if (random.below(100) >= keep) return true;
            if (piece.data.size() < 2 || random.below(100) >= tear) return false;
            const auto part = static_cast<std::size_t>(1 + random.below(piece.data.size() - 1));
            if (random.below(2) == 0) {
                piece.data = piece.data.substr(0, part);
            } else {
                piece.offset += part;
                piece.data = piece.data.substr(part);
            }
            return false;
        });
        if (random.below(4) == 0) {
            for (std::size_t i = left.size(); i > 1; --i) std::swap(left[i - 1], left[random.below(i)]);
        }
    }
    for (const Piece& piece : left) {
        if (piece.resized)
            disk.resize(piece.offset);
        else
            disk.write(piece.offset, piece.data);
    }
    now_ = std::move(disk);
    stamps_.assign(now_.pages.size(), 0);
    settle();
}

} // namespace mudi::sim
