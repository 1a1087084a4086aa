#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <mudi/sync/server_sync.hpp>

namespace mudi::sim {

class World;
class TillMachine;
struct Deed;

/// Looks at the world from outside and says World::fail() when a promise is broken. Sees what a person with
/// access to every disk could see; asks the programs nothing that they could get wrong themselves.
class Checker {
public:
    explicit Checker(World& world) : world_(world) {}
    Checker(const Checker&) = delete;
    Checker& operator=(const Checker&) = delete;
    virtual ~Checker() = default;

    /// As in the table of cases: "I1".
    [[nodiscard]] virtual std::string_view name() const = 0;

    virtual void till_started(TillMachine&) {}
    virtual void till_pruned(TillMachine&) {}
    virtual void new_life(TillMachine&) {}
    /// It has everything that the server has for it.
    virtual void till_level(TillMachine&) {}
    /// A sale was paid with points.
    virtual void points_spent(TillMachine&, const Deed&) {}
    /// Another disk is in the machine, or an older state of it.
    virtual void disk_changed(TillMachine&) {}
    virtual void server_started() {}
    /// The server's answer to a push, on its way to the till.
    virtual void stored(const sync::PushedBatch&, const Result<sync::Standing>&) {}
    /// The till takes its events up to here for delivered.
    virtual void acknowledged(TillMachine&, EventSeq) {}
    /// The server has committed something that may have moved points of these records; none named: of any.
    virtual void points_moved(std::span<const SourceRecordId>) {}
    virtual void every_minute() {}
    /// The world has come to rest after its faults.
    virtual void at_rest() {}

protected:
    World& world_;
};

/// Every checker there is.
std::vector<std::unique_ptr<Checker>> make_checkers(World& world);

} // namespace mudi::sim
