#include "import_file.hpp"

#include <algorithm>

namespace mudi::server {
namespace {

std::span<const ColumnName> columns_of(ImportKind kind) {
    switch (kind) {
    case ImportKind::customers: return customer_columns();
    case ImportKind::products: return product_columns();
    case ImportKind::purchases: break;
    }
    return purchase_columns();
}

} // namespace

std::optional<ImportKind> import_kind_from(std::string_view word) {
    if (word == "customers") return ImportKind::customers;
    if (word == "products") return ImportKind::products;
    if (word == "purchases") return ImportKind::purchases;
    return std::nullopt;
}

ImportFile::ImportFile(ImportKind kind, std::string body, Currency currency)
    : kind_(kind), body_(std::move(body)), currency_(currency) {}

Result<ImportFile> ImportFile::open(ImportKind kind, std::string body, Currency currency) {
    ImportFile file(kind, std::move(body), currency);
    MUDI_TRY(const bool row, file.next_row());
    if (!row) return fail(Code::invalid, "import.empty", "the file has no header row");
    MUDI_TRY(file.header_, Header::read(file.reader_.fields(), columns_of(kind)));
    return file;
}

Result<bool> ImportFile::next_row() {
    std::string_view rest = std::string_view(body_).substr(at_);
    auto row = reader_.next(rest);
    at_ = body_.size() - rest.size();
    if (!row || *row) return row;
    finished_ = true;
    return reader_.finish();
}

Result<bool> ImportFile::step(WriteSide& side, Time now) {
    while (!finished_ && gathered() < step_items) {
        const auto row = next_row();
        if (row && !*row) break;
        ++rows_;
        if (row) {
            take_row();
            continue;
        }
        refuse(reader_.row(), row.error());
        if (kind_ == ImportKind::purchases) {
            // It may be a line of the purchase before it or behind it: neither may be stored without it.
            if (pending_) pending_->sale = tl::make_unexpected(row.error());
            close_purchase();
            unreadable_before_ = row.error();
        }
    }
    if (finished_) close_purchase();
    MUDI_CHECK(store(side, now));
    return !finished_;
}

void ImportFile::take_row() {
    switch (kind_) {
    case ImportKind::customers:
        keep(customers_, reader_.row(), customer_from(header_, reader_.fields()));
        break;
    case ImportKind::products:
        keep(products_, reader_.row(), product_from(header_, reader_.fields(), currency_));
        break;
    case ImportKind::purchases: take_purchase_row(); break;
    }
}

void ImportFile::take_purchase_row() {
    const auto fields = reader_.fields();
    auto key = purchase_key(header_, fields);
    if (!pending_ || pending_->key != key) {
        close_purchase();
        pending_ = Pending{std::move(key), reader_.row(), purchase_from(header_, fields, currency_)};
        if (unreadable_before_)
            pending_->sale = tl::make_unexpected(*std::exchange(unreadable_before_, std::nullopt));
    }
    if (!pending_->sale) return;
    if (auto added = add_line(*pending_->sale, header_, fields); !added) {
        pending_->row = reader_.row();
        pending_->sale = tl::make_unexpected(std::move(added).error());
    }
}

void ImportFile::close_purchase() {
    if (!pending_) return;
    auto pending = *std::exchange(pending_, std::nullopt);
    if (pending.sale) {
        if (auto completed = complete(*pending.sale); !completed) {
            pending.sale = tl::make_unexpected(std::move(completed).error());
        }
    }
    keep(purchases_, pending.row, std::move(pending.sale));
}

template <class T>
void ImportFile::keep(std::vector<T>& items, std::int64_t row, Result<T> item) {
    if (!item) return refuse(row, item.error());
    items.push_back(*std::move(item));
    rows_of_items_.push_back(row);
}

Status ImportFile::store(WriteSide& side, Time now) {
    if (gathered() == 0) return {};
    const auto import = [&]() -> Result<ImportReport> {
        switch (kind_) {
        case ImportKind::customers: return side.import.customers(customers_, now);
        case ImportKind::products: return side.import.products(products_, now);
        case ImportKind::purchases: break;
        }
        return side.import.purchases(purchases_, now);
    };
    MUDI_TRY(const auto done, import());
    note(done);
    side.moved.insert(side.moved.end(), done.moved.begin(), done.moved.end());
    customers_.clear();
    products_.clear();
    purchases_.clear();
    rows_of_items_.clear();
    return {};
}

void ImportFile::note(const ImportReport& report) {
    for (std::size_t i = 0; i < report.rows.size(); ++i) {
        const auto& row = report.rows[i];
        if (!row)
            refuse(rows_of_items_[i], row.error());
        else if (*row == Imported::stored)
            ++stored_;
        else
            ++unchanged_;
    }
}

void ImportFile::refuse(std::int64_t row, const Error& error) {
    ++refused_count_;
    if (refused_.size() < refusals_listed_max) refused_.emplace_back(row, error);
}

nlohmann::json ImportFile::report() const {
    nlohmann::json out{{"rows", rows_},
                       {"stored", stored_},
                       {"unchanged", unchanged_},
                       {"refused_count", refused_count_},
                       {"refused", nlohmann::json::array()}};
    for (const auto& [row, error] : refused_) {
        out["refused"].push_back({{"row", row}, {"code", error.name}, {"detail", error.what}});
    }
    return out;
}

} // namespace mudi::server
