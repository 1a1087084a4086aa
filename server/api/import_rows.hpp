#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/money.hpp>
#include <mudi/base/result.hpp>
#include <mudi/crm/customer.hpp>
#include <mudi/crm/transaction.hpp>

/// Rows of the shop's CSV files as values. Texts are taken as they stand: what they may hold is for the rules
/// to say.
namespace mudi::server {

/// One column a file may have.
struct ColumnName {
    std::string_view name;
    bool required{};
};

/// Which of the known columns stands where in this file.
class Header {
public:
    /// import.column (invalid) for an unknown, a doubled or a missing column; names it.
    static Result<Header> read(std::span<const std::string> fields, std::span<const ColumnName> known);
    /// The trimmed text; empty when the file lacks the column. `known` is the index in the list given to
    /// read().
    [[nodiscard]] std::string_view get(std::span<const std::string> fields, std::size_t known) const;

private:
    std::vector<std::optional<std::size_t>> place_;
};

std::span<const ColumnName> customer_columns();
std::span<const ColumnName> product_columns();
std::span<const ColumnName> purchase_columns();

/// customer.marketing, customer.phone_verified (invalid).
Result<crm::SourceRecord> customer_from(const Header& header, std::span<const std::string> fields);
/// money.syntax, money.overflow, product.tax_rate (invalid).
Result<crm::Product> product_from(const Header& header, std::span<const std::string> fields,
                                  Currency currency);

/// The four texts that name a row's transaction; rows with the same stand together.
std::array<std::string, 4> purchase_key(const Header& header, std::span<const std::string> fields);
/// Takes the transaction's head from its first row. purchase.business_day, purchase.time, purchase.kind,
/// purchase.tender (invalid).
Result<crm::RetailTransaction> purchase_from(const Header& header, std::span<const std::string> fields,
                                             Currency currency);
/// One more line. purchase.line, purchase.tax_rate, purchase.amount, money.syntax,
/// money.overflow, quantity.syntax (invalid).
Status add_line(crm::RetailTransaction& sale, const Header& header, std::span<const std::string> fields);
/// Totals and tender out of the lines. money.overflow.
Status complete(crm::RetailTransaction& sale);

} // namespace mudi::server
