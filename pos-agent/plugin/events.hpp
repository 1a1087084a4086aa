#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <mudi/http/event_reader.hpp>
#include <mudi/pos.h>

namespace mudi::pos {

struct Happening {
    mudi_event_type type{MUDI_EVENT_OTHER};
    std::uint64_t seq{};
    std::string name;
    std::string txn;
    std::string json;
};

/// The agent's stream of events, followed over its restarts, without ever waiting. One thread at a time.
class Events {
public:
    static constexpr std::chrono::seconds retry{1};
    /// The agent sends a sign of life every 15 s.
    static constexpr std::chrono::seconds silence_max{50};
    static constexpr std::chrono::seconds answer_max{5};
    static constexpr std::size_t at_once_max = 1000;

    /// Empty when the system has no descriptors left.
    static std::unique_ptr<Events> open(std::string socket_path);
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;
    ~Events();

    /// The same over every restart; readable when take() has something to do.
    [[nodiscard]] int descriptor() const { return watch_; }
    std::vector<Happening> take();

private:
    Events(std::string socket_path, int watch, int timer);
    void connect();
    void read(std::vector<Happening>& out);
    void hear(const http::Event& event, std::vector<Happening>& out);
    void turn(bool up, std::vector<Happening>& out);
    void lose(std::vector<Happening>& out);
    void wake_after(std::chrono::milliseconds delay);
    bool timer_fired();

    std::string socket_path_;
    int watch_;
    int timer_;
    std::optional<http::EventReader> reader_;
    std::optional<std::uint64_t> after_;
    std::optional<bool> up_; ///< as last told
    bool more_{false};
};

} // namespace mudi::pos
