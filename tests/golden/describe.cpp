#include "golden/describe.hpp"

#include <string_view>
#include <variant>

namespace mudi::golden {
namespace {

/// Leaves defaults out.
class Words {
public:
    Words& number(const char* name, std::int64_t value) {
        if (value != 0) json_[name] = value;
        return *this;
    }
    Words& bits(const char* name, std::uint64_t value) {
        if (value != 0) json_[name] = to_hex(Bits128{0, value}).substr(16);
        return *this;
    }
    Words& bits(const char* name, Bits128 value) {
        if (!value.is_zero()) json_[name] = to_hex(value);
        return *this;
    }
    Words& text(const char* name, std::string_view value) {
        if (!value.empty()) json_[name] = value;
        return *this;
    }
    Words& bytes(const char* name, std::string_view value) {
        if (!value.empty()) json_[name] = to_hex(value);
        return *this;
    }
    Words& flag(const char* name, bool value) {
        if (value) json_[name] = true;
        return *this;
    }
    Words& time(const char* name, Time value) { return number(name, to_ms(value)); }
    /// Said even when it is 0: that it is there means something.
    Words& always(const char* name, Json value) {
        json_[name] = std::move(value);
        return *this;
    }
    Words& money(const char* name, Money value) {
        if (value.minor != 0)
            json_[name] = std::to_string(value.minor) + " " + std::to_string(value.currency.number);
        return *this;
    }
    template <class List, class Word>
    Words& list(const char* name, const List& values, Word word) {
        if (values.empty()) return *this;
        Json& out = json_[name] = Json::array();
        for (const auto& value : values) out.push_back(word(value));
        return *this;
    }
    [[nodiscard]] Json json() const { return json_; }

private:
    Json json_ = Json::object();
};

template <class Enum>
std::int64_t ordinal(Enum value) {
    return static_cast<std::int64_t>(value);
}

Json key_words(const crm::BusinessKey& key) {
    return Words{}
        .text("store", key.store.value)
        .text("workstation", key.workstation.value)
        .number("day", key.day.yyyymmdd)
        .text("number", key.number)
        .json();
}

Json discount_words(const crm::Discount& discount) {
    Words words;
    words.text("promotion", discount.promotion).number("amount", discount.amount.minor);
    if (discount.offer) words.always("offer", to_hex(discount.offer->value));
    return words.json();
}

Json line_words(const crm::LineItem& line) {
    Words words;
    words.number("number", line.number)
        .number("type", ordinal(line.type))
        .text("item_id", line.item_id)
        .text("description", line.description)
        .text("category", line.category)
        .text("unit", line.unit)
        .number("quantity", line.quantity.thousandths)
        .number("amount", line.amount.minor)
        .number("tax_rate", line.tax_rate.value)
        .number("tax", line.tax.minor)
        .list("discounts", line.discounts, discount_words)
        .flag("no_goods", !line.goods);
    if (line.unit_price) words.always("unit_price", line.unit_price->minor);
    if (line.link) words.always("link", key_words(line.link->original)).always("link_line", line.link->line);
    return words.json();
}

Json tender_words(const crm::Tender& tender) {
    return Words{}
        .number("kind", ordinal(tender.kind))
        .number("amount", tender.amount.minor)
        .text("reference", tender.reference)
        .json();
}

Json ledger_words(const crm::LedgerEntry& entry) {
    Words words;
    words.number("kind", ordinal(entry.kind)).number("points", entry.points.value);
    if (entry.hold) words.always("hold", to_hex(entry.hold->value));
    return words.bits("lender", entry.lender.value).json();
}

Json offer_words(const crm::Offer& offer) {
    return Words{}
        .bits("id", offer.id.value)
        .number("kind", ordinal(offer.kind))
        .text("item_id", offer.item_id)
        .text("category", offer.category)
        .number("percent", offer.percent.value)
        .money("amount_off", offer.amount_off)
        .money("basket_min", offer.basket_min)
        .money("discount_max", offer.discount_max)
        .time("valid_from", offer.valid_from)
        .time("valid_to", offer.valid_to)
        .text("reason_item", offer.reason.item)
        .text("reason_category", offer.reason.category)
        .number("days_usual", offer.reason.days_usual)
        .number("days_since", offer.reason.days_since)
        .number("times", offer.reason.times)
        .json();
}

Json right_words(const crm::Right& right) {
    return Words{}
        .bits("holder", right.holder.value)
        .number("granted", right.granted.value)
        .number("recalled", right.recalled.value)
        .json();
}

Json body_words(const sync::Event& event) {
    const auto decoded = sync::decode(event);
    if (!decoded) return to_hex(event.body);
    return std::visit([](const auto& value) { return describe(value); }, *decoded);
}

Json row_body(const sync::FeedRow& row) {
    const auto words = [&](const auto& decoded) -> Json {
        return decoded ? describe(*decoded) : Json(to_hex(row.body));
    };
    switch (static_cast<sync::FeedKind>(row.kind)) {
    case sync::FeedKind::profile: return words(sync::decode_profile(row.body));
    case sync::FeedKind::product: return words(sync::decode_product(row.body));
    case sync::FeedKind::settings: return words(sync::decode_settings(row.body));
    }
    return to_hex(row.body);
}

Json frame_words(const sync::HelloFrame& frame) {
    const sync::TillHello& hello = frame.hello;
    return Words{}
        .text("frame", "hello")
        .number("till", hello.till.value)
        .text("store", hello.store.value)
        .text("workstation", hello.workstation.value)
        .bits("incarnation", hello.incarnation.value)
        .number("last", hello.last.value)
        .time("wall", hello.wall)
        .number("schema", hello.schema)
        .number("acked", hello.acked.value)
        .bits("ack_generation", hello.ack_generation)
        .bits("cursor_generation", hello.cursor.generation)
        .number("cursor_version", hello.cursor.version)
        .text("version", hello.version)
        .text("certificate_request", hello.certificate_request)
        .bits("holder", hello.holder.value)
        .bits("machine", hello.machine)
        .text("lead_url", hello.lead_url)
        .flag("takes_challenge", frame.takes_challenge)
        .bytes("signature", frame.signature)
        .json();
}

Json frame_words(const sync::PushedBatch& batch) {
    return Words{}
        .text("frame", "push")
        .number("till", batch.till.value)
        .bits("incarnation", batch.incarnation.value)
        .bits("chain_before", batch.chain_before)
        .list("events", batch.events, [](const sync::Event& event) { return describe(event); })
        .json();
}

Json frame_words(const sync::Pull& pull) {
    return Words{}
        .text("frame", "pull")
        .number("till", pull.till.value)
        .text("store", pull.store.value)
        .bits("generation", pull.cursor.generation)
        .number("version", pull.cursor.version)
        .number("wait_ms", pull.wait.count())
        .number("bytes_max", pull.bytes_max)
        .bits("dictionary", pull.dictionary)
        .number("ask", ordinal(pull.ask))
        .number("parts", pull.parts)
        .number("part", pull.part)
        .json();
}

Json frame_words(const sync::HelloAnswer& answer) {
    return Words{}
        .text("frame", "hello_answer")
        .bits("generation", answer.generation)
        .number("seq", answer.mark.seq.value)
        .bits("chain", answer.mark.chain)
        .time("wall", answer.wall)
        .number("schema", answer.schema)
        .number("events_max", answer.events_max)
        .number("bytes_max", answer.bytes_max)
        .bits("dictionary", answer.dictionary)
        .number("safe", answer.safe.value)
        .number("arrival", answer.arrival)
        .text("certificate", answer.certificate)
        .json();
}

Json frame_words(const sync::PushAnswer& answer) {
    return Words{}
        .text("frame", "push_answer")
        .bits("generation", answer.generation)
        .number("seq", answer.mark.seq.value)
        .bits("chain", answer.mark.chain)
        .number("not_before_ms", answer.not_before.count())
        .number("safe", answer.safe.value)
        .number("arrival", answer.arrival)
        .json();
}

Json frame_words(const sync::PullAnswer& answer) {
    return Words{}
        .text("frame", "pull_answer")
        .bits("generation", answer.cursor.generation)
        .number("version", answer.cursor.version)
        .flag("replace", answer.replace)
        .flag("complete", answer.complete)
        .list("manifest", answer.manifest.digests,
              [](std::uint64_t digest) {
                  return to_hex(Bits128{0, digest}).substr(16);
              })
        .number("parts", answer.parts)
        .number("part", answer.part)
        .bits("part_digest", answer.part_digest)
        .list("rows", answer.rows, [](const sync::FeedRow& row) { return describe(row); })
        .number("learned_number", answer.learned_number)
        .bits("learned", answer.learned.empty() ? Bits128{} : hash128(answer.learned))
        .json();
}

Json frame_words(const sync::Reserve& reserve) {
    return Words{}
        .text("frame", "reserve")
        .number("till", reserve.till.value)
        .bits("hold", reserve.hold.value)
        .number("profile", reserve.profile.value)
        .number("points", reserve.points.value)
        .json();
}

Json frame_words(const sync::ReserveAnswer& answer) {
    return Words{}
        .text("frame", "reserve_answer")
        .flag("granted", answer.granted)
        .bits("lender", answer.lender.value)
        .number("available", answer.available.value)
        .number("again_after_ms", answer.again_after.count())
        .json();
}

Json frame_words(const sync::Challenge& challenge) {
    return Words{}.text("frame", "challenge").bits("nonce", challenge.nonce).json();
}

Json frame_words(const sync::Refusal& refusal) {
    return Words{}
        .text("frame", "refusal")
        .text("name", refusal.name)
        .text("text", refusal.text)
        .number("retry_after_ms", refusal.retry_after.count())
        .json();
}

} // namespace

Json describe(const crm::RetailTransaction& t) {
    Words words;
    words.bits("id", t.id.value)
        .number("kind", ordinal(t.kind))
        .always("key", key_words(t.key))
        .time("begin", t.begin)
        .time("end", t.end)
        .text("operator", t.operator_id)
        .number("currency", t.currency.number)
        .list("lines", t.lines, line_words)
        .list("tenders", t.tenders, tender_words)
        .list("redeemed_offers", t.redeemed_offers, [](OfferId offer) { return to_hex(offer.value); })
        .list("ledger", t.ledger, ledger_words)
        .number("total", t.total.minor)
        .number("tax_total", t.tax_total.minor)
        .flag("tax_excluded", !t.tax_included)
        .flag("training", t.training)
        .text("host", t.host);
    if (t.member) {
        Words member;
        member.number("identifier_kind", ordinal(t.member->identifier.kind))
            .text("identifier", t.member->identifier.value);
        if (t.member->profile) member.always("profile", t.member->profile->value);
        words.always("member", member.json());
    }
    if (t.link) words.always("link", key_words(*t.link));
    return words.json();
}

Json describe(const crm::SourceRecord& record) {
    return Words{}
        .text("source", record.source)
        .text("source_key", record.source_key)
        .text("name", record.name)
        .text("language", record.language)
        .text("phone", record.phone)
        .flag("phone_verified", record.phone_verified)
        .text("email", record.email)
        .list("cards", record.cards, [](const std::string& card) { return card; })
        .text("home_store", record.home_store.value)
        .text("birthday", record.birthday)
        .text("address", record.address)
        .text("pincode", record.pincode)
        .number("marketing", ordinal(record.marketing))
        .json();
}

Json describe(const sync::RightReturned& returned) {
    Words words;
    words.number("profile", returned.profile.value)
        .bits("lender", returned.lender.value)
        .number("points", returned.points.value);
    if (returned.hold) words.always("hold", to_hex(returned.hold->value));
    return words.json();
}

Json describe(const crm::ProfileSlice& slice) {
    return Words{}
        .number("id", slice.id.value)
        .text("name", slice.name)
        .text("language", slice.language)
        .text("tier", slice.tier)
        .number("balance", slice.balance.value)
        .list("identifiers", slice.identifiers, [](IdentifierHash hash) { return to_hex(hash.value); })
        .list("offers", slice.offers, offer_words)
        .list("rights", slice.rights, right_words)
        .json();
}

Json describe(const crm::Product& product) {
    return Words{}
        .text("item_id", product.item_id)
        .text("name", product.name)
        .text("category", product.category)
        .text("unit", product.unit)
        .money("price", product.price)
        .number("tax_rate", product.tax_rate.value)
        .json();
}

Json describe(const crm::StoreSettings& settings) {
    const auto& code_key = settings.member_code_key;
    return Words{}
        .bytes("identifier_key", view(settings.identifier_key))
        .bytes("member_code_key", {reinterpret_cast<const char*>(code_key.data()), code_key.size()})
        .money("per_point", settings.loyalty.per_point)
        .money("point_value", settings.loyalty.point_value)
        .number("redeem_min", settings.loyalty.redeem_min.value)
        .number("redeem_offline_max", settings.loyalty.redeem_offline_max.value)
        .number("offline_points", ordinal(settings.offline_points))
        .number("lead_till", settings.lead.till.value)
        .text("lead_url", settings.lead.url)
        .json();
}

Json describe(const sync::Event& event) {
    return Words{}
        .number("seq", event.seq.value)
        .bits("id", event.id.value)
        .number("hlc", event.hlc)
        .number("kind", event.kind)
        .number("schema", event.schema)
        .always("body", body_words(event))
        .json();
}

Json describe(const sync::FeedRow& row) {
    Words words;
    words.number("version", row.version)
        .number("kind", row.kind)
        .text("key", row.key)
        .flag("deleted", row.deleted)
        .number("applied", row.applied);
    if (!row.deleted) words.always("body", row_body(row));
    return words.json();
}

Json describe(const sync::RequestFrame& frame) {
    return std::visit([](const auto& value) { return frame_words(value); }, frame);
}

Json describe(const sync::AnswerFrame& frame) {
    return std::visit([](const auto& value) { return frame_words(value); }, frame);
}

std::string difference(const Json& wanted, const Json& found, const std::string& at) {
    if (wanted.is_object() && found.is_object()) {
        for (const auto& [name, value] : wanted.items()) {
            if (!found.contains(name)) return at + "/" + name + ": missing";
            if (auto inner = difference(value, found.at(name), at + "/" + name); !inner.empty()) return inner;
        }
        return {};
    }
    if (wanted.is_array() && found.is_array() && wanted.size() == found.size()) {
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            if (auto inner = difference(wanted[i], found[i], at + "/" + std::to_string(i)); !inner.empty())
                return inner;
        }
        return {};
    }
    return wanted == found ? std::string{} : at + ": " + found.dump() + " instead of " + wanted.dump();
}

} // namespace mudi::golden
