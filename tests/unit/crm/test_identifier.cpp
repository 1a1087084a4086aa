#include <catch2/catch.hpp>

#include <array>
#include <string>

#include <sodium.h>

#include <mudi/base/random.hpp>
#include <mudi/crm/identifier.hpp>

using namespace mudi;
using namespace mudi::crm;

namespace {

const IdentifierRules no_ranges;
const Time now = time_from_ms(1'790'000'000'000);

std::string with_gs1(std::string digits) {
    for (char check = '0'; check <= '9'; ++check)
        if (passes_gs1(digits + check)) return digits + check;
    return {};
}
std::string with_luhn(std::string digits) {
    for (char check = '0'; check <= '9'; ++check)
        if (passes_luhn(digits + check)) return digits + check;
    return {};
}
std::string other_check_digit(std::string digits) {
    digits.back() = digits.back() == '9' ? '0' : static_cast<char>(digits.back() + 1);
    return digits;
}

/// The normal form, or the error's name.
std::string card_of(std::string_view raw, const IdentifierRules& rules = no_ranges) {
    const auto parsed = parse_card(raw, rules);
    if (!parsed) {
        CHECK(parsed.error().code == Code::invalid);
        return parsed.error().name;
    }
    CHECK(parsed->kind == IdentifierKind::card);
    return parsed->value;
}
std::string phone_of(std::string_view raw, const IdentifierRules& rules = no_ranges) {
    const auto parsed = parse_phone(raw, rules);
    return parsed ? parsed->value : parsed.error().name;
}

const std::string gsrn = with_gs1("89012345678901234");
const std::string shop_card = with_gs1("210000012345");

struct SigningKey {
    IdentifierRules rules;
    std::string secret;
};
SigningKey signing_key() {
    SigningKey key;
    std::array<unsigned char, crypto_sign_SEEDBYTES> seed{};
    seed.fill(7);
    key.secret.resize(crypto_sign_SECRETKEYBYTES);
    crypto_sign_seed_keypair(key.rules.member_code_key.data(),
                             reinterpret_cast<unsigned char*>(key.secret.data()), seed.data());
    return key;
}

} // namespace

TEST_CASE("check digits are those of the standards") {
    CHECK(passes_luhn("4111111111111111"));
    CHECK_FALSE(passes_luhn("4111111111111112"));
    CHECK_FALSE(passes_luhn(""));
    CHECK_FALSE(passes_luhn("41x1"));
    CHECK(passes_gs1("8901030865275"));
    CHECK(passes_gs1("4006381333931"));
    CHECK(passes_gs1("012345678905")); // UPC-A
    CHECK_FALSE(passes_gs1("8901030865276"));
    CHECK_FALSE(passes_gs1("5"));
}

TEST_CASE("a card number has one normal form however it was printed, keyed or scanned") {
    CHECK(card_of("kol-1042 a") == "KOL1042A");
    CHECK(card_of("]C0KOL1042A\r\n") == "KOL1042A");
    CHECK(card_of(" ৯৯০১ ২৩৪৫ ") == "99012345");
    CHECK(card_of("९९०१२३४५") == "99012345");
    CHECK(card_of("9901\u00A02345\u20116") == "990123456");
    CHECK(card_of("%B99012345^DAS/KAMALA^2512?") == "99012345");
    CHECK(card_of(";99012345=2512?") == "99012345");
    CHECK(card_of(";99012345?") == "99012345");
}

TEST_CASE("every carrier of a GSRN gives its 18 digits") {
    for (const auto& raw : {gsrn, "8018" + gsrn, "(8018)" + gsrn, "(8018) " + gsrn, "]C18018" + gsrn,
                            "]d28018" + gsrn, "]Q38018" + gsrn + "\x1D" + "8019" + "1",
                            "\x1D"
                            "8018" +
                                gsrn,
                            "(8018)" + gsrn + "(8019)1", "https://id.mudi.example/8018/" + gsrn,
                            "HTTP://shop.example/a/8018/" + gsrn + "?x=1#y",
                            "]Q1https://id.gs1.org/8018/" + gsrn + "/8019/2"}) {
        CAPTURE(raw);
        if (raw == "(8018) " + gsrn)
            CHECK(card_of(raw) == "card.syntax");
        else
            CHECK(card_of(raw) == gsrn);
    }
    const std::string wrong = other_check_digit(gsrn);
    for (const auto& raw :
         {wrong, "8018" + wrong, "(8018)" + wrong, "]C18018" + wrong, "https://a.example/8018/" + wrong}) {
        CAPTURE(raw);
        CHECK(card_of(raw) == "card.check_digit");
    }
}

