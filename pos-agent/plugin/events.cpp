#include "events.hpp"

#include <charconv>
#include <utility>

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <mudi/http/json.hpp>

#include "documents.hpp"

namespace mudi::pos {
namespace {

mudi_event_type type_of(const std::string& name) {
    if (name == "customer" || name == "scan") return MUDI_EVENT_CARD_SCANNED;
    if (name == "offers_changed") return MUDI_EVENT_OFFERS_CHANGED;
    if (name == "customer_updated") return MUDI_EVENT_CUSTOMER_UPDATED;
    return MUDI_EVENT_OTHER;
}

bool add(int watch, int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP;
    event.data.fd = descriptor;
    return ::epoll_ctl(watch, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

std::optional<std::uint64_t> number_in(const std::string& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

} // namespace

std::unique_ptr<Events> Events::open(std::string socket_path) {
    const int watch = ::epoll_create1(EPOLL_CLOEXEC);
    const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    std::unique_ptr<Events> events(new Events(std::move(socket_path), watch, timer));
    if (watch < 0 || timer < 0 || !add(watch, timer)) return nullptr;
    events->wake_after(std::chrono::milliseconds{0});
    return events;
}

Events::Events(std::string socket_path, int watch, int timer)
    : socket_path_(std::move(socket_path)), watch_(watch), timer_(timer) {}

Events::~Events() {
    reader_.reset();
    if (timer_ >= 0) ::close(timer_);
    if (watch_ >= 0) ::close(watch_);
}

void Events::wake_after(std::chrono::milliseconds delay) {
    const auto ns = std::max<std::int64_t>(std::chrono::nanoseconds(delay).count(), 1);
    itimerspec when{};
    when.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    when.it_value.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    ::timerfd_settime(timer_, 0, &when, nullptr);
}

bool Events::timer_fired() {
    std::uint64_t times = 0;
    return ::read(timer_, &times, sizeof times) == static_cast<ssize_t>(sizeof times);
}

void Events::turn(bool up, std::vector<Happening>& out) {
    if (up_ == up) return;
    up_ = up;
    out.push_back({up ? MUDI_EVENT_AGENT_UP : MUDI_EVENT_AGENT_DOWN,
                   after_.value_or(0),
                   up ? "agent_up" : "agent_down",
                   {},
                   {}});
}

void Events::lose(std::vector<Happening>& out) {
    reader_.reset(); // closing takes it out of the epoll set
    turn(false, out);
    wake_after(retry);
}

void Events::connect() {
    http::Call call;
    call.target = "/v1/events";
    if (after_) call.target += "?after=" + std::to_string(*after_);
    call.headers.add("Accept", "text/event-stream");
    call.timeout = Duration{0};
    auto reader = http::EventReader::begin(http::Target::unix_socket(socket_path_), call);
    if (!reader || !add(watch_, reader->descriptor())) return;
    reader_.emplace(*std::move(reader));
}

void Events::hear(const http::Event& event, std::vector<Happening>& out) {
    turn(true, out);
    if (const auto number = number_in(event.id)) after_ = *number;
    if (event.event == "hello") return;
    Happening happening{type_of(event.event), after_.value_or(0), event.event, {}, event.data};
    if (const auto document = http::parse_json(event.data)) happening.txn = text_of(*document, "txn");
    out.push_back(std::move(happening));
}

void Events::read(std::vector<Happening>& out) {
    for (std::size_t i = 0; i < at_once_max; ++i) {
        const auto event = reader_->next(Duration{0});
        if (!event) return lose(out);
        if (reader_->answered()) turn(true, out);
        if (!*event) return wake_after(reader_->answered() ? silence_max : answer_max);
        hear(**event, out);
    }
    more_ = true; // it may be in memory already, where no poll sees it
    wake_after(std::chrono::milliseconds{0});
}

std::vector<Happening> Events::take() {
    std::vector<Happening> out;
    const bool fired = timer_fired();
    if (!reader_) {
        if (!fired) return out;
        connect();
        if (reader_)
            read(out);
        else
            lose(out);
        return out;
    }
    epoll_event ready{};
    if (std::exchange(more_, false) || ::epoll_wait(watch_, &ready, 1, 0) > 0) {
        read(out);
    } else if (fired) {
        lose(out); // silent for longer than an agent that lives would be
    }
    return out;
}

} // namespace mudi::pos
