#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace mudi::sim {

/// What happened, as a hash over everything noted; as lines on standard output when asked for.
class Trace {
public:
    explicit Trace(bool print) : print_(print) {}

    void note(std::int64_t now_ms, std::string_view what, std::initializer_list<std::int64_t> numbers,
              std::string_view text = {});
    void bytes(std::string_view data) { mix(data); }
    [[nodiscard]] std::uint64_t hash() const { return hash_; }
    [[nodiscard]] bool prints() const { return print_; }

private:
    void mix(std::uint64_t number);
    void mix(std::string_view text);

    std::uint64_t hash_{0x9e3779b97f4a7c15ULL};
    bool print_;
};

/// What must have happened in some world of a range, or its green proves nothing; counted over many worlds.
class Marks {
public:
    void hit(std::string_view mark) {
        const auto found = counts_.find(mark);
        if (found == counts_.end())
            counts_.emplace(std::string(mark), 1);
        else
            ++found->second;
    }
    void add(const std::string& mark, std::int64_t count) { counts_[mark] += count; }
    [[nodiscard]] const std::map<std::string, std::int64_t, std::less<>>& counts() const { return counts_; }

private:
    std::map<std::string, std::int64_t, std::less<>> counts_;
};

} // namespace mudi::sim
