#include "import_rows.hpp"

#include <charconv>
#include <utility>

#include <mudi/base/text.hpp>
#include <mudi/base/time.hpp>
#include <mudi/crm/transaction_rules.hpp>

namespace mudi::server {
namespace {

using Fields = std::span<const std::string>;

/// Column names in messages: enough to find it, never a wall of text.
constexpr std::size_t name_bytes_max = 60;

namespace customer {
enum : std::size_t {
    source_key,
    name,
    phone,
    phone_verified,
    email,
    card,
    card2,
    language,
    home_store,
    birthday,
    address,
    pincode,
    marketing,
    source
};
constexpr ColumnName columns[] = {{"source_key", true},
                                  {"name"},
                                  {"phone"},
                                  {"phone_verified"},
                                  {"email"},
                                  {"card"},
                                  {"card2"},
                                  {"language"},
                                  {"home_store"},
                                  {"birthday"},
                                  {"address"},
                                  {"pincode"},
                                  {"marketing"},
                                  {"source"}};
} // namespace customer

namespace product {
enum : std::size_t { item_id, name, category, unit, price, tax_rate };
constexpr ColumnName columns[] = {{"item_id", true}, {"name", true}, {"category"},
                                  {"unit"},          {"price"},      {"tax_rate"}};
} // namespace product

namespace purchase {
enum : std::size_t {
    store,
    workstation,
    business_day,
    number,
    time,
    card,
    phone,
    line,
    item_id,
    description,
    category,
    unit,
    quantity,
    unit_price,
    amount,
    tax_rate,
    tax,
    kind,
    tender
};
constexpr ColumnName columns[] = {{"store", true},
                                  {"workstation", true},
                                  {"business_day", true},
                                  {"number", true},
                                  {"time"},
                                  {"card"},
                                  {"phone"},
                                  {"line"},
                                  {"item_id", true},
                                  {"description"},
                                  {"category"},
                                  {"unit"},
                                  {"quantity", true},
                                  {"unit_price"},
                                  {"amount"},
                                  {"tax_rate"},
                                  {"tax"},
                                  {"kind"},
                                  {"tender"}};
} // namespace purchase

template <class T>
bool read_number(std::string_view text, T& value) {
    if (text.empty()) return true;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

/// Whole minor units, as everywhere in the API: "52" and "52.00" must not be two amounts.
Result<Money> money_from(std::string_view text, Currency currency) {
    Money money{0, currency};
    if (text.empty() || !read_number(text, money.minor)) {
        return fail(Code::invalid, "money.syntax", "an amount is not a whole number of minor units");
    }
    if (money.minor > money_minor_max || money.minor < -money_minor_max) {
        return fail(Code::invalid, "money.overflow", "an amount is out of range");
    }
    return money;
}

Result<Money> money_or_zero(std::string_view text, Currency currency) {
    return text.empty() ? Result<Money>(Money{0, currency}) : money_from(text, currency);
}

/// Microseconds since 1970, or "2026-11-21T10:15:30Z".
std::optional<Time> time_from(std::string_view text) {
    std::int64_t us = 0;
    if (is_digits(text) && read_number(text, us)) return time_from_ms(us / 1000);
    return parse_time(text);
}

tl::unexpected<Error> bad_column(std::string_view name, std::string_view why) {
    return fail(Code::invalid, "import.column",
                "column \"" + std::string(name.substr(0, name_bytes_max)) + "\" " + std::string(why));
}

} // namespace

Result<Header> Header::read(Fields fields, std::span<const ColumnName> known) {
    Header header;
    header.place_.resize(known.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const auto name = trim(fields[i]);
        std::size_t found = 0;
        while (found < known.size() && known[found].name != name) ++found;
        if (found == known.size()) return bad_column(name, "is not known");
        if (header.place_[found]) return bad_column(name, "stands twice");
        header.place_[found] = i;
    }
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (known[i].required && !header.place_[i]) return bad_column(known[i].name, "is missing");
    }
    return header;
}

std::string_view Header::get(Fields fields, std::size_t known) const {
    const auto& place = place_[known];
    return place && *place < fields.size() ? trim(fields[*place]) : std::string_view{};
}

std::span<const ColumnName> customer_columns() { return customer::columns; }
std::span<const ColumnName> product_columns() { return product::columns; }
std::span<const ColumnName> purchase_columns() { return purchase::columns; }

Result<crm::SourceRecord> customer_from(const Header& header, Fields fields) {
    const auto text = [&](std::size_t column) { return std::string(header.get(fields, column)); };
    crm::SourceRecord record;
    record.source = text(customer::source);
    if (record.source.empty()) record.source = "import";
    record.source_key = text(customer::source_key);
    record.name = text(customer::name);
    record.language = text(customer::language);
    record.phone = text(customer::phone);
    record.email = text(customer::email);
    record.home_store = StoreId{text(customer::home_store)};
    record.birthday = text(customer::birthday);
    record.address = text(customer::address);
    record.pincode = text(customer::pincode);
    for (const auto column : {customer::card, customer::card2}) {
        if (auto card = text(column); !card.empty()) record.cards.push_back(std::move(card));
    }
    const auto verified = header.get(fields, customer::phone_verified);
    if (!verified.empty() && verified != "yes" && verified != "no") {
        return fail(Code::invalid, "customer.phone_verified", "phone_verified is neither yes nor no");
    }
    record.phone_verified = verified == "yes";
    const auto marketing = header.get(fields, customer::marketing);
    if (!marketing.empty() && marketing != "given" && marketing != "refused") {
        return fail(Code::invalid, "customer.marketing", "marketing is neither given nor refused");
    }
    if (!marketing.empty())
        record.marketing = marketing == "given" ? crm::Consent::given : crm::Consent::refused;
    return record;
}

Result<crm::Product> product_from(const Header& header, Fields fields, Currency currency) {
    crm::Product product;
    product.item_id = std::string(header.get(fields, product::item_id));
    product.name = std::string(header.get(fields, product::name));
    product.category = std::string(header.get(fields, product::category));
    product.unit = std::string(header.get(fields, product::unit));
    if (product.unit.empty()) product.unit = "EA";
    MUDI_TRY(product.price, money_or_zero(header.get(fields, product::price), currency));
    auto& rate = product.tax_rate.value;
    if (!read_number(header.get(fields, product::tax_rate), rate) || rate < 0 || rate > 10'000) {
        return fail(Code::invalid, "product.tax_rate",
                    "tax_rate is not a number of basis points from 0 to 10000");
    }
    return product;
}

std::array<std::string, 4> purchase_key(const Header& header, Fields fields) {
    return {std::string(header.get(fields, purchase::store)),
            std::string(header.get(fields, purchase::workstation)),
            std::string(header.get(fields, purchase::business_day)),
            std::string(header.get(fields, purchase::number))};
}

Result<crm::RetailTransaction> purchase_from(const Header& header, Fields fields, Currency currency) {
    crm::RetailTransaction sale;
    sale.key.store = StoreId{std::string(header.get(fields, purchase::store))};
    sale.key.workstation = WorkstationId{std::string(header.get(fields, purchase::workstation))};
    sale.key.number = std::string(header.get(fields, purchase::number));
    const auto day = parse_business_day(header.get(fields, purchase::business_day));
    if (!day)
        return fail(Code::invalid, "purchase.business_day", "business_day is no date such as 2026-11-21");
    sale.key.day = *day;

    const auto time_text = header.get(fields, purchase::time);
    // Noon is inside the day in every zone that matters for a shop's own day.
    const auto time = time_text.empty() ? std::optional<Time>(to_days(*day) + std::chrono::hours{12})
                                        : time_from(time_text);
    if (!time)
        return fail(Code::invalid, "purchase.time",
                    "time is neither microseconds nor of the form 2026-11-21T10:15:30Z");
    sale.begin = *time;
    sale.end = *time;

    const auto kind_word = header.get(fields, purchase::kind);
    const auto kind =
        kind_word.empty() ? std::optional(crm::TransactionKind::sale) : crm::transaction_kind_from(kind_word);
    if (!kind || *kind == crm::TransactionKind::post_void) {
        return fail(Code::invalid, "purchase.kind", "kind is not one of sale, return, adjustment");
    }
    sale.kind = *kind;
    const auto tender_word = header.get(fields, purchase::tender);
    const auto tender =
        tender_word.empty() ? std::optional(crm::TenderKind::cash) : crm::tender_kind_from(tender_word);
    if (!tender) return fail(Code::invalid, "purchase.tender", "tender is not a kind we know");
    sale.tenders.push_back({*tender, Money{0, currency}, {}});

    const auto card = header.get(fields, purchase::card);
    const auto phone = header.get(fields, purchase::phone);
    if (!card.empty()) {
        sale.member = crm::Member{{crm::IdentifierKind::card, std::string(card)}, std::nullopt};
    } else if (!phone.empty()) {
        sale.member = crm::Member{{crm::IdentifierKind::phone, std::string(phone)}, std::nullopt};
    }
    sale.currency = currency;
    sale.host = "import";
    return sale;
}

Status add_line(crm::RetailTransaction& sale, const Header& header, Fields fields) {
    // One more than the rules take, so that they can refuse it without our keeping them all.
    if (sale.lines.size() > crm::lines_max) return {};
    crm::LineItem line;
    line.number = static_cast<std::int32_t>(sale.lines.size() + 1);
    if (!read_number(header.get(fields, purchase::line), line.number)) {
        return fail(Code::invalid, "purchase.line", "line is not a whole number");
    }
    line.type = sale.kind == crm::TransactionKind::return_ ? crm::LineType::return_ : crm::LineType::sale;
    line.item_id = std::string(header.get(fields, purchase::item_id));
    line.description = std::string(header.get(fields, purchase::description));
    line.category = std::string(header.get(fields, purchase::category));
    line.unit = std::string(header.get(fields, purchase::unit));
    if (line.unit.empty()) line.unit = "EA";
    const auto quantity = header.get(fields, purchase::quantity);
    if (quantity.empty() || !read_number(quantity, line.quantity.thousandths)) {
        return fail(Code::invalid, "quantity.syntax", "quantity is not a whole number of thousandths");
    }
    if (const auto price = header.get(fields, purchase::unit_price); !price.empty()) {
        MUDI_TRY(line.unit_price, money_from(price, sale.currency));
    }
    if (const auto amount = header.get(fields, purchase::amount); !amount.empty()) {
        MUDI_TRY(line.amount, money_from(amount, sale.currency));
    } else if (line.unit_price) {
        MUDI_TRY(line.amount, extend(*line.unit_price, line.quantity));
    } else {
        return fail(Code::invalid, "purchase.amount", "neither amount nor unit_price is given");
    }
    if (!read_number(header.get(fields, purchase::tax_rate), line.tax_rate.value)) {
        return fail(Code::invalid, "purchase.tax_rate", "tax_rate is not a number of basis points");
    }
    MUDI_TRY(line.tax, money_or_zero(header.get(fields, purchase::tax), sale.currency));
    sale.lines.push_back(std::move(line));
    return {};
}

Status complete(crm::RetailTransaction& sale) {
    MUDI_TRY(sale.total, crm::total_of(sale.lines, sale.currency, sale.tax_included));
    sale.tax_total = Money{0, sale.currency};
    for (const auto& line : sale.lines) {
        const bool back = line.type == crm::LineType::return_;
        MUDI_TRY(sale.tax_total, back ? subtract(sale.tax_total, line.tax) : add(sale.tax_total, line.tax));
    }
    const bool paid = sale.kind != crm::TransactionKind::adjustment && sale.total.minor != 0;
    if (paid)
        sale.tenders.front().amount = sale.total;
    else
        sale.tenders.clear();
    return {};
}

} // namespace mudi::server
