#pragma once

#include <span>
#include <string_view>

/// What customers and cashiers read, one table per language. Words in braces are filled in.
namespace mudi::crm {

struct ErrorText {
    std::string_view name;
    std::string_view text;
};

struct Texts {
    std::string_view zero_digit; ///< first of the language's own ten digits, UTF-8; they follow each other
    // {item}, {category}, {percent}, {amount}
    std::string_view percent_item;
    std::string_view percent_category;
    std::string_view percent_basket;
    std::string_view amount_item;
    std::string_view amount_category;
    std::string_view amount_basket;
    std::string_view with_minimum;       ///< {title}, {min}
    std::string_view usual_item;         ///< {item}, {every}, {ago}
    std::string_view often_item;         ///< {item}; when the days are not known
    std::string_view favourite_category; ///< {category}
    std::string_view welcome;
    std::string_view chosen; ///< no reason known
    std::string_view every_day;
    std::string_view every_days; ///< {n} > 1
    std::string_view today;
    std::string_view yesterday;
    std::string_view days_ago; ///< {n} > 1
    std::string_view greeting; ///< {name}
    std::string_view greeting_nameless;
    std::span<const ErrorText> errors;
};

const Texts& texts_en();
const Texts& texts_bn();
const Texts& texts_mr();
const Texts& texts_hi();

} // namespace mudi::crm
