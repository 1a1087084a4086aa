#include <variant>

#include <mudi/crm/transaction_rules.hpp>
#include <mudi/sync/event.hpp>

#include "sync/protocol/dictionary.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mudi;
using namespace mudi::sync;

namespace {

void event(std::string_view body) {
    for (const std::uint32_t kind : {1u, 2u, 3u, 4u}) {
        Event event{EventSeq{1}, {}, 0, kind, event_schema, std::string(body)};
        const auto decoded = decode(event);
        if (!decoded) continue;
        if (const auto* sale = std::get_if<crm::RetailTransaction>(&*decoded)) {
            static_cast<void>(crm::validate(*sale, crm::ShopRules{}));
            DictionaryLearner learner;
            static_cast<void>(learner.observe({&event, 1}));
        }
        event.body = std::visit([](const auto& value) { return encode(value); }, *decoded);
        fuzz::require_same(decode(event), *decoded);
    }
}

void feed_row(std::string_view body) {
    if (const auto slice = decode_profile(body)) fuzz::require_same(decode_profile(encode(*slice)), *slice);
    if (const auto product = decode_product(body))
        fuzz::require_same(decode_product(encode(*product)), *product);
    if (const auto settings = decode_settings(body))
        fuzz::require_same(decode_settings(encode(*settings)), *settings);
    for (const std::uint32_t kind : {1u, 2u, 3u, 77u}) {
        fuzz::require(part_of(kind, body) < parts_max);
        fuzz::require(row_digest(kind, body, body) == row_digest(kind, body, body));
    }
}

} // namespace

/// An event's or a feed row's body, as it was stored or unpacked.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body{reinterpret_cast<const char*>(data), size};
    event(body);
    feed_row(body);
    return 0;
}
