#include <catch2/catch.hpp>

#include <mudi/server/phone.hpp>

using namespace mudi;
using server::normal_phone;

TEST_CASE("phones become E.164 however they are written") {
    const crm::IdentifierRules rules;
    CHECK(normal_phone("98300 12345", rules).value() == "+919830012345");
    CHECK(normal_phone("+91-98300-12345", rules).value() == "+919830012345");
    CHECK(normal_phone("(033) 2248 1234", rules).value() == "+913322481234"); // a landline in Kolkata
    CHECK(normal_phone("+44 20 7946 0018", rules).value() == "+442079460018");
    CHECK(normal_phone("tel:+91-98300-12345", rules).value() == "+919830012345");
}

TEST_CASE("what is no phone is refused") {
    const crm::IdentifierRules rules;
    for (const char* text : {"", "12", "n/a", "99999", "033 12", "\xff\xff"}) {
        INFO(text);
        const auto phone = normal_phone(text, rules);
        REQUIRE_FALSE(phone);
        CHECK(phone.error().name == "phone.syntax");
    }
    CHECK_FALSE(normal_phone(std::string(1000, '9'), rules));
}
