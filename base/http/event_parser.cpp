#include "event_parser.hpp"

#include <utility>

namespace mudi::http {

std::optional<std::string_view> EventParser::line() {
    const auto end = pending_.find_first_of("\r\n", at_);
    if (end == std::string::npos) return std::nullopt;
    auto next = end + 1;
    if (pending_[end] == '\r') {
        if (next == pending_.size()) return std::nullopt; // a '\n' may follow, which belongs to this end
        if (pending_[next] == '\n') ++next;
    }
    const auto from = std::exchange(at_, next);
    return std::string_view(pending_).substr(from, end - from);
}

void EventParser::field(std::string_view line) {
    if (line.starts_with(':')) {
        ++comments_;
        return;
    }
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "data") {
        if (std::exchange(any_data_, true)) data_ += '\n';
        data_ += value;
    } else if (name == "event") {
        event_ = value;
    } else if (name == "id" && value.find('\0') == std::string_view::npos) {
        last_id_ = value;
    }
}

void EventParser::compact() {
    pending_.erase(0, at_);
    at_ = 0;
}

Result<std::optional<Event>> EventParser::next() {
    while (const auto text = line()) {
        if (!text->empty()) {
            field(*text);
            if (data_.size() > event_bytes_max) break;
            continue;
        }
        auto type = std::exchange(event_, {});
        if (!std::exchange(any_data_, false)) continue; // an event without data is not delivered
        return std::optional(
            Event{last_id_, type.empty() ? "message" : std::move(type), std::exchange(data_, {})});
    }
    compact();
    if (pending_.size() > event_bytes_max || data_.size() > event_bytes_max) {
        return fail(Code::corrupt, "http.bad_answer", "an event is larger than 1 MiB");
    }
    return std::optional<Event>{};
}

} // namespace mudi::http
