#include <algorithm>

#include <mudi.pb.h>

#include <mudi/sync/event.hpp>

#include "codec.hpp"

namespace mudi::sync {
namespace {

constexpr std::int64_t id_max = INT64_MAX;
constexpr int cards_max = 100;
constexpr std::size_t identifiers_max = 1000;
constexpr int offers_max = 1000;
constexpr int rights_max = 1000;
constexpr std::int32_t count_max = 10'000'000;

void write(Money money, wire::Money& out) {
    out.set_minor(money.minor);
    out.set_currency(money.currency.number);
}

Money read(const wire::Money& in, Checker& check, const char* field) {
    return check.money(in.minor(), check.currency(in.currency(), field), field);
}

void write(const crm::Offer& offer, wire::Offer& out) {
    out.set_id(to_bytes(offer.id.value).data);
    out.set_kind(static_cast<std::uint32_t>(offer.kind));
    out.set_item_id(offer.item_id);
    out.set_category(offer.category);
    out.set_percent(offer.percent.value);
    if (offer.amount_off != Money{}) write(offer.amount_off, *out.mutable_amount_off());
    if (offer.basket_min != Money{}) write(offer.basket_min, *out.mutable_basket_min());
    if (offer.discount_max != Money{}) write(offer.discount_max, *out.mutable_discount_max());
    out.set_valid_from(to_ms(offer.valid_from));
    out.set_valid_to(to_ms(offer.valid_to));
    if (offer.reason == crm::OfferReason{}) return;
    wire::OfferReason& reason = *out.mutable_reason();
    reason.set_item(offer.reason.item);
    reason.set_category(offer.reason.category);
    reason.set_days_usual(offer.reason.days_usual);
    reason.set_days_since(offer.reason.days_since);
    reason.set_times(offer.reason.times);
}

crm::Offer read(const wire::Offer& in, Checker& check) {
    crm::Offer offer;
    offer.id = OfferId{check.bits(in.id(), "offer.id")};
    offer.kind =
        check.enumeration(in.kind(), 0, crm::OfferKind::usual_item, crm::OfferKind::welcome, "offer.kind");
    offer.item_id = check.text(in.item_id(), long_text_bytes_max, "offer.item");
    offer.category = check.text(in.category(), long_text_bytes_max, "offer.category");
    offer.percent.value = check.range(in.percent(), 0, 10'000, "offer.percent");
    offer.amount_off = read(in.amount_off(), check, "offer.amount_off");
    offer.basket_min = read(in.basket_min(), check, "offer.basket_min");
    offer.discount_max = read(in.discount_max(), check, "offer.discount_max");
    offer.valid_from = check.time(in.valid_from(), "offer.valid_from");
    offer.valid_to = check.time(in.valid_to(), "offer.valid_to");
    offer.reason.item = check.text(in.reason().item(), long_text_bytes_max, "reason.item");
    offer.reason.category = check.text(in.reason().category(), long_text_bytes_max, "reason.category");
    offer.reason.days_usual = check.range(in.reason().days_usual(), 0, count_max, "reason.days_usual");
    offer.reason.days_since = check.range(in.reason().days_since(), 0, count_max, "reason.days_since");
    offer.reason.times = check.range(in.reason().times(), 0, count_max, "reason.times");
    return offer;
}

template <class Message>
bool parse(Message& message, std::string_view body) {
    return body.size() <= event_body_bytes_max &&
           message.ParseFromArray(body.data(), static_cast<int>(body.size()));
}

tl::unexpected<Error> feed_corrupt(const char* what) {
    return fail(Code::corrupt, "feed.corrupt", std::string("out of range: ") + what);
}

} // namespace

BusinessDay Checker::day(std::uint32_t yyyymmdd, const char* field) {
    const auto year = std::chrono::year{static_cast<int>(yyyymmdd / 10'000 % 1'000'000)};
    const std::chrono::year_month_day date{year, std::chrono::month{yyyymmdd / 100 % 100},
                                           std::chrono::day{yyyymmdd % 100}};
    if (yyyymmdd > 99'991'231 || !date.ok()) return fault(field), BusinessDay{};
    return BusinessDay{static_cast<std::int32_t>(yyyymmdd)};
}

std::string encode(const crm::SourceRecord& record) {
    wire::SourceRecord out;
    out.set_source(record.source);
    out.set_source_key(record.source_key);
    out.set_name(record.name);
    out.set_language(record.language);
    out.set_phone(record.phone);
    out.set_phone_verified(record.phone_verified);
    out.set_email(record.email);
    for (const std::string& card : record.cards) out.add_cards(card);
    out.set_home_store(record.home_store.value);
    out.set_birthday(record.birthday);
    out.set_address(record.address);
    out.set_pincode(record.pincode);
    out.set_marketing(static_cast<std::uint32_t>(record.marketing));
    return out.SerializeAsString();
}

Result<crm::SourceRecord> decode_source_record(std::string_view body) {
    wire::SourceRecord in;
    if (!parse(in, body)) return fail(Code::corrupt, "event.corrupt", "the body is no source record");
    Checker check;
    crm::SourceRecord record;
    record.source = check.text(in.source(), long_text_bytes_max, "source");
    record.source_key = check.text(in.source_key(), long_text_bytes_max, "source_key");
    record.name = check.text(in.name(), long_text_bytes_max, "name");
    record.language = check.text(in.language(), word_bytes_max, "language");
    record.phone = check.text(in.phone(), word_bytes_max, "phone");
    record.phone_verified = in.phone_verified();
    record.email = check.text(in.email(), long_text_bytes_max, "email");
    check.require(in.cards_size() <= cards_max, "cards");
    for (int i = 0; i < in.cards_size() && check.fault() == nullptr; ++i) {
        record.cards.push_back(check.text(in.cards(i), word_bytes_max, "cards"));
    }
    record.home_store.value = check.text(in.home_store(), word_bytes_max, "home_store");
    record.birthday = check.text(in.birthday(), word_bytes_max, "birthday");
    record.address = check.text(in.address(), long_text_bytes_max, "address");
    record.pincode = check.text(in.pincode(), word_bytes_max, "pincode");
    record.marketing =
        check.enumeration(in.marketing(), 0, crm::Consent::unknown, crm::Consent::refused, "marketing");
    if (check.fault() != nullptr) {
        return fail(Code::corrupt, "event.corrupt", std::string("out of range: ") + check.fault());
    }
    return record;
}

std::string encode(const RightReturned& returned) {
    wire::RightReturned out;
    out.set_profile(returned.profile.value);
    out.set_lender(returned.lender.value);
    if (returned.hold) out.set_hold(to_bytes(returned.hold->value).data);
    out.set_points(returned.points.value);
    return out.SerializeAsString();
}

Result<RightReturned> decode_right_returned(std::string_view body) {
    wire::RightReturned in;
    if (!parse(in, body)) return fail(Code::corrupt, "event.corrupt", "the body is no returned right");
    Checker check;
    RightReturned returned;
    returned.profile.value = check.range(in.profile(), 1, id_max, "profile");
    returned.lender.value = in.lender();
    if (!in.hold().empty()) returned.hold = HoldId{check.bits(in.hold(), "hold")};
    returned.points.value = check.range(in.points(), 1, points_max, "points");
    if (check.fault() != nullptr) {
        return fail(Code::corrupt, "event.corrupt", std::string("out of range: ") + check.fault());
    }
    return returned;
}

std::string encode(const crm::ProfileSlice& slice) {
    wire::ProfileSlice out;
    out.set_id(slice.id.value);
    out.set_name(slice.name);
    out.set_language(slice.language);
    out.set_tier(slice.tier);
    out.set_balance(slice.balance.value);
    for (const IdentifierHash& hash : slice.identifiers) append_bits(*out.mutable_identifiers(), hash.value);
    for (const crm::Offer& offer : slice.offers) write(offer, *out.add_offers());
    for (const crm::Right& right : slice.rights) {
        wire::Right& to = *out.add_rights();
        to.set_holder(right.holder.value);
        to.set_granted(right.granted.value);
        to.set_recalled(right.recalled.value);
    }
    return out.SerializeAsString();
}

Result<crm::ProfileSlice> decode_profile(std::string_view body) {
    wire::ProfileSlice in;
    if (!parse(in, body)) return fail(Code::corrupt, "feed.corrupt", "the body is no profile");
    Checker check;
    crm::ProfileSlice slice;
    slice.id.value = check.range(in.id(), 1, id_max, "id");
    slice.name = check.text(in.name(), long_text_bytes_max, "name");
    slice.language = check.text(in.language(), word_bytes_max, "language");
    slice.tier = check.text(in.tier(), word_bytes_max, "tier");
    slice.balance.value = check.range(in.balance(), -points_max, points_max, "balance");
    const std::string_view identifiers = in.identifiers();
    check.require(identifiers.size() % 16 == 0 && identifiers.size() <= 16 * identifiers_max, "identifiers");
    check.require(in.offers_size() <= offers_max, "offers");
    check.require(in.rights_size() <= rights_max, "rights");
    if (check.fault() != nullptr) return feed_corrupt(check.fault());
    for (std::size_t at = 0; at < identifiers.size(); at += 16) {
        slice.identifiers.push_back(IdentifierHash{*bits128_from_bytes(identifiers.substr(at, 16))});
    }
    for (const wire::Offer& offer : in.offers()) slice.offers.push_back(read(offer, check));
    for (const wire::Right& right : in.rights()) {
        slice.rights.push_back({RightsHolder{right.holder()},
                                Points{check.range(right.granted(), 0, points_max, "right.granted")},
                                Points{check.range(right.recalled(), 0, points_max, "right.recalled")}});
    }
    if (check.fault() != nullptr) return feed_corrupt(check.fault());
    return slice;
}

std::string encode(const crm::Product& product) {
    wire::Product out;
    out.set_item_id(product.item_id);
    out.set_name(product.name);
    out.set_category(product.category);
    out.set_unit(product.unit);
    write(product.price, *out.mutable_price());
    out.set_tax_rate(product.tax_rate.value);
    return out.SerializeAsString();
}

Result<crm::Product> decode_product(std::string_view body) {
    wire::Product in;
    if (!parse(in, body)) return fail(Code::corrupt, "feed.corrupt", "the body is no product");
    Checker check;
    crm::Product product;
    product.item_id = check.text(in.item_id(), long_text_bytes_max, "item_id");
    product.name = check.text(in.name(), long_text_bytes_max, "name");
    product.category = check.text(in.category(), long_text_bytes_max, "category");
    product.unit = check.text(in.unit(), word_bytes_max, "unit");
    product.price = read(in.price(), check, "price");
    product.tax_rate.value = check.range(in.tax_rate(), 0, 1'000'000, "tax_rate");
    if (check.fault() != nullptr) return feed_corrupt(check.fault());
    return product;
}

std::string encode(const crm::StoreSettings& settings) {
    wire::StoreSettings out;
    out.set_identifier_key(std::string(view(settings.identifier_key)));
    out.set_member_code_key(std::string(settings.member_code_key.begin(), settings.member_code_key.end()));
    write(settings.loyalty.per_point, *out.mutable_per_point());
    write(settings.loyalty.point_value, *out.mutable_point_value());
    out.set_redeem_min(settings.loyalty.redeem_min.value);
    out.set_redeem_offline_max(settings.loyalty.redeem_offline_max.value);
    out.set_offline_points(static_cast<std::uint32_t>(settings.offline_points) - 1);
    if (settings.lead != crm::LeadTill{}) {
        out.mutable_lead()->set_till(settings.lead.till.value);
        out.mutable_lead()->set_url(settings.lead.url);
    }
    return out.SerializeAsString();
}

Result<crm::StoreSettings> decode_settings(std::string_view body) {
    wire::StoreSettings in;
    if (!parse(in, body)) return fail(Code::corrupt, "feed.corrupt", "the body is no store settings");
    crm::StoreSettings settings;
    const auto identifier_key = key256_from_bytes(in.identifier_key());
    const auto member_code_key = key256_from_bytes(in.member_code_key());
    if (!identifier_key || !member_code_key) return feed_corrupt("keys");
    settings.identifier_key = *identifier_key;
    settings.member_code_key = member_code_key->data;
    Checker check;
    settings.loyalty.per_point = read(in.per_point(), check, "per_point");
    settings.loyalty.point_value = read(in.point_value(), check, "point_value");
    settings.loyalty.redeem_min.value = check.range(in.redeem_min(), 0, points_max, "redeem_min");
    settings.loyalty.redeem_offline_max.value =
        check.range(in.redeem_offline_max(), 0, points_max, "redeem_offline_max");
    settings.offline_points = check.enumeration(in.offline_points(), 1, crm::OfflinePoints::escrow,
                                                crm::OfflinePoints::floor_limit, "offline_points");
    settings.lead.till.value = check.range(in.lead().till(), 0, id_max, "lead.till");
    settings.lead.url = check.text(in.lead().url(), long_text_bytes_max, "lead.url");
    if (check.fault() != nullptr) return feed_corrupt(check.fault());
    return settings;
}

} // namespace mudi::sync
