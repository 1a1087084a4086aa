#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <mudi/base/csv.hpp>
#include <mudi/server/api.hpp>

#include "import_rows.hpp"

namespace mudi::server {

enum class ImportKind { customers, products, purchases };
std::optional<ImportKind> import_kind_from(std::string_view word);

/// One file on its way into the stores, a piece at a time, so that sales of the tills come in between. A
/// refused row stores nothing and does not touch the others; of a purchase with a faulty row no line is
/// stored.
class ImportFile {
public:
    /// Reads the header: import.empty, import.column, and those of csv::Reader (invalid).
    static Result<ImportFile> open(ImportKind kind, std::string body, Currency currency);

    /// The next rows; true when there are more. On the writer's thread. An error leaves what was stored
    /// before: the same file again finds it unchanged.
    Result<bool> step(WriteSide& side, Time now);
    [[nodiscard]] nlohmann::json report() const;

    /// Items in one transaction of the database.
    static constexpr std::size_t step_items = 250;

private:
    struct Pending {
        std::array<std::string, 4> key;
        std::int64_t row{};
        Result<crm::RetailTransaction> sale;
    };

    ImportFile(ImportKind kind, std::string body, Currency currency);
    Result<bool> next_row();
    void take_row();
    void take_purchase_row();
    void close_purchase();
    template <class T>
    void keep(std::vector<T>& items, std::int64_t row, Result<T> item);
    Status store(WriteSide& side, Time now);
    void note(const ImportReport& report);
    void refuse(std::int64_t row, const Error& error);
    [[nodiscard]] std::size_t gathered() const { return rows_of_items_.size(); }

    ImportKind kind_;
    std::string body_;
    std::size_t at_{};
    Currency currency_;
    csv::Reader reader_;
    Header header_;
    bool finished_{false};

    std::vector<crm::SourceRecord> customers_;
    std::vector<crm::Product> products_;
    std::vector<crm::RetailTransaction> purchases_;
    std::vector<std::int64_t> rows_of_items_;
    std::optional<Pending> pending_;
    /// A row that could not be read: it may have been the first of the purchase that comes next.
    std::optional<Error> unreadable_before_;

    std::int64_t rows_{};
    std::int64_t stored_{};
    std::int64_t unchanged_{};
    std::int64_t refused_count_{};
    std::vector<std::pair<std::int64_t, Error>> refused_;
};

} // namespace mudi::server
