#include "soak/oracle.hpp"

#include <algorithm>
#include <utility>

namespace mudi::soak {

void Oracle::asked(const std::string& number) {
    const std::lock_guard lock(mutex_);
    asked_.insert(number);
}

void Oracle::saved(std::size_t till, const std::string& number) {
    const std::lock_guard lock(mutex_);
    saved_.insert(number);
    disks_.at(till).insert(number);
}

std::size_t Oracle::sold() const {
    const std::lock_guard lock(mutex_);
    return saved_.size();
}

Numbers Oracle::disk(std::size_t till) const {
    const std::lock_guard lock(mutex_);
    return disks_.at(till);
}

void Oracle::replace_disk(std::size_t till, Numbers held) {
    const std::lock_guard lock(mutex_);
    disks_.at(till) = std::move(held);
}

void Oracle::seen_at_server(const Numbers& numbers) {
    const std::lock_guard lock(mutex_);
    at_server_.insert(numbers.begin(), numbers.end());
    ever_at_server_.insert(numbers.begin(), numbers.end());
}

Numbers Oracle::at_server() const {
    const std::lock_guard lock(mutex_);
    return at_server_;
}

void Oracle::replace_server(Numbers held) {
    const std::lock_guard lock(mutex_);
    at_server_ = std::move(held);
}

Oracle::Verdict Oracle::judge(const std::map<std::string, int>& times) const {
    const std::lock_guard lock(mutex_);
    Numbers wanted = at_server_;
    for (const Numbers& disk : disks_) wanted.insert(disk.begin(), disk.end());
    Verdict verdict;
    for (const std::string& number : wanted)
        if (!times.contains(number)) verdict.missing.push_back(number);
    for (const std::string& number : saved_) {
        if (wanted.contains(number) || times.contains(number)) continue;
        ++(ever_at_server_.contains(number) ? verdict.excused_restored : verdict.excused_unsent);
    }
    for (const auto& [number, count] : times) {
        if (count > 1) verdict.doubled.push_back(number);
        if (!asked_.contains(number)) verdict.unknown.push_back(number);
    }
    return verdict;
}

} // namespace mudi::soak
