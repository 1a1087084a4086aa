#include "event_hub.hpp"

#include <algorithm>

#include <mudi/http/json.hpp>

namespace mudi::till {

void EventHub::publish(std::string_view name, const nlohmann::json& data) {
    const std::string text = http::to_text(data);
    kept_.push_back({++newest_, std::string(name), text});
    kept_bytes_ += text.size();
    while (kept_.size() > kept_max || kept_bytes_ > kept_bytes_max) {
        kept_bytes_ -= kept_.front().data.size();
        kept_.pop_front();
    }
    const std::string id = std::to_string(newest_);
    std::erase_if(streams_, [&](http::EventStream& stream) { return !stream.send(id, name, text); });
}

void EventHub::attach(http::EventStream stream, std::optional<std::uint64_t> after) {
    std::erase_if(streams_, [](const http::EventStream& open) { return open.closed(); });
    const std::uint64_t oldest_known =
        newest_ - kept_.size(); // a reader who has seen this one misses nothing
    const std::string id = std::to_string(newest_);
    const std::uint64_t from = after.value_or(newest_);
    const bool too_far = from < oldest_known || from > newest_;
    const std::uint64_t start = too_far ? newest_ : from;
    stream.send(std::to_string(start), "hello", http::to_text({{"after", start}}));
    if (too_far) stream.send(id, "reset", "{}");
    for (const Kept& kept : kept_) {
        if (kept.number > start && !stream.send(std::to_string(kept.number), kept.name, kept.data)) return;
    }
    streams_.push_back(std::move(stream));
}

} // namespace mudi::till
