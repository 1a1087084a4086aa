#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <mudi/base/random.hpp>

namespace mudi::sim {

/// So often an hour, in the whole world.
using PerHour = std::uint32_t;
using Percent = unsigned;

/// What the network does to frames and connections.
struct NetFaults {
    Percent loss{};   ///< a frame, or the connection it was on, is lost
    Percent replay{}; ///< a request comes twice
    std::int64_t delay_ms_max{8};
    PerHour bounces{};    ///< a connection breaks
    PerHour partitions{}; ///< of one till, one-way or both ways
    PerHour outages{};    ///< of all tills at once
    PerHour clogs{};      ///< one way takes seconds
    Percent half_open{};  ///< one side does not notice an end
    Percent impostors{};  ///< what one till sent comes again on another's connection
    Percent held{};       ///< what meets a partition arrives when it is over
};

/// What happens to programs, machines and disks without anybody's will.
struct ProcessFaults {
    PerHour till_kills{};
    PerHour server_kills{};
    Percent at_call{}; ///< of the kills strike in the middle of a call to the disk
    Percent at_message{};
    Percent power{};  ///< of the kills take the machine's power
    PerHour pauses{}; ///< a machine sleeps for a while
    PerHour full_disks{};
    PerHour io_errors{};
    PerHour slow_syncs{};
    bool lying_syncs{false}; ///< of tills: their loss cannot be undone, only seen
};

/// What people do.
struct OperatorActs {
    PerHour server_snapshots{};
    PerHour server_restores{}; ///< from any snapshot or backup
    PerHour backups{};
    PerHour till_images{};
    PerHour till_restores{};
    PerHour clones{};
    PerHour swaps{};
    PerHour new_disks{}; ///< deleted and enrolled again
    PerHour revocations{};
    PerHour upgrades{}; ///< of any node, there and back
    PerHour prunes{};   ///< tills forget what is safe and older than `kept_minutes`
    std::int64_t kept_minutes{10};
    PerHour tombstone_sweeps{}; ///< the server forgets deletions, days passing as minutes
    PerHour catalogue_changes{};
    PerHour customer_imports{};
    PerHour future_rows{}; ///< a later program puts into the feed what nobody knows
    PerHour moves{};       ///< customers of two records turn out to be one, or move to another store
};

struct ClockPlan {
    Percent lying_tills{};
    Percent lying_server{}; ///< only a little: it is the world's clock
    PerHour steps{};
};

struct ShopPlan {
    PerHour sales_per_till{100};
    int stores{1};
    int customers{40};
    Percent member_sales{25};
    Percent poison{};       ///< bytes of an event flip before it is stored
    Percent future_kinds{}; ///< of a till that is newer than the server
    int products{30};
    /// The server chooses the offers for what so long has brought together.
    std::int64_t offers_every_ms{2'000};
};

/// How customers spend points, and what is in the way of it.
struct PointsPlan {
    Percent pays{};    ///< of the members who have points pay with them; 0: none of all this happens
    bool floor{false}; ///< the owner chose the floor limit instead of escrow
    bool leads{false}; ///< every store has a lead till
    std::int64_t store_max{200};
    std::int64_t till_max{};
    std::int64_t per_point_minor{10'000};
    Percent dawdles{};    ///< of those who hold points take minutes to pay
    Percent walks_away{}; ///< … or never do
    Percent lan_loss{};   ///< between tills
    Percent lan_replay{};
    PerHour lan_cuts{}; ///< a till cannot reach the others
    PerHour leaps{};    ///< nights and holidays: nothing happens, and time goes on
};

/// Everything a seed decides about its world before the world begins.
struct Swarm {
    NetFaults net;
    ProcessFaults process;
    OperatorActs people;
    ClockPlan clocks;
    ShopPlan shop;
    PointsPlan points;

    [[nodiscard]] std::string text() const;
};

/// Every seed draws its own subset of the faults and their rates. `hours` shorter than one get more faults in
/// an hour.
Swarm draw_swarm(Random& random, int tills, double hours);
/// No faults at all: what the rest of a world looks like when they stop.
Swarm calm(const Swarm& swarm);

} // namespace mudi::sim