TEST_CASE("an EAN-13 in the shop's range is a card, any other is a product") {
    CHECK(card_of(shop_card) == shop_card);
    CHECK(card_of("]E0" + shop_card) == shop_card);
    CHECK(card_of("]C0" + shop_card) == shop_card);
    CHECK(card_of(other_check_digit(shop_card)) == "card.check_digit");
    CHECK(card_of("]C0" + other_check_digit(shop_card)) == "card.check_digit");
    CHECK(card_of("8901030865275") == "card.product_code");
    CHECK(card_of("]E08901030865275") == "card.product_code");
    CHECK(card_of("8901030865276") == "card.check_digit");
    CHECK(card_of("]E496385074") == "card.product_code"); // EAN-8
    CHECK(card_of("96385074") == "96385074");             // keyed: eight digits are a usual card number
    CHECK(card_of("(01)09506000134352") == "card.product_code");
    CHECK(card_of("]d20109506000134352") == "card.product_code");
    CHECK(card_of("https://id.gs1.org/01/09506000134352") == "card.product_code");
    // Thirteen digits on a Code 128 card are found again only when they are keyed or scanned without the
    // symbology, too: the shop says so with a range.
    CHECK(card_of("]C08901030865276") == "card.check_digit");
    CHECK(card_of("]C08901030865275") == "card.product_code");
    IdentifierRules rules;
    rules.loyalty_ranges = {{"8901", 13, 13}};
    for (const auto* raw : {"]C08901030865276", "8901030865276"})
        CHECK(card_of(raw, rules) == "8901030865276");
}

TEST_CASE("bank cards are refused in every form") {
    for (const auto* raw :
         {"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005",
          "6011111111111117", "30569309025904", "৪১১১১১১১১১১১১১১১", "]C04111111111111111",
          "%B4111111111111111^DAS/KAMALA^2512101?", ";4111111111111111=2512101?", "VISA4111111111111111",
          "]C14111111111111111", "https://a.example/4111111111111111"}) {
        CAPTURE(raw);
        CHECK(card_of(raw) == "card.bank_card");
    }
    const std::string twelve = with_luhn("50000000001");
    REQUIRE(twelve.size() == 12);
    CHECK(card_of(twelve) == "card.bank_card");
    // Separated as no card is printed: only the normal form shows the number.
    CHECK(card_of("01jn6790000182-233446") == "card.bank_card");
    // Mastercard's second range, from its first number to its last.
    for (const auto* issuer : {"222100", "2223000048400011", "272099"}) {
        const std::string front(issuer);
        const std::string number = with_luhn((front + std::string(15, '0')).substr(0, 15));
        CAPTURE(number);
        CHECK(card_of(number) == "card.bank_card");
        CHECK(card_of("VISA" + number) == "card.bank_card");
        CHECK(contains_bank_card("paid with " + number));
    }
    for (const auto* front : {"222099", "272100"}) {
        const std::string number = with_luhn(front + std::string(9, '0'));
        CHECK(card_of(number) == number);
    }
    CHECK(card_of(with_luhn("22210000000000")) == with_luhn("22210000000000")); // 15 digits
    CHECK(looks_like_bank_card("4111 1111 1111 1111", no_ranges));
    CHECK_FALSE(looks_like_bank_card("4111111111111112", no_ranges));
    CHECK_FALSE(looks_like_bank_card(with_luhn("7000000000"), no_ranges));
    CHECK_FALSE(looks_like_bank_card(with_luhn("4000000000"), no_ranges));          // 11 digits
    CHECK_FALSE(looks_like_bank_card(with_luhn("4000000000000000000"), no_ranges)); // 20 digits
    CHECK(looks_like_bank_card(with_luhn("400000000000000000"), no_ranges));        // 19 digits
}

TEST_CASE("a number in a loyalty range is the shop's own, even where it looks like a bank card or an EAN") {
    IdentifierRules rules;
    rules.loyalty_ranges = {{"637100", 16, 16}, {"042", 13, 13}};
    const std::string ours = with_luhn("637100000000001");
    REQUIRE(looks_like_bank_card(ours, no_ranges));
    CHECK(card_of(ours, rules) == ours);
    CHECK(card_of(";" + ours + "=2512?", rules) == ours);
    CHECK_FALSE(looks_like_bank_card(ours, rules));
    CHECK(card_of(with_luhn("63710000000000"), rules) == "card.bank_card"); // 15 digits: outside the range
    CHECK(card_of("0421234567890", rules) == "0421234567890");
    CHECK(card_of("4111111111111111", rules) == "card.bank_card");
}

