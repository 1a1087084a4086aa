#include "documents.hpp"

#include <limits>

#include <mudi/crm/transaction_rules.hpp>

#include "fields.hpp"

namespace mudi::till {
namespace {

using nlohmann::json;

std::optional<crm::LineLink> original_from(Fields& parent) {
    const json* object = parent.object("original");
    if (object == nullptr) return std::nullopt;
    Fields fields(*object, parent.place_of("original"));
    crm::LineLink link;
    crm::BusinessKey& original = link.original;
    original.number = fields.text("number", 1, crm::number_bytes_max, true);
    original.store.value = fields.text("store", 0, crm::key_part_bytes_max);
    original.workstation.value = fields.text("workstation", 0, crm::key_part_bytes_max);
    const auto day = fields.day("business_day");
    if (!day) fields.fault("json.missing", "business_day", "is missing");
    original.day = day.value_or(BusinessDay{});
    link.line =
        static_cast<std::int32_t>(fields.integer("line", 1, std::numeric_limits<std::int32_t>::max()));
    if (auto outcome = fields.outcome(); !outcome) parent.fault(outcome.error());
    return link;
}

crm::Discount discount_from(Fields& fields, Currency currency) {
    crm::Discount discount;
    discount.promotion = fields.text("promotion", 0, crm::text_bytes_max);
    if (const auto offer = fields.id("offer")) discount.offer = OfferId{*offer};
    discount.amount = fields.money("amount", currency);
    return discount;
}

void amounts_into(crm::LineItem& line, Fields& fields, Currency currency) {
    // Whether a quantity or rate makes sense is the rules' to say; here it only has to fit.
    constexpr auto any = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t any_rate = std::numeric_limits<std::int32_t>::max();
    line.quantity.thousandths = fields.integer("quantity", -any, any);
    line.unit_price = fields.maybe_money("unit_price", currency);
    line.amount = fields.money("amount", currency);
    line.tax_rate.value = static_cast<std::int32_t>(fields.integer("tax_rate", -any_rate, any_rate, 0));
    line.tax = fields.money("tax", currency, 0);
}

crm::LineItem line_from(Fields& fields, Currency currency) {
    crm::LineItem line;
    line.number =
        static_cast<std::int32_t>(fields.integer("line", 0, std::numeric_limits<std::int32_t>::max(), 0));
    const std::string type = fields.text("type", 0, 20);
    if (type == "return") {
        line.type = crm::LineType::return_;
    } else if (!type.empty() && type != "sale") {
        fields.fault("line.type", "type", "must be sale or return");
    }
    line.item_id = fields.text("item", 0, crm::text_bytes_max, true);
    line.description = fields.text("description", 0, crm::text_bytes_max);
    line.category = fields.text("category", 0, crm::text_bytes_max);
    line.unit = fields.text("unit", 0, 20);
    amounts_into(line, fields, currency);
    line.goods = fields.flag("goods", true);
    fields.array("discounts", crm::discounts_per_line_max, [&](const json& each, const std::string& place) {
        Fields inner(each, place);
        line.discounts.push_back(discount_from(inner, currency));
        if (auto outcome = inner.outcome(); !outcome) fields.fault(outcome.error());
    });
    line.link = original_from(fields);
    return line;
}

std::vector<crm::LineItem> lines_from(Fields& fields, Currency currency) {
    std::vector<crm::LineItem> lines;
    fields.array("lines", crm::lines_max, [&](const json& each, const std::string& place) {
        Fields inner(each, place);
        lines.push_back(line_from(inner, currency));
        if (auto outcome = inner.outcome(); !outcome) fields.fault(outcome.error());
    });
    return lines;
}

crm::Tender one_tender(Fields& fields, Currency currency) {
    crm::Tender tender;
    const std::string kind = fields.text("kind", 0, 40, true);
    tender.amount = fields.money("amount", currency);
    tender.reference = fields.text("reference", 0, crm::text_bytes_max);
    if (const auto known = crm::tender_kind_from(kind)) {
        tender.kind = *known;
    } else {
        fields.fault("tender.unknown", "kind", "is no tender we know");
    }
    return tender;
}

void kind_into(SaleDocument& sale, Fields& fields) {
    const std::string kind = fields.text("kind", 0, 20);
    if (kind == "return") {
        sale.kind = crm::TransactionKind::return_;
    } else if (kind == "adjustment") {
        sale.kind = crm::TransactionKind::adjustment;
    } else if (!kind.empty() && kind != "sale") {
        fields.fault("sale.kind", "kind", "must be sale, return or adjustment");
    }
}

Currency currency_into(SaleDocument& sale, Fields& fields, Currency shop) {
    if (!fields.has("currency")) return shop;
    const auto known = currency_from_code(fields.text("currency", 0, 10));
    if (!known) fields.fault("sale.currency", "currency", "is not the shop's");
    sale.currency = known.value_or(shop);
    return *sale.currency;
}

void header_into(SaleDocument& sale, Fields& fields) {
    sale.name.number = fields.text("number", 1, crm::number_bytes_max);
    sale.name.day = fields.day("business_day");
    kind_into(sale, fields);
    if (fields.has("host")) sale.host = fields.text("host", 0, crm::text_bytes_max);
    if (fields.has("operator")) sale.operator_id = fields.text("operator", 0, crm::text_bytes_max);
    sale.begin = fields.time("begin_us");
    sale.end = fields.time("end_us");
    if (fields.has("training")) sale.training = fields.flag("training", false);
    if (fields.has("tax_included")) sale.tax_included = fields.flag("tax_included", true);
    if (const json* customer = fields.object("customer")) {
        auto presented = presented_from(*customer);
        if (presented) {
            sale.customer = *std::move(presented);
        } else {
            fields.fault(presented.error());
        }
    }
}

void body_into(SaleDocument& sale, Fields& fields, Currency currency) {
    if (fields.has("lines")) sale.lines = lines_from(fields, currency);
    if (fields.has("tenders")) {
        sale.tenders.emplace();
        fields.array("tenders", crm::tenders_max, [&](const json& each, const std::string& place) {
            Fields inner(each, place);
            sale.tenders->push_back(one_tender(inner, currency));
            if (auto outcome = inner.outcome(); !outcome) fields.fault(outcome.error());
        });
    }
    if (fields.has("offers")) {
        sale.offers.emplace();
        fields.array("offers", crm::redeemed_offers_max, [&](const json& each, const std::string& place) {
            auto id = id_from(each, place);
            if (!id) return fields.fault(id.error());
            sale.offers->push_back(OfferId{*id});
        });
    }
    if (const auto hold = fields.id("hold")) sale.hold = HoldId{*hold};
    sale.total = fields.maybe_money("total", currency);
    sale.tax_total = fields.maybe_money("tax_total", currency);
}

} // namespace

Result<SaleDocument> sale_from(const json& document, const SaleReading& reading) {
    Fields fields(document, "");
    SaleDocument sale;
    header_into(sale, fields);
    const Currency currency = currency_into(sale, fields, reading.shop);
    body_into(sale, fields, currency);
    if (reading.event_id_allowed) {
        if (const auto event = fields.id("event_id")) sale.event = EventId{*event};
    }
    MUDI_CHECK(fields.outcome());
    return sale;
}

Result<Basket> basket_from(const json& document, Currency shop) {
    Fields fields(document, "");
    Basket basket;
    if (!fields.has("lines")) fields.fault("json.missing", "lines", "is missing");
    basket.lines = lines_from(fields, shop);
    basket.total = fields.maybe_money("total", shop);
    MUDI_CHECK(fields.outcome());
    return basket;
}

Result<crm::Tender> tender_from(const json& document, Currency shop) {
    Fields fields(document, "");
    crm::Tender tender = one_tender(fields, shop);
    MUDI_CHECK(fields.outcome());
    return tender;
}

} // namespace mudi::till
