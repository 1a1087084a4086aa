#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <mudi/base/db/connection.hpp>
#include <mudi/base/result.hpp>

#include "disk.hpp"
#include "node_clock.hpp"
#include "vfs.hpp"
#include "world.hpp"

namespace mudi::sim {

/// A database as it stands on a disk, read on a copy: no fault strikes who only looks, and nobody notices.
class Glance {
public:
    Glance(const DiskImage& image, const std::string& file);

    /// Null when there is nothing readable.
    [[nodiscard]] db::Connection* connection() const { return connection_.get(); }

private:
    Disk disk_;
    Mount mount_;
    std::unique_ptr<db::Connection> connection_;
};

/// One machine with one program: runs it, kills it at the worst moments, starts it again.
class Node {
public:
    Node(World& world, std::string name, int number);
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    virtual ~Node() = default;

    [[nodiscard]] bool running() const { return running_; }
    /// Tells programs of this machine apart; what was meant for one does not reach the next.
    [[nodiscard]] std::uint64_t program() const { return program_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] int number() const { return number_; }

    /// Tries to start the program now, and again later while that does not succeed.
    void boot();
    void boot_after(std::int64_t ms);
    /// In good order, as for an upgrade.
    void stop();
    /// At once; power: of the machine, not only the program. Starts again after `down_ms`.
    void crash(bool power, std::int64_t down_ms);
    /// A kill is to strike at the n-th of what follows.
    void die_at_call(std::uint64_t calls) { disk.die_at_call(calls); }
    void die_at_message(std::uint64_t messages) { messages_left_ = messages; }
    /// A frame comes or goes.
    void message();
    void sleep(std::int64_t ms);
    /// The machine will not start by itself before this is called: somebody works on it.
    void hold_down(bool down) { held_down_ = down; }
    /// All faults of the disk and of the machine end.
    void become_calm();

    /// Runs `what` inside the program: not at all when it does not run, later while the machine sleeps or
    /// waits for its disk. The program may be dead afterwards.
    template <class What>
    void enter(What&& what) {
        if (!running_) return;
        if (world_.timeline.now_ms() < busy_until_ms_ && depth_ == 0) {
            const std::uint64_t program = program_;
            world_.timeline.after(busy_until_ms_ - world_.timeline.now_ms(),
                                  [this, program, what = std::forward<What>(what)]() mutable {
                                      if (program == program_) enter(std::move(what));
                                  });
            return;
        }
        ++depth_;
        what();
        --depth_;
        if (depth_ == 0) look_after();
    }
    /// The same after some time, for this very program.
    template <class What>
    void later(std::int64_t ms, What&& what) {
        const std::uint64_t program = program_;
        world_.timeline.after(ms, [this, program, what = std::forward<What>(what)]() mutable {
            if (program == program_) enter(std::move(what));
        });
    }

    NodeClock clock;
    Disk disk;
    int version{1}; ///< of the program

protected:
    /// Opens everything; on an error nothing is left open.
    virtual Status start() = 0;
    /// Lets go of everything, in good order or not.
    virtual void end() = 0;
    /// The program runs.
    virtual void started() = 0;
    /// It does not run any more.
    virtual void stopped() = 0;
    /// What the machine remembers outside of its disk is gone.
    virtual void power_lost() {}
    /// It cannot start, for a reason that time does not mend.
    virtual void damaged(const Error& error) = 0;
    [[nodiscard]] db::Options database(const std::string& file, bool read_only = false) const;
    [[nodiscard]] bool dying() const { return dying_ || disk.dead(); }

    World& world_;
    Mount mount_;

private:
    void look_after();
    void leave();

    std::string name_;
    int number_;
    std::uint64_t program_{1};
    std::uint64_t boot_{};
    std::uint64_t messages_left_{};
    std::int64_t busy_until_ms_{};
    int depth_{};
    bool running_{false};
    bool dying_{false};
    bool held_down_{false};
};

} // namespace mudi::sim
