#include "documents.hpp"

#include <mudi/crm/transaction_rules.hpp>

#include "fields.hpp"

namespace mudi::till {
namespace {

using nlohmann::json;

constexpr std::size_t presented_bytes_max = 1024;

std::optional<std::string> maybe_text(Fields& fields, std::string_view key, std::size_t bytes_max) {
    if (!fields.has(key)) return std::nullopt;
    return fields.text(key, 0, bytes_max);
}

} // namespace

Result<Presented> presented_from(const json& document) {
    Fields fields(document, "");
    const std::string kind = fields.text("kind", 1, 20, true);
    Presented presented;
    presented.value = fields.text("value", 0, presented_bytes_max, true);
    MUDI_CHECK(fields.outcome());
    if (kind == "card") {
        presented.kind = PresentedKind::card;
    } else if (kind == "phone") {
        presented.kind = PresentedKind::phone;
    } else if (kind == "qr") {
        presented.kind = PresentedKind::qr;
    } else {
        return fail(Code::invalid, "identify.kind", "kind must be card, phone or qr");
    }
    return presented;
}

Result<Desk::Begin> begin_from(const json& document, std::string number) {
    Fields fields(document, "");
    Desk::Begin begin;
    begin.name = {std::move(number), fields.day("business_day")};
    begin.operator_id = maybe_text(fields, "operator", crm::text_bytes_max);
    begin.host = maybe_text(fields, "host", crm::text_bytes_max);
    if (fields.has("training")) begin.training = fields.flag("training", false);
    MUDI_CHECK(fields.outcome());
    return begin;
}

Result<Desk::Void> void_from(const json& document, std::string original_number) {
    Fields fields(document, "");
    Desk::Void request;
    request.original = {std::move(original_number), fields.day("original_day")};
    request.name.number = fields.text("number", 1, crm::number_bytes_max, true);
    request.name.day = fields.day("business_day");
    request.operator_id = maybe_text(fields, "operator", crm::text_bytes_max);
    request.host = maybe_text(fields, "host", crm::text_bytes_max);
    MUDI_CHECK(fields.outcome());
    return request;
}

Result<JoinDocument> join_from(const json& document) {
    Fields fields(document, "");
    JoinDocument join;
    join.name = fields.text("name", 0, crm::text_bytes_max, true);
    join.phone = fields.text("phone", 0, presented_bytes_max);
    join.card = fields.text("card", 0, presented_bytes_max);
    join.language = fields.text("language", 0, 35); // the longest tag RFC 5646 asks to allow for
    join.phone_verified = fields.flag("phone_verified", false);
    const std::string marketing = fields.text("marketing", 0, 20);
    MUDI_CHECK(fields.outcome());
    if (marketing == "given") {
        join.marketing = crm::Consent::given;
    } else if (marketing == "refused") {
        join.marketing = crm::Consent::refused;
    } else if (!marketing.empty()) {
        return fail(Code::invalid, "join.marketing", "marketing must be given or refused");
    }
    return join;
}

Result<Points> points_from(const json& document) {
    Fields fields(document, "");
    const Points points{fields.integer("points", 1, points_max)};
    MUDI_CHECK(fields.outcome());
    return points;
}

Result<std::string> code_from(const json& document) {
    Fields fields(document, "");
    std::string code = fields.text("code", 0, 20, true);
    MUDI_CHECK(fields.outcome());
    return code;
}

} // namespace mudi::till
