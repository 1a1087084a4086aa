#include <catch2/catch.hpp>

#include <set>

#include <mudi/base/text.hpp>
#include <mudi/crm/offers.hpp>

#include "builders.hpp"
#include "crm/offers/texts.hpp"

using namespace mudi;
using namespace mudi::crm;
using namespace mudi::crm::build;

namespace {

Offer usual() {
    Offer offer;
    offer.kind = OfferKind::usual_item;
    offer.item_id = "8901";
    offer.percent = {1000};
    offer.reason = {"Basmati 1 kg", "", 7, 10, 5};
    return offer;
}
Offer welcome() {
    Offer offer;
    offer.kind = OfferKind::welcome;
    offer.amount_off = rupees(50);
    offer.basket_min = rupees(500);
    return offer;
}

// Every name a refusal can have; the headers list them.
const std::vector<std::string> error_names{"sale.kind",
                                           "sale.number",
                                           "sale.text",
                                           "sale.currency",
                                           "sale.times",
                                           "sale.empty",
                                           "sale.too_many_lines",
                                           "sale.too_many_tenders",
                                           "sale.rewards",
                                           "sale.link",
                                           "sale.total_mismatch",
                                           "sale.tax_mismatch",
                                           "sale.tender_mismatch",
                                           "line.type",
                                           "line.number",
                                           "line.item",
                                           "line.quantity",
                                           "line.amount_negative",
                                           "line.amount_mismatch",
                                           "line.discount",
                                           "line.tax",
                                           "tender.kind",
                                           "tender.amount",
                                           "tender.reference",
                                           "money.overflow",
                                           "money.currency_mismatch",
                                           "return.quantity",
                                           "return.amount",
                                           "return.line",
                                           "return.item",
                                           "return.unknown_original",
                                           "card.empty",
                                           "card.syntax",
                                           "card.bank_card",
                                           "card.check_digit",
                                           "card.payment_code",
                                           "card.product_code",
                                           "phone.syntax",
                                           "qr.signature",
                                           "qr.expired",
                                           "redeem.minimum",
                                           "redeem.balance",
                                           "redeem.closed",
                                           "redeem.customer",
                                           "redeem.held",
                                           "hold.expired",
                                           "void.already",
                                           "tender.unknown",
                                           "offer.unknown",
                                           "offer.expired",
                                           "offer.not_yet",
                                           "offer.basket_min",
                                           "offer.no_matching_line",
                                           "offer.currency",
                                           "customer.unknown",
                                           "txn.unknown",
                                           "txn.completed",
                                           "sale.conflict",
                                           "server.unreachable",
                                           "till.disk_pressure",
                                           "tender.points_back",
                                           "txn.training",
                                           "txn.too_many",
                                           "sale.too_large",
                                           "hold.unknown",
                                           "hold.missing",
                                           "hold.amount",
                                           "hold.customer",
                                           "redeem.offline_cap",
                                           "redeem.offline",
                                           "redeem.called_back",
                                           "redeem.training",
                                           "void.unknown",
                                           "void.returned",
                                           "return.voided",
                                           "return.training",
                                           "join.name",
                                           "join.identifier",
                                           "join.text",
                                           "offer.not_applicable",
                                           "json",
                                           "pair",
                                           "idempotency",
                                           "http"};

} // namespace

TEST_CASE("titles and reasons are sentences in the customer's language") {
    CHECK(offer_title(usual(), "en") == "10% off Basmati 1 kg");
    CHECK(offer_reason(usual(), "en") ==
          "You usually buy Basmati 1 kg every 7 days; the last time was 10 days ago.");
    CHECK(offer_title(usual(), "bn") == "Basmati 1 kg-এ ১০% ছাড়");
    CHECK(offer_reason(usual(), "bn") ==
          "আপনি সাধারণত ৭ দিন পরপর Basmati 1 kg কেনেন; শেষবার কিনেছেন ১০ দিন আগে।");
    CHECK(offer_title(usual(), "mr") == "Basmati 1 kg वर १०% सूट");
    CHECK(offer_reason(usual(), "mr") ==
          "तुम्ही साधारणपणे दर ७ दिवसांनी Basmati 1 kg घेता; मागची खरेदी १० दिवसांपूर्वी झाली होती.");
    CHECK(offer_title(usual(), "hi") == "Basmati 1 kg पर 10% की छूट");
    CHECK(offer_reason(usual(), "hi") ==
          "आम तौर पर आपकी Basmati 1 kg की ख़रीद हर 7 दिन में होती है; पिछली बार 10 दिन पहले हुई थी।");
    CHECK(offer_title(welcome(), "en") == "₹50 off your shopping on a bill of ₹500 or more");
    CHECK(offer_title(welcome(), "bn") == "কেনাকাটায় ₹৫০ ছাড় (₹৫০০ বা তার বেশি বিলে)");
    CHECK(offer_title(welcome(), "hi") == "ख़रीदारी पर ₹50 की छूट (₹500 या उससे ज़्यादा के बिल पर)");
}

