#include <catch2/catch.hpp>

#include <mudi/base/bytes.hpp>
#include <mudi/base/text.hpp>

using namespace mudi;

TEST_CASE("only well-formed UTF-8 passes") {
    CHECK(is_utf8("মুদি मुदी Mudi ₹ 😀"));
    for (const std::string_view bad :
         {"\x80", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE0\xA6", "abc\xFF"})
        CHECK_FALSE(is_utf8(bad));
    CHECK(code_points("মুদি") == 4);
}

TEST_CASE("digits of the scripts of India become 0-9") {
    CHECK(with_ascii_digits("৯৮৭৬৫ ४३२१०") == "98765 43210");
    CHECK(with_ascii_digits("a১b") == "a1b");
    CHECK(is_digits("0123"));
    CHECK_FALSE(is_digits(""));
    CHECK_FALSE(is_digits("12a"));
}

TEST_CASE("hex and 128-bit ids survive text and bytes") {
    const Bits128 bits{0x0123456789abcdefULL, 0xfedcba9876543210ULL};
    CHECK(to_hex(bits) == "0123456789abcdeffedcba9876543210");
    CHECK(bits128_from_hex(to_hex(bits)) == bits);
    CHECK(bits128_from_bytes(to_bytes(bits).data) == bits);
    CHECK_FALSE(bits128_from_hex("0123"));
    CHECK_FALSE(bits128_from_bytes("short"));
    CHECK_FALSE(from_hex("0g"));
}
