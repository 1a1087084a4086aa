#include <catch2/catch.hpp>

#include <mudi/base/hash.hpp>

#include "golden/releases.hpp"
#include "sync/protocol/dictionary.hpp"

using namespace mudi;
using namespace mudi::golden;

namespace {

/// Of a message that has this field and no program of ours has: number 99, four bytes.
const std::string news = std::string("\x9a\x06\x04", 3) + "news";

sync::Event event_of(const Json& words, std::string body) {
    sync::Event event;
    event.id = EventId{*bits128_from_hex(words.at("id").get<std::string>())};
    event.kind = words.at("kind").get<std::uint32_t>();
    event.schema = words.at("schema").get<std::uint32_t>();
    event.body = std::move(body);
    return event;
}

sync::FeedRow row_of(const Json& words, std::string body) {
    sync::FeedRow row;
    row.version = 1;
    row.kind = words.at("kind").get<std::uint32_t>();
    row.key = "key";
    row.body = std::move(body);
    return row;
}

std::vector<sync::Dictionary> learned(const Release& release) {
    auto dictionary = sync::Dictionary::make(2, release.file("learned.dictionary"));
    REQUIRE(dictionary);
    std::vector<sync::Dictionary> all;
    all.push_back(*std::move(dictionary));
    return all;
}

/// The frame as a later release would send it, with one more field. It stands first: a hello's signature is
/// always last.
std::string with_news(std::string frame, std::span<const sync::Dictionary> dictionaries) {
    frame.resize(frame.size() - 4);
    frame.insert(3, news);
    const char number = frame[2];
    std::uint64_t fingerprint = 0;
    if (number == sync::built_in_number) fingerprint = sync::built_in().fingerprint();
    if (number > sync::built_in_number) fingerprint = dictionaries.front().fingerprint();
    return frame + to_bytes(chain_next(Bits128{0, fingerprint}, frame)).data.substr(0, 4);
}

template <class Frame>
void check_frame(const Result<Frame>& frame, const Json& words) {
    INFO((frame ? std::string{} : frame.error().name + ": " + frame.error().what));
    REQUIRE(frame);
    CHECK(difference(words, describe(*frame)) == "");
}

} // namespace

TEST_CASE("today's program reads every event body that a release wrote") {
    for (const Release& release : releases()) {
        CHECK(release.manifest.at("events").size() >= 17);
        for (const auto& [name, words] : release.manifest.at("events").items()) {
            INFO(release.version << " " << name);
            const sync::Event event = event_of(words, release.sample("events", name));
            CHECK(difference(words.at("body"), describe(event).at("body")) == "");
        }
    }
}

TEST_CASE("today's program reads every feed body that a release wrote") {
    for (const Release& release : releases()) {
        CHECK(release.manifest.at("feed").size() >= 10);
        for (const auto& [name, words] : release.manifest.at("feed").items()) {
            INFO(release.version << " " << name);
            const sync::FeedRow row = row_of(words, release.sample("feed", name));
            CHECK(difference(words.at("body"), describe(row).at("body")) == "");
        }
    }
}

TEST_CASE("today's program reads every frame that a release sent") {
    for (const Release& release : releases()) {
        const auto dictionaries = learned(release);
        CHECK(release.manifest.at("requests").size() >= 9);
        for (const auto& [name, words] : release.manifest.at("requests").items()) {
            INFO(release.version << " " << name);
            check_frame(sync::decode_request(release.sample("requests", name), {}, dictionaries), words);
        }
        CHECK(release.manifest.at("answers").size() >= 9);
        for (const auto& [name, words] : release.manifest.at("answers").items()) {
            INFO(release.version << " " << name);
            check_frame(sync::decode_answer(release.sample("answers", name)), words);
        }
    }
}

TEST_CASE("bodies with a field that is not known yet read as without it") {
    for (const Release& release : releases()) {
        for (const auto& [name, words] : release.manifest.at("events").items()) {
            INFO(release.version << " " << name);
            const sync::Event event = event_of(words, release.sample("events", name) + news);
            REQUIRE(sync::decode(event));
            CHECK(difference(words.at("body"), describe(event).at("body")) == "");
        }
        for (const auto& [name, words] : release.manifest.at("feed").items()) {
            INFO(release.version << " " << name);
            const sync::FeedRow row = row_of(words, release.sample("feed", name) + news);
            CHECK(difference(words.at("body"), describe(row).at("body")) == "");
        }
    }
}

TEST_CASE("frames with a field that is not known yet read as without it") {
    for (const Release& release : releases()) {
        const auto dictionaries = learned(release);
        for (const auto& [name, words] : release.manifest.at("requests").items()) {
            INFO(release.version << " " << name);
            const std::string frame = with_news(release.sample("requests", name), dictionaries);
            check_frame(sync::decode_request(frame, {}, dictionaries), words);
        }
        for (const auto& [name, words] : release.manifest.at("answers").items()) {
            INFO(release.version << " " << name);
            check_frame(sync::decode_answer(with_news(release.sample("answers", name), dictionaries)), words);
        }
    }
}

TEST_CASE("the dictionary that both sides bring along has not changed since a release") {
    // Frames of a lone sale are packed with it: another one under the same number could not unpack them.
    for (const Release& release : releases()) {
        const std::string frame = release.sample("requests", "push_lone");
        REQUIRE(frame[2] == sync::built_in_number);
        CHECK(sync::decode_request(frame, {}, {}));
    }
}