TEST_CASE("a GSRN that could be a bank card is taken only by a shop that says so") {
    std::string both;
    for (int i = 0; i < 10'000 && both.empty(); ++i) {
        const std::string candidate = with_gs1("40000000000" + std::to_string(100'000 + i));
        if (passes_luhn(candidate)) both = candidate;
    }
    REQUIRE(both.size() == 18);
    REQUIRE(looks_like_bank_card(both, no_ranges));
    IdentifierRules rules;
    rules.loyalty_ranges = {{"4", 18, 18}};
    for (const std::string& raw : {both, "(8018)" + both, "https://a.example/8018/" + both}) {
        CAPTURE(raw);
        CHECK(card_of(raw) == "card.bank_card");
        CHECK(card_of(raw, rules) == both);
    }
}

TEST_CASE("what a card number is, its normal form is too") {
    // A payment code once its hyphen is gone.
    CHECK(card_of("000201-220000018") == "card.payment_code");
    CHECK(card_of("000201220000018") == "card.payment_code");
    const std::string both = with_gs1("00020122080000000");
    REQUIRE(both.size() == 18);
    CHECK(card_of(both) == "card.payment_code");
    CHECK(card_of("(8018)" + both) == "card.payment_code");
    SeededRandom random(12);
    constexpr std::string_view alphabet = "0000122246789-- ";
    const std::array<std::string, 6> carriers{"", "]C0", "]C18018", "(8018)", ";", "000201"};
    IdentifierRules rules;
    rules.loyalty_ranges = {{"4", 14, 18}};
    std::array<int, 6> taken{};
    for (int i = 0; i < 60'000; ++i) {
        const std::size_t carrier = random.below(carriers.size());
        std::string digits;
        for (auto length = 7 + random.below(13); length > 0; --length)
            digits += alphabet[random.below(alphabet.size())];
        const std::string raw = carriers[carrier] + (random.below(2) == 0 ? digits : with_gs1("89" + digits));
        const auto first = parse_card(raw, rules);
        if (!first) continue;
        CAPTURE(raw);
        REQUIRE(parse_card(first->value, rules).value() == *first);
        REQUIRE_FALSE(looks_like_bank_card(first->value, rules));
        ++taken[carrier];
    }
    for (const int times : taken) CHECK(times > 10);
}

TEST_CASE("a payment code names who is paid and is never taken for a card") {
    for (const auto* raw :
         {"upi://pay?pa=shop@bank&pn=Shop%20One&am=&cu=INR", "UPI://PAY?pa=a@b", "]Q1upi://pay?pa=a@b",
          "00020101021126580014A0000006770101110113006600000000052045411530335654061234565802IN6304ABCD",
          "000201010211", "]Q100020101021126580014A0000006770101110113", "phonepe://pay?pa=a@b"}) {
        CAPTURE(raw);
        CHECK(card_of(raw) == "card.payment_code");
    }
    CHECK(card_of("upi://pay?" + std::string(scan_bytes_max, 'x')) == "card.payment_code");
    CHECK(card_of("0002017") == "0002017"); // begins alike, is no tag-length-value sequence
}

TEST_CASE("what is no card number says why") {
    CHECK(card_of("") == "card.empty");
    CHECK(card_of(" \r\n") == "card.empty");
    CHECK(card_of("]C0") == "card.empty");
    CHECK(card_of("123") == "card.syntax");
    CHECK(card_of("1234") == "1234");
    CHECK(card_of(std::string(card_chars_max, 'A')) == std::string(card_chars_max, 'A'));
    CHECK(card_of(std::string(card_chars_max + 1, 'A')) == "card.syntax");
    CHECK(card_of(std::string(card_chars_max + 1, '9')) == "card.syntax");
    CHECK(card_of(std::string(scan_bytes_max + 1, ' ') + "1234") == "card.empty"); // cut, then blank
    CHECK(card_of("KOL/1042") == "card.syntax");
    CHECK(card_of("কার্ড") == "card.syntax");
    CHECK(card_of("ab\xFF"
                  "cd") == "card.syntax");
    CHECK(card_of("https://shop.example/about") == "card.syntax");
    CHECK(card_of("(8018") == "card.syntax");
    CHECK(card_of("(8018)123") == "card.syntax");
    CHECK(card_of("%?") == "card.syntax");
}

TEST_CASE("Indian mobiles become E.164 from every way of writing them") {
    for (const auto* raw :
         {"9830012345", "98300 12345", "09830012345", "919830012345", "00919830012345", "+91 98300-12345",
          "৯৮৩০০১২৩৪৫", "०९८३००१२३४५", "(+91) 98300.12345", "tel:+919830012345", "\u200E9830012345"}) {
        CAPTURE(raw);
        if (std::string_view(raw).starts_with("\u200E"))
            CHECK(phone_of(raw) == "phone.syntax");
        else
            CHECK(phone_of(raw) == "+919830012345");
    }
    for (const auto* raw : {"", "+", "983001234", "98300123456", "5830012345", "0830012345", "98300a2345",
                            "9830012345/9830012346", "+91983001234", "+913322223333", "008801711123456",
                            "4111111111111111", "+0123456789", "\xFF"}) {
        CAPTURE(raw);
        CHECK(phone_of(raw) == "phone.syntax");
    }
    CHECK(phone_of(std::string(phone_bytes_max, ' ') + "9830012345") == "phone.syntax");
}

TEST_CASE("other countries' phones need a plus, or the shop's own country code") {
    CHECK(phone_of("+880 1711-123456") == "+8801711123456");
    CHECK(phone_of("+1234567") == "phone.syntax");
    CHECK(phone_of("+12345678") == "+12345678");
    CHECK(phone_of("+123456789012345") == "+123456789012345");
    CHECK(phone_of("+1234567890123456") == "phone.syntax");
    IdentifierRules dhaka;
    dhaka.country_code = "880";
    for (const auto* raw :
         {"01711-123456", "1711123456", "8801711123456", "008801711123456", "+8801711123456"}) {
        CAPTURE(raw);
        CHECK(phone_of(raw, dhaka) == "+8801711123456");
    }
}

TEST_CASE("a member code of ours is read back, and nobody else can make one") {
    const SigningKey key = signing_key();
    const Identifier card{IdentifierKind::card, "KOL1042"};
    const std::string for_ever = make_member_code(card, std::nullopt, key.secret);
    REQUIRE(for_ever.starts_with("MUDI1.KOL1042.0."));
    CHECK(parse_qr(for_ever, key.rules, now).value() == card);
    CHECK(parse_qr("]Q1" + for_ever + "\r\n", key.rules, now).value() == card);

    const std::string today = make_member_code(card, now + std::chrono::hours(1), key.secret);
    CHECK(parse_qr(today, key.rules, now).value() == card);
    CHECK(parse_qr(today, key.rules, now + std::chrono::hours(1)).error().name == "qr.expired");
    const std::string first_day = make_member_code(card, Time{}, key.secret);
    CHECK(parse_qr(first_day, key.rules, now).error().name == "qr.expired");

    std::string forged = for_ever;
    forged[6] = 'X';
    CHECK(parse_qr(forged, key.rules, now).error().name == "qr.signature");
    CHECK(parse_qr("MUDI1.KOL1042.0", key.rules, now).error().name == "qr.signature");
    CHECK(parse_qr("MUDI1.", key.rules, now).error().name == "qr.signature");
    CHECK(parse_qr(for_ever, no_ranges, now).error().name == "qr.signature");
    CHECK(parse_qr("4111111111111111", key.rules, now).error().name == "card.bank_card");
    const std::string paid =
        make_member_code({IdentifierKind::card, "4111111111111111"}, std::nullopt, key.secret);
    CHECK(parse_qr(paid, key.rules, now).error().name == "card.bank_card");
    CHECK(parse_qr(shop_card, key.rules, now)->value == shop_card);

    CHECK(make_member_code({IdentifierKind::phone, "+919830012345"}, std::nullopt, key.secret).empty());
    CHECK(make_member_code({IdentifierKind::card, "a.b"}, std::nullopt, key.secret).empty());
    CHECK(make_member_code(card, std::nullopt, "short").empty());
}

TEST_CASE("the hash of an identifier depends on the key, the kind and the value") {
    SeededRandom random(3);
    const Key256 key = random.key256();
    const Identifier card{IdentifierKind::card, "9830012345"};
    CHECK(identifier_hash(key, card) == identifier_hash(key, card));
    CHECK(identifier_hash(key, card) != identifier_hash(key, {IdentifierKind::phone, "9830012345"}));
    CHECK(identifier_hash(key, card) != identifier_hash(key, {IdentifierKind::card, "9830012346"}));
    CHECK(identifier_hash(key, card) != identifier_hash(random.key256(), card));
}

TEST_CASE("no bytes make the parsers fail otherwise than by name") {
    SeededRandom random(11);
    constexpr std::string_view alphabet = "0123456789]CEQd()8018%;=^?MUDI1.+-upi:/ \x1D\xE0\xA7\xA6\xFF";
    for (int i = 0; i < 20'000; ++i) {
        std::string raw;
        for (auto length = random.below(40); length > 0; --length)
            raw += alphabet[random.below(alphabet.size())];
        CAPTURE(raw);
        for (const auto& parsed :
             {parse_card(raw, no_ranges), parse_phone(raw, no_ranges), parse_qr(raw, no_ranges, now)}) {
            if (parsed) {
                REQUIRE_FALSE(parsed->value.empty());
                REQUIRE(parsed->value.size() <= card_chars_max);
            } else {
                REQUIRE(parsed.error().name.find('.') != std::string::npos);
            }
        }
    }
}
