#include "bench/storm_tills.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include <sys/resource.h>

namespace mudi::bench {
namespace {

/// The transport of a till looks through its process for the connection it is dialling: with many tills in
/// one, that search would cost more than the handshakes.
constexpr std::int64_t tills_per_process = 100;
constexpr std::chrono::milliseconds between_words{100};
/// The tills' ends of the handshakes are done on the server's own processors here, and take it as long again.
constexpr Duration patience_of_dial{std::chrono::minutes{10}};
constexpr std::chrono::hours for_ever{24};

/// Each is a descriptor.
void raise_descriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace

Result<std::unique_ptr<StormTills>> StormTills::start(const std::filesystem::path& program,
                                                      const WireShop& shop, std::int64_t count,
                                                      const std::filesystem::path& log) {
    auto all = std::make_unique<StormTills>();
    for (std::int64_t first = 1; first <= count; first += tills_per_process) {
        const std::int64_t part = std::min(tills_per_process, count - first + 1);
        MUDI_TRY(auto process,
                 cli::Process::start({program.string(), storm_tills_word, shop.sync_url(),
                                      shop.identity().string(), std::to_string(first), std::to_string(part)},
                                     log));
        all->parts_.push_back({std::move(process), 0, 0});
    }
    return all;
}

Status StormTills::look(Duration patience) {
    for (Part& part : parts_) {
        for (Duration wait = patience;; wait = Duration{0}) {
            const auto line = part.process.read_line(wait);
            if (!line && line.error().name == "process.timeout") break;
            if (!line) return fail(Code::unavailable, "bench.tills", "a process with tills ended");
            std::istringstream{*line} >> part.linked >> part.level;
        }
        patience = Duration{0};
    }
    return {};
}

std::int64_t StormTills::linked() const {
    std::int64_t sum = 0;
    for (const Part& part : parts_) sum += part.linked;
    return sum;
}

std::int64_t StormTills::level() const {
    std::int64_t sum = 0;
    for (const Part& part : parts_) sum += part.level;
    return sum;
}

int run_storm_tills(int argc, char** argv) {
    if (argc != 6) return 2;
    raise_descriptors();
    const auto server = WireShop::server_at(argv[2], argv[3]);
    if (!server) return std::fprintf(stderr, "%s\n", server.error().what.c_str()), 1;
    WireServer patient = *server;
    patient.reconnect.attempt_max = patience_of_dial;
    WireTills all{patient};
    const std::int64_t first = std::atoll(argv[4]);
    const std::int64_t count = std::atoll(argv[5]);
    for (std::int64_t till = first; till < first + count; ++till)
        if (!all.add(TillId{till}, WireShop::store(till), WireShop::workstation(till), nullptr)) return 1;
    auto said = std::chrono::steady_clock::now();
    const auto ended = all.run_until(
        [&] {
            const auto now = std::chrono::steady_clock::now();
            if (now - said < between_words) return false;
            said = now;
            std::printf("%zu %zu\n", all.linked(), all.pulling());
            return std::fflush(stdout) != 0; // whoever listened is gone
        },
        for_ever);
    return ended ? 0 : 1;
}

} // namespace mudi::bench