TEST_CASE("titles follow what the offer gives, not its kind") {
    Offer offer = usual();
    offer.percent = {750};
    CHECK(offer_title(offer, "en") == "7.5% off Basmati 1 kg");
    offer.percent = {725};
    offer.item_id.clear();
    offer.category = "Tea";
    CHECK(offer_title(offer, "en") == "7.25% off everything from Tea");
    offer.category.clear();
    CHECK(offer_title(offer, "en") == "7.25% off your shopping");
    offer.percent = {0};
    offer.amount_off = paise(12'345'650);
    CHECK(offer_title(offer, "en") == "₹1,23,456.50 off your shopping");
    CHECK(offer_title(offer, "mr") == "खरेदीवर ₹१,२३,४५६.५० सूट");
    offer.amount_off = {123'456'700, Currency{840}};
    offer.category = "Tea";
    CHECK(offer_title(offer, "en") == "$1,234,567 off Tea");
    offer.amount_off = {5000, Currency{392}};
    CHECK(offer_title(offer, "en") == "JPY 5,000 off Tea");
}

TEST_CASE("single days and missing facts still read well") {
    Offer offer = usual();
    offer.reason.days_usual = 1;
    offer.reason.days_since = 1;
    CHECK(offer_reason(offer, "en") ==
          "You usually buy Basmati 1 kg every day; the last time was yesterday.");
    offer.reason.days_since = 0;
    CHECK(offer_reason(offer, "en") == "You usually buy Basmati 1 kg every day; the last time was today.");
    offer.reason.days_usual = 0;
    CHECK(offer_reason(offer, "en") == "You often buy Basmati 1 kg.");
    offer.reason = {};
    offer.item_id.clear();
    CHECK(offer_reason(offer, "en") == "Chosen for you.");
    offer.kind = OfferKind::favourite_category;
    offer.category = "Tea";
    CHECK(offer_reason(offer, "en") == "You often buy from Tea.");
}

TEST_CASE("a greeting names the customer, whatever the name is") {
    CHECK(greeting("Kamala Das", "en") == "Hello, Kamala Das!");
    CHECK(greeting("কমলা দাস", "bn-IN") == "স্বাগতম, কমলা দাস!");
    CHECK(greeting("संजय", "mr_IN") == "नमस्कार, संजय!");
    CHECK(greeting("संजय", "HI") == "नमस्ते, संजय जी!");
    CHECK(greeting("", "en") == "Hello!");
    CHECK(greeting("{name}", "en") == "Hello, {name}!");
    CHECK(greeting("Kamala", "ta") == "Hello, Kamala!");
}

TEST_CASE("every refusal has a text of its own in all four languages") {
    for (const auto* language : {"en", "bn", "mr", "hi"}) {
        std::set<std::string> seen;
        for (const std::string& name : error_names) {
            CAPTURE(language, name);
            const std::string text = error_text(name, language, "?");
            CHECK(text != "?");
            CHECK(is_utf8(text));
            CHECK(seen.insert(text).second);
            if (std::string_view(language) != "en") CHECK(text != error_text(name, "en", "?"));
        }
    }
    CHECK(error_text("card.syntax", "ta", "?") == error_text("card.syntax", "en", "?"));
    CHECK(error_text("no.such_name", "bn", "as it was") == "as it was");
}

TEST_CASE("a fault of the POS program has one text for its whole family") {
    CHECK(error_text("json.type", "bn", "a number with a fraction") == error_text("json", "bn", ""));
    CHECK(error_text("json.type", "bn", "") != error_text("json.type", "hi", ""));
    CHECK(error_text("nobody.knows", "bn", "the English sentence") == "the English sentence");
}

TEST_CASE("no language has texts the others lack") {
    for (const Texts* texts : {&texts_bn(), &texts_mr(), &texts_hi(), &texts_en()})
        CHECK(texts->errors.size() == error_names.size());
}
