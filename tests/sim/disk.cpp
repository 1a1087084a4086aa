#include "disk.hpp"

#include <algorithm>
#include <utility>

#include <mudi/base/hash.hpp>

namespace mudi::sim {
namespace {

using Names = std::map<std::string, FileId, std::less<>>;

void apply_change(Names& names, const DiskImage::DirectoryChange& change) {
    if (!change.other_name.empty()) names.erase(change.other_name);
    if (change.file)
        names[change.name] = *change.file;
    else
        names.erase(change.name);
}

bool named(const Names& names, FileId id) {
    return std::ranges::any_of(names, [&](const auto& entry) { return entry.second == id; });
}

} // namespace

Bits128 DiskImage::digest() const {
    std::string all;
    std::string bytes;
    for (const auto& [name, id] : names) {
        const FileContent& content = files.at(id);
        bytes.resize(content.size());
        content.read(0, bytes.data(), bytes.size());
        all += name + '\0' + to_hex(hash128(bytes)) + '\n';
    }
    return hash128(all);
}

void Disk::crash() {
    ++epoch_;
    open_.clear();
    dead_ = false;
    dies_at_ = 0;
    forget_unused();
}

void Disk::power_cut(Random& random, Cut cut) {
    for (const auto& change : image_.directory_changes) {
        if (cut == Cut::keep_all || (cut == Cut::random && random.below(2) == 0))
            apply_change(image_.durable_names, change);
    }
    image_.directory_changes.clear();
    image_.names = image_.durable_names;
    for (auto& [id, content] : image_.files) content.power_cut(random, cut);
    crash();
}

void Disk::process_kill() { crash(); }

void Disk::restore(const DiskImage& image) {
    image_ = image;
    crash();
}

std::uint64_t Disk::used_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [id, content] : image_.files) {
        if (open_.contains(id) || named(image_.names, id)) sum += content.size();
    }
    return sum;
}

std::uint64_t Disk::unsynced_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [id, content] : image_.files) sum += content.unsynced_bytes();
    return sum;
}

bool Disk::strike(DiskOp op) {
    IoFault& io = *faults.io;
    if ((io.ops & only(op)) == 0) return false;
    if (io.after > 0) {
        --io.after;
        return false;
    }
    ++counters_.refused;
    if (!io.persistent) faults.io.reset();
    return true;
}

DiskStatus Disk::begin(DiskOp op, std::string_view name) {
    ++counters_.calls;
    if (on_call && !dead_) on_call({op, name, counters_.calls});
    if (dies_at_ != 0 && counters_.calls >= dies_at_) dead_ = true;
    if (dead_) {
        ++counters_.refused;
        return DiskStatus::failed;
    }
    return faults.io && !faults.io->short_read && strike(op) ? DiskStatus::failed : DiskStatus::ok;
}

void Disk::forget_unused() {
    std::erase_if(image_.files, [&](const auto& entry) {
        const FileId id = entry.first;
        const auto waits = [&](const auto& change) { return change.file == id; };
        return !open_.contains(id) && !named(image_.names, id) && !named(image_.durable_names, id) &&
               std::ranges::none_of(image_.directory_changes, waits);
    });
}

void Disk::change_directory(DiskImage::DirectoryChange change) {
    apply_change(image_.names, change);
    image_.directory_changes.push_back(std::move(change));
}

DiskStatus Disk::open(std::string_view name, bool make, File& file) {
    const DiskStatus status = begin(DiskOp::open, name);
    if (status != DiskStatus::ok) return status;
    auto found = image_.names.find(name);
    file.made = found == image_.names.end();
    if (file.made) {
        if (!make) return DiskStatus::missing;
        change_directory({std::string(name), image_.next++, {}});
        found = image_.names.find(name);
    }
    file.id = found->second;
    file.epoch = epoch_;
    file.content = &image_.files[file.id];
    file.name = name;
    ++open_[file.id];
    return DiskStatus::ok;
}

void Disk::close(File& file) {
    if (file.epoch != epoch_) return;
    file.epoch = 0;
    if (--open_[file.id] > 0) return;
    open_.erase(file.id);
    forget_unused();
}

