#include <catch2/catch.hpp>

#include <mudi/till/name_fold.hpp>

using mudi::till::name_parts;

namespace {

std::string part(std::string_view word) {
    const auto parts = name_parts(word);
    REQUIRE(parts.size() == 1);
    return parts[0];
}

} // namespace

TEST_CASE("one name is folded alike in Bengali, Devanagari and Latin writing") {
    CHECK(part("কমলা") == part("Kamala"));
    CHECK(part("कमला") == part("Komola"));
    CHECK(part("দাস") == part("Das"));
    CHECK(part("শর্মা") == part("Sharma"));
    CHECK(part("शर्मा") == part("Sharma"));
    CHECK(part("চট্টোপাধ্যায়") == part("Chattopadhyay"));
    CHECK(part("মুখার্জি") == part("Mukherjee"));
    CHECK(part("चौधरी") == part("Chowdhury"));
    CHECK(part("यादव") == part("Yadav"));
    CHECK(part("विजय") == part("Vijay"));
    CHECK(part("গাঙ্গুলি") == part("Ganguly"));
    CHECK(part("সিংহ") == part("Singh"));
    CHECK(part("महेश") == part("Mahesh"));
    CHECK(part("ললিতা") == part("Lalita"));
    CHECK(part("আয়েশা") == part("Ayesha"));
    CHECK(part("ज्ञानेश") == part("Dnyanesh"));
}

TEST_CASE("a dot written as a letter of its own folds like the built-in one") {
    CHECK(part("\u09AF\u09BC\u09BE\u09A6") == part("\u09DF\u09BE\u09A6"));
    CHECK(part("\u0998\u09CB\u09A1\u09BC\u09BE") == part("\u0998\u09CB\u09DC\u09BE"));
}

TEST_CASE("what is typed of a word is the beginning of its part") {
    for (const std::string_view name : {"Mukherjee", "Banerjee", "Patil", "Shinde", "Chattopadhyay"}) {
        for (std::size_t length = 4; length < name.size(); ++length) {
            INFO(name.substr(0, length));
            CHECK(part(name).starts_with(part(name.substr(0, length)).substr(0, 2)));
        }
    }
}

TEST_CASE("words stand apart, and different names differ") {
    CHECK(name_parts(" Kamala-Rani  Das ") == std::vector<std::string>{"kml", "rn", "ds"});
    CHECK(part("Das") != part("Dutta"));
    CHECK(part("Uma") == "am");
    CHECK(name_parts("...").empty());
    CHECK(name_parts("").empty());
}

TEST_CASE("foreign bytes are taken without harm") {
    CHECK(name_parts("\xff\xfe").empty());
    CHECK(name_parts("李小龍").size() == 1);
    CHECK(name_parts(std::string(1000, 'k')) == std::vector<std::string>{"k"});
    CHECK(name_parts("a b c d e f g h i j k").size() == mudi::till::name_parts_max);
}
