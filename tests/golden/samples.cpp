#include "golden/samples.hpp"

#include <mudi/base/random.hpp>

#include "golden/sample_values.hpp"
#include "unit/sync/random_values.hpp"

namespace mudi::golden {
namespace {

constexpr BusinessDay day{20261121};

Money rupees(std::int64_t paise) { return {paise, inr}; }

crm::BusinessKey key(const char* number) { return {StoreId{"KOL01"}, WorkstationId{"2"}, day, number}; }

crm::LineItem line(std::int32_t number, const char* item, const char* description, const char* category,
                   std::int64_t price, std::int64_t thousandths = 1000) {
    crm::LineItem line;
    line.number = number;
    line.item_id = item;
    line.description = description;
    line.category = category;
    line.unit = thousandths % 1000 == 0 ? "EA" : "KGM";
    line.quantity = Quantity{thousandths};
    line.unit_price = rupees(price);
    line.amount = *extend(*line.unit_price, line.quantity);
    line.tax_rate = BasisPoints{500};
    line.tax = rupees(round_half_even(Wide{line.amount.minor} * 500, 10'500));
    return line;
}

/// Sums up and pays in cash.
crm::RetailTransaction sale(const char* number, std::vector<crm::LineItem> lines) {
    crm::RetailTransaction t;
    t.id = EventId{hash128(std::string("golden ") + number)};
    t.key = key(number);
    t.begin = morning;
    t.end = morning + std::chrono::seconds{95};
    t.currency = inr;
    t.total = t.tax_total = rupees(0);
    for (crm::LineItem& item : lines) {
        t.total.minor += item.amount.minor;
        t.tax_total.minor += item.tax.minor;
    }
    t.lines = std::move(lines);
    t.tenders = {{crm::TenderKind::cash, t.total, ""}};
    return t;
}

crm::RetailTransaction minimal() { return sale("1", {line(1, "8901", "Salt", "", 2'000)}); }

crm::RetailTransaction full() {
    crm::RetailTransaction t =
        sale("W-2/0042", {line(1, "8901030865275", "Tea 250 g", "tea", 14'550, 2'000),
                          line(2, "2000000000015", "Potatoes", "vegetables", 4'000, 1'235)});
    t.lines[0].discounts = {{"Your usual", OfferId{{0x0102030405060708, 0x1112131415161718}}, rupees(1'455)},
                            {"Diwali", std::nullopt, rupees(500)}};
    t.lines[0].amount.minor -= 1'955;
    t.lines[1].goods = false;
    t.lines[1].tax_rate = BasisPoints{0};
    t.lines[1].tax = rupees(0);
    t.total.minor -= 1'955;
    t.member = crm::Member{{crm::IdentifierKind::card, "2900000000018"}, ProfileId{17}};
    t.operator_id = "op12";
    t.host = "odoo17";
    t.redeemed_offers = {OfferId{{0x0102030405060708, 0x1112131415161718}}};
    t.ledger = {
        {crm::LedgerKind::accumulate_points, Points{3}, std::nullopt, RightsHolder{}},
        {crm::LedgerKind::redeem_reward, Points{-40}, HoldId{{7, 9}}, RightsHolder{0xabcd'ef01'2345'6789}}};
    t.tenders = {{crm::TenderKind::loyalty_points, rupees(1'000), ""},
                 {crm::TenderKind::upi, rupees(20'000), "UPI-REF 4711"},
                 {crm::TenderKind::cash, rupees(t.total.minor - 21'000), ""}};
    t.tax_included = false;
    return t;
}

crm::RetailTransaction returned() {
    crm::RetailTransaction t = sale("43", {line(1, "8901030865275", "Tea 250 g", "tea", 14'550)});
    t.kind = crm::TransactionKind::return_;
    t.lines[0].type = crm::LineType::return_;
    t.lines[0].link = crm::LineLink{key("W-2/0042"), 1};
    t.total.minor = -t.total.minor;
    t.tax_total.minor = -t.tax_total.minor;
    t.tenders[0].amount = t.total;
    t.member = crm::Member{{crm::IdentifierKind::phone, "+919830012345"}, std::nullopt};
    t.ledger = {{crm::LedgerKind::reverse_points, Points{-1}, std::nullopt, RightsHolder{}}};
    t.link = key("W-2/0042");
    return t;
}

crm::RetailTransaction voided() {
    crm::RetailTransaction t = sale("44", {});
    t.kind = crm::TransactionKind::post_void;
    t.tenders.clear();
    t.link = key("1");
    return t;
}

crm::RetailTransaction adjusted() {
    crm::RetailTransaction t = sale("45", {line(1, "8901", "Salt", "", 2'000)});
    t.kind = crm::TransactionKind::adjustment;
    t.lines[0].quantity = Quantity{-3'000};
    t.lines[0].unit_price.reset();
    t.lines[0].amount = t.total = rupees(-6'000);
    t.lines[0].tax = t.tax_total = rupees(0);
    t.tenders.clear();
    t.training = true;
    return t;
}

std::vector<crm::RetailTransaction> scripts() {
    std::vector<crm::RetailTransaction> out{
        sale("৪৬", {line(1, "8902", "মুসুর ডাল", "ডাল ও কলাই", 13'000, 2'000),
                    line(2, "8903", "সর্ষের তেল", "তেল", 18'550)}),
        sale("४७", {line(1, "8904", "तूर डाळ", "डाळी", 16'000),
                    line(2, "2000000000022", "कांदे", "भाजी", 3'500, 1'505)}),
        sale("४८", {line(1, "8905", "बासमती चावल", "अनाज", 12'000, 5'000),
                    line(2, "8906", "हल्दी पाउडर", "मसाले", 4'200)})};
    out[0].operator_id = "কমলা";
    out[1].operator_id = "सुनीता";
    out[2].operator_id = "राजेश";
    return out;
}

Sample event_sample(std::string name, const crm::RetailTransaction& t) {
    return {std::move(name), sync::encode(t),
            Json{{"kind", 1}, {"schema", 1}, {"id", to_hex(t.id.value)}, {"body", describe(t)}}};
}

Sample event_sample(std::string name, const crm::SourceRecord& record) {
    return {std::move(name), sync::encode(record),
            Json{{"kind", 2},
                 {"schema", 1},
                 {"id", to_hex(hash128(record.source_key))},
                 {"body", describe(record)}}};
}

Sample event_sample(std::string name, const sync::RightReturned& returned) {
    return {std::move(name), sync::encode(returned),
            Json{{"kind", 3}, {"schema", 1}, {"id", to_hex(hash128(name))}, {"body", describe(returned)}}};
}

crm::SourceRecord person(const char* source_key, const char* name, const char* language) {
    crm::SourceRecord record;
    record.source = "till:7";
    record.source_key = source_key;
    record.name = name;
    record.language = language;
    return record;
}

crm::SourceRecord full_person() {
    crm::SourceRecord record = person("golden-full", "Anjali Kulkarni", "mr");
    record.phone = "+919822012345";
    record.phone_verified = true;
    record.email = "anjali@example.org";
    record.cards = {"2900000000018", "C100200"};
    record.home_store = StoreId{"PUN02"};
    record.birthday = "1987-03-14";
    record.address = "12, Lakshmi Road, Pune";
    record.pincode = "411030";
    record.marketing = crm::Consent::given;
    return record;
}

crm::Offer full_offer() {
    crm::Offer offer;
    offer.id = OfferId{{1, 2}};
    offer.kind = crm::OfferKind::usual_item;
    offer.item_id = "8902";
    offer.category = "ডাল ও কলাই";
    offer.percent = BasisPoints{1'000};
    offer.amount_off = rupees(500);
    offer.basket_min = rupees(10'000);
    offer.discount_max = rupees(2'000);
    offer.valid_from = morning;
    offer.valid_to = morning + std::chrono::hours{24 * 7};
    offer.reason = {"মুসুর ডাল", "ডাল ও কলাই", 14, 20, 9};
    return offer;
}

template <class T>
Sample feed_sample(std::string name, sync::FeedKind kind, const T& value) {
    return {std::move(name), sync::encode(value),
            Json{{"kind", static_cast<int>(kind)}, {"body", describe(value)}}};
}

} // namespace

crm::ProfileSlice full_profile() {
    crm::ProfileSlice slice;
    slice.id = ProfileId{17};
    slice.name = "কমলা দাস";
    slice.language = "bn";
    slice.tier = "silver";
    slice.balance = Points{-12};
    slice.identifiers = {IdentifierHash{hash128("one")}, IdentifierHash{hash128("two")}};
    slice.offers = {full_offer(), full_offer()};
    slice.offers[1].id = OfferId{{3, 4}};
    slice.offers[1].kind = crm::OfferKind::welcome;
    slice.rights = {{RightsHolder{0xabcd'ef01'2345'6789}, Points{100}, Points{20}},
                    {RightsHolder{3}, Points{7}, Points{}}};
    return slice;
}

crm::ProfileSlice minimal_profile() {
    crm::ProfileSlice slice;
    slice.id = ProfileId{1};
    return slice;
}

crm::Product product(const char* item, const char* name, const char* category) {
    return {item, name, category, "EA", rupees(13'000), BasisPoints{500}};
}

crm::StoreSettings full_settings() {
    crm::StoreSettings settings;
    settings.identifier_key.data.fill(9);
    settings.member_code_key.fill(5);
    settings.loyalty.per_point = rupees(5'000);
    settings.loyalty.point_value = rupees(50);
    settings.loyalty.redeem_min = Points{10};
    settings.loyalty.redeem_offline_max = Points{0};
    settings.offline_points = crm::OfflinePoints::floor_limit;
    settings.lead = {TillId{3}, "tls+tcp://192.0.2.7:7444"};
    return settings;
}

std::vector<Sample> event_samples() {
    std::vector<Sample> out{
        event_sample("sale_minimal", minimal()),    event_sample("sale_full", full()),
        event_sample("return", returned()),         event_sample("post_void", voided()),
        event_sample("adjustment", adjusted()),     event_sample("sale_bengali", scripts()[0]),
        event_sample("sale_marathi", scripts()[1]), event_sample("sale_hindi", scripts()[2])};
    SeededRandom random{11};
    for (int i = 1; i <= 4; ++i)
        out.push_back(event_sample("sale_random_" + std::to_string(i), test::random_transaction(random)));
    out.push_back(event_sample("right_returned_part",
                               sync::RightReturned{ProfileId{17}, RightsHolder{}, std::nullopt, Points{1}}));
    out.push_back(event_sample(
        "right_returned_hold",
        sync::RightReturned{ProfileId{17}, RightsHolder{0xabcd'ef01'2345'6789}, HoldId{{7, 9}}, Points{40}}));
    out.push_back(event_sample("person_minimal", person("golden-minimal", "", "")));
    out.push_back(event_sample("person_full", full_person()));
    out.push_back(event_sample("person_bengali", person("golden-bn", "মৌসুমী বন্দ্যোপাধ্যায়", "bn")));
    out.push_back(event_sample("person_marathi", person("golden-mr", "ज्ञानेश्वर कुलकर्णी", "mr")));
    out.push_back(event_sample("person_hindi", person("golden-hi", "श्रीमती उर्मिला मिश्रा", "hi")));
    return out;
}

std::vector<Sample> feed_samples() {
    using sync::FeedKind;
    std::vector<Sample> out{feed_sample("profile_minimal", FeedKind::profile, minimal_profile()),
                            feed_sample("profile_full", FeedKind::profile, full_profile())};
    SeededRandom random{12};
    for (int i = 1; i <= 2; ++i)
        out.push_back(feed_sample("profile_random_" + std::to_string(i), FeedKind::profile,
                                  test::random_profile(random)));
    out.push_back(feed_sample("product_minimal", FeedKind::product, crm::Product{}));
    out.push_back(
        feed_sample("product_bengali", FeedKind::product, product("8902", "মুসুর ডাল", "ডাল ও কলাই")));
    out.push_back(feed_sample("product_marathi", FeedKind::product, product("8904", "तूर डाळ", "डाळी")));
    out.push_back(feed_sample("product_hindi", FeedKind::product, product("8905", "बासमती चावल", "अनाज")));
    out.push_back(feed_sample("settings_usual", FeedKind::settings, crm::StoreSettings{}));
    out.push_back(feed_sample("settings_full", FeedKind::settings, full_settings()));
    return out;
}

} // namespace mudi::golden
