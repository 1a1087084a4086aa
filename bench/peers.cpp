#include "bench/peers.hpp"

#include "bench/peer.hpp"

namespace mudi::bench {

Status measure_peers(const Options& options, std::span<const std::string> bodies, Sheet& sheet) {
    struct Peer {
        const char* name;
        Status (*run)(const Options&, std::span<const std::string>, Sheet&);
    };
    for (const Peer& peer : {Peer{"PostgreSQL", measure_postgres}, Peer{"mosquitto", measure_mosquitto}}) {
        const auto ran = peer.run(options, bodies, sheet);
        // What is not installed is no fault of ours.
        if (!ran) sheet.note(std::string(peer.name) + " left out: " + ran.error().what);
    }
    return {};
}

} // namespace mudi::bench
