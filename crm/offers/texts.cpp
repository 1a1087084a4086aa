#include "texts.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <mudi/crm/offers.hpp>

namespace mudi::crm {
namespace {

const Texts& texts_for(std::string_view language) {
    std::string primary(language.substr(0, language.find_first_of("-_")));
    for (char& c : primary)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (primary == "bn") return texts_bn();
    if (primary == "mr") return texts_mr();
    if (primary == "hi") return texts_hi();
    return texts_en();
}

using Values = std::vector<std::pair<std::string_view, std::string>>;

/// Fills {word} in one pass: a value that has braces itself stays as it is.
std::string fill(std::string_view pattern, const Values& values) {
    std::string out;
    while (!pattern.empty()) {
        const std::size_t open = pattern.find('{');
        out += pattern.substr(0, open);
        if (open == std::string_view::npos) break;
        const std::size_t close = pattern.find('}', open);
        const std::string_view word = pattern.substr(open + 1, close - open - 1);
        const auto found = std::ranges::find(values, word, &Values::value_type::first);
        if (found != values.end()) out += found->second;
        pattern.remove_prefix(close + 1);
    }
    return out;
}

/// ASCII digits of `number` in the language's own.
std::string localized(std::string_view number, const Texts& texts) {
    std::string out;
    for (const char c : number) {
        if (c < '0' || c > '9') {
            out.push_back(c);
            continue;
        }
        out += texts.zero_digit; // ten digits of one script differ in the last byte only
        out.back() = static_cast<char>(out.back() + (c - '0'));
    }
    return out;
}

struct Symbol {
    std::string_view code;
    std::string_view text;
};
constexpr std::array symbols{Symbol{"INR", "₹"}, Symbol{"BDT", "৳"}, Symbol{"USD", "$"}, Symbol{"EUR", "€"},
                             Symbol{"GBP", "£"}};

/// 1234567 -> "12,34,567" for the currencies of the subcontinent, "1,234,567" elsewhere.
std::string grouped(std::string digits, std::string_view code) {
    constexpr std::array indian{"INR", "BDT", "NPR", "PKR", "LKR"};
    const std::size_t step = std::ranges::find(indian, code) != indian.end() ? 2 : 3;
    for (std::size_t end = digits.size(), group = 3; end > group; group = step) {
        end -= group;
        digits.insert(end, 1, ',');
    }
    return digits;
}

/// "₹1,250.50"; whole amounts without their zeros.
std::string money_text(Money money, const Texts& texts) {
    const std::string_view code = currency_code(money.currency);
    const std::string plain = format_money({std::max<std::int64_t>(money.minor, 0), money.currency});
    const std::size_t point = std::min(plain.find('.'), plain.size());
    std::string number = grouped(plain.substr(0, point), code);
    if (plain.find_first_not_of(".0", point) != std::string::npos) number += plain.substr(point);
    const auto* symbol = std::ranges::find(symbols, code, &Symbol::code);
    const std::string unit = symbol == symbols.end() ? std::string(code) + ' ' : std::string(symbol->text);
    return unit + localized(number, texts);
}

/// 1000 -> "10", 750 -> "7.5".
std::string percent_text(BasisPoints rate, const Texts& texts) {
    std::string number = std::to_string(rate.value / 100);
    if (const std::int32_t rest = rate.value % 100; rest > 0) {
        number += '.' + std::to_string(rest / 10);
        if (rest % 10 > 0) number += std::to_string(rest % 10);
    }
    return localized(number, texts);
}

std::string item_of(const Offer& offer) {
    return offer.reason.item.empty() ? offer.item_id : offer.reason.item;
}

std::string category_of(const Offer& offer) {
    return offer.category.empty() ? offer.reason.category : offer.category;
}

std::string days(std::int32_t count, std::string_view one, std::string_view many, const Texts& texts) {
    return count == 1 ? std::string(one) : fill(many, {{"n", localized(std::to_string(count), texts)}});
}

std::string_view exact_text(const Texts& texts, std::string_view error_name) {
    const auto found = std::ranges::find(texts.errors, error_name, &ErrorText::name);
    return found == texts.errors.end() ? std::string_view{} : found->text;
}

/// What only the maker of a POS program can mend has one text for its whole family ("json" for "json.type"):
/// a cashier needs no more.
std::string_view text_in(const Texts& texts, std::string_view error_name) {
    const std::string_view exact = exact_text(texts, error_name);
    return exact.empty() ? exact_text(texts, error_name.substr(0, error_name.find('.'))) : exact;
}

} // namespace

std::string offer_title(const Offer& offer, std::string_view language) {
    const Texts& texts = texts_for(language);
    const bool percent = offer.percent.value > 0;
    std::string_view pattern = percent ? texts.percent_basket : texts.amount_basket;
    if (!offer.category.empty()) pattern = percent ? texts.percent_category : texts.amount_category;
    if (!offer.item_id.empty()) pattern = percent ? texts.percent_item : texts.amount_item;
    std::string title = fill(pattern, {{"percent", percent_text(offer.percent, texts)},
                                       {"amount", money_text(offer.amount_off, texts)},
                                       {"item", item_of(offer)},
                                       {"category", category_of(offer)}});
    if (offer.basket_min.minor <= 0) return title;
    return fill(texts.with_minimum,
                {{"title", std::move(title)}, {"min", money_text(offer.basket_min, texts)}});
}

std::string offer_reason(const Offer& offer, std::string_view language) {
    const Texts& texts = texts_for(language);
    const OfferReason& reason = offer.reason;
    const std::string item = item_of(offer);
    if (offer.kind == OfferKind::usual_item && !item.empty()) {
        if (reason.days_usual <= 0 || reason.days_since < 0) return fill(texts.often_item, {{"item", item}});
        const std::string ago = reason.days_since == 0
                                    ? std::string(texts.today)
                                    : days(reason.days_since, texts.yesterday, texts.days_ago, texts);
        const std::string every = days(reason.days_usual, texts.every_day, texts.every_days, texts);
        return fill(texts.usual_item, {{"item", item}, {"every", every}, {"ago", ago}});
    }
    if (const std::string category = category_of(offer);
        offer.kind == OfferKind::favourite_category && !category.empty())
        return fill(texts.favourite_category, {{"category", category}});
    return std::string(offer.kind == OfferKind::welcome ? texts.welcome : texts.chosen);
}

std::string greeting(std::string_view name, std::string_view language) {
    const Texts& texts = texts_for(language);
    if (name.empty()) return std::string(texts.greeting_nameless);
    return fill(texts.greeting, {{"name", std::string(name)}});
}

std::string error_text(std::string_view error_name, std::string_view language, std::string_view fallback) {
    for (const Texts* texts : {&texts_for(language), &texts_en()})
        if (const std::string_view text = text_in(*texts, error_name); !text.empty())
            return std::string(text);
    return std::string(fallback);
}

} // namespace mudi::crm