DiskStatus Disk::read(const File& file, std::uint64_t offset, char* out, std::size_t length,
                      std::size_t& got) {
    const DiskStatus status = begin(DiskOp::read, file);
    got = 0;
    if (status != DiskStatus::ok) return status;
    if (faults.io && faults.io->short_read && length > 1 && strike(DiskOp::read)) length /= 2;
    got = file.content->read(offset, out, length);
    return status;
}

DiskStatus Disk::write(const File& file, std::uint64_t offset, std::string_view data) {
    DiskStatus status = begin(DiskOp::write, file);
    if (status != DiskStatus::ok) return status;
    const std::uint64_t size = file.content->size();
    if (faults.capacity_bytes != DiskFaults::unlimited && offset + data.size() > size) {
        const std::uint64_t used = used_bytes();
        const std::uint64_t room = faults.capacity_bytes > used ? faults.capacity_bytes - used : 0;
        if (offset + data.size() - size > room) {
            status = DiskStatus::full;
            ++counters_.refused;
            const std::uint64_t end = size + room;
            data = data.substr(0, end > offset ? static_cast<std::size_t>(end - offset) : 0);
        }
    }
    file.content->write(offset, data);
    counters_.bytes_written += data.size();
    if (file.content->unsynced_bytes() > unsynced_bytes_max) file.content->sync();
    return status;
}

DiskStatus Disk::resize(const File& file, std::uint64_t size) {
    const DiskStatus status = begin(DiskOp::resize, file);
    if (status == DiskStatus::ok) file.content->resize(size);
    return status;
}

void Disk::wait_for_sync() {
    if (faults.sync_takes.count() > 0 && on_wait) on_wait(faults.sync_takes);
}

DiskStatus Disk::sync(const File& file) {
    const DiskStatus status = begin(DiskOp::sync, file);
    if (status != DiskStatus::ok) {
        if (!dead_ && file.epoch == epoch_ && faults.failed_sync_forgets) file.content->forget_unsynced();
        return status;
    }
    wait_for_sync();
    if (faults.lying_sync) {
        ++counters_.syncs_lied;
        return DiskStatus::ok;
    }
    ++counters_.syncs;
    file.content->sync();
    return DiskStatus::ok;
}

DiskStatus Disk::size(const File& file, std::uint64_t& bytes) {
    const DiskStatus status = begin(DiskOp::size, file);
    if (status == DiskStatus::ok) bytes = file.content->size();
    return status;
}

DiskStatus Disk::exists(std::string_view name, std::optional<std::uint64_t>& bytes) {
    const DiskStatus status = begin(DiskOp::exists, name);
    if (status != DiskStatus::ok) return status;
    bytes.reset();
    const auto found = image_.names.find(name);
    if (found != image_.names.end()) bytes = image_.files.at(found->second).size();
    return status;
}

DiskStatus Disk::remove(std::string_view name) {
    const DiskStatus status = begin(DiskOp::remove, name);
    if (status != DiskStatus::ok) return status;
    if (!image_.names.contains(name)) return DiskStatus::missing;
    change_directory({std::string(name), {}, {}});
    forget_unused();
    return DiskStatus::ok;
}

DiskStatus Disk::rename(std::string_view from, const std::string& to) {
    const DiskStatus status = begin(DiskOp::remove, from);
    if (status != DiskStatus::ok) return status;
    const auto found = image_.names.find(from);
    if (found == image_.names.end()) return DiskStatus::missing;
    change_directory({to, found->second, std::string(from)});
    forget_unused();
    return DiskStatus::ok;
}

DiskStatus Disk::sync_directory() {
    const DiskStatus status = begin(DiskOp::sync_directory, std::string_view{});
    if (status != DiskStatus::ok) return status;
    wait_for_sync();
    if (faults.lying_sync) {
        ++counters_.syncs_lied;
        return DiskStatus::ok;
    }
    ++counters_.syncs;
    image_.durable_names = image_.names;
    image_.directory_changes.clear();
    forget_unused();
    return DiskStatus::ok;
}

} // namespace mudi::sim
