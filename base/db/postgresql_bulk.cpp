#include "postgresql_bulk.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "sql_text.hpp"

namespace mudi::db {

namespace {

/// One statement's worth: beyond it the server gains nothing, and both sides hold the text in memory.
constexpr std::size_t rows_max = 5'000;
constexpr std::size_t bytes_max = 8u << 20;

template <class Number>
void append_number(std::string& out, Number number) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

void append_double(std::string& out, double number) {
    if (std::isnan(number)) {
        out += "NaN";
    } else if (std::isinf(number)) {
        out += number < 0 ? "-Infinity" : "Infinity";
    } else {
        append_number(out, number);
    }
}

/// One element of an array literal. Text is always quoted: bare words like NULL would mean something else.
void append_element(std::string& out, const Slot& slot) {
    if (slot.null) {
        out += "NULL";
    } else if (const auto* integer = std::get_if<std::int64_t>(&slot.cell)) {
        append_number(out, *integer);
    } else if (const auto* real = std::get_if<double>(&slot.cell)) {
        append_double(out, *real);
    } else if (const auto* bytes = std::get_if<Bytes>(&slot.cell)) {
        out += "\"\\\\x";
        out += to_hex(bytes->data);
        out += '"';
    } else {
        out += '"';
        for (const char c : std::get<std::string>(slot.cell)) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        out += '"';
    }
}

/// Words of "a, b, c".
std::vector<std::string> split_columns(std::string_view columns) {
    std::vector<std::string> names;
    for (const auto& token : scan_sql(columns)) {
        if (token.kind == SqlToken::Kind::word || token.kind == SqlToken::Kind::quoted) {
            names.push_back(upper(token.text));
        }
    }
    return names;
}

/// The columns in "ON CONFLICT (a, b) DO UPDATE …"; none for DO NOTHING, where a repeated key does no harm.
std::vector<std::string> update_key(std::string_view on_conflict) {
    bool updates = false;
    for (const auto& token : scan_sql(on_conflict)) updates = updates || upper(token.text) == "UPDATE";
    const auto open = on_conflict.find('(');
    const auto close = on_conflict.find(')');
    if (!updates || open == std::string_view::npos || close == std::string_view::npos || close < open)
        return {};
    return split_columns(on_conflict.substr(open + 1, close - open - 1));
}

class PostgresqlBulk final : public BulkBackend {
public:
    PostgresqlBulk(PostgresqlSession& connection, std::string_view sql, std::vector<Slot> prototype,
                   std::vector<std::size_t> key)
        : connection_(connection), values_(std::move(prototype)), arrays_(values_.size()),
          key_(std::move(key)),
          insert_(connection, sql, std::vector<Slot>(values_.size(), Slot{Cell{std::string{}}, false, false}),
                  {}) {}

    Slot& value(std::size_t index) override { return values_[index]; }
    Status add_row() override;
    Result<std::int64_t> flush() override;

private:
    void forget_rolled_back();
    void clear();
    Status write();
    /// PostgreSQL refuses to update a row twice in one statement.
    bool repeats_key();

    PostgresqlSession& connection_;
    std::vector<Slot> values_;
    std::vector<std::string> arrays_;
    std::vector<std::size_t> key_;
    std::unordered_set<std::string> keys_;
    PostgresqlStatement insert_;
    std::size_t rows_{};
    std::size_t bytes_{};
    std::int64_t changed_{};
    std::uint64_t serial_{};
};

void PostgresqlBulk::clear() {
    for (auto& array : arrays_) array.clear();
    keys_.clear();
    rows_ = 0;
    bytes_ = 0;
}

void PostgresqlBulk::forget_rolled_back() {
    if (std::exchange(serial_, connection_.transaction_serial()) == serial_) return;
    clear();
    changed_ = 0;
}

bool PostgresqlBulk::repeats_key() {
    if (key_.empty()) return false;
    std::string key;
    for (const auto index : key_) {
        append_element(key, values_[index]);
        key += ',';
    }
    return !keys_.insert(std::move(key)).second;
}

Status PostgresqlBulk::add_row() {
    forget_rolled_back();
    for (const auto& slot : values_) {
        const auto* text = std::get_if<std::string>(&slot.cell);
        if (text != nullptr && !slot.null && text->find('\0') != std::string::npos) {
            return connection_.note(Error{Code::invalid, "db.value", "a text contains a NUL"});
        }
    }
    if (repeats_key()) {
        MUDI_CHECK(write());
        repeats_key();
    }
    for (std::size_t i = 0; i < values_.size(); ++i) {
        auto& array = arrays_[i];
        const auto before = array.size();
        array += array.empty() ? '{' : ',';
        append_element(array, values_[i]);
        bytes_ += array.size() - before;
    }
    if (++rows_ >= rows_max || bytes_ >= bytes_max) return write();
    return {};
}

Status PostgresqlBulk::write() {
    if (rows_ == 0) return {};
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
        arrays_[i] += '}';
        std::get<std::string>(insert_.parameters[i].cell).swap(arrays_[i]);
    }
    clear();
    auto ran = insert_.start();
    if (!ran) return tl::make_unexpected(std::move(ran).error());
    changed_ += insert_.affected;
    return {};
}

Result<std::int64_t> PostgresqlBulk::flush() {
    forget_rolled_back();
    MUDI_CHECK(write());
    return std::exchange(changed_, 0);
}

} // namespace

std::unique_ptr<BulkBackend> make_postgresql_bulk(PostgresqlSession& connection, std::string_view table,
                                                  std::string_view columns, std::string_view on_conflict,
                                                  std::vector<Slot> prototype) {
    const auto names = split_columns(columns);
    std::vector<std::size_t> key;
    for (const auto& name : update_key(on_conflict)) {
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (names[i] == name) key.push_back(i);
        }
    }
    std::string values;
    std::string arrays;
    for (std::size_t i = 0; i < prototype.size(); ++i) {
        const std::string name = "p" + std::to_string(i);
        const std::string_view separator = i == 0 ? "" : ", ";
        values.append(separator).append(name);
        arrays.append(separator).append("cast(:").append(name).append(" as ");
        arrays.append(postgresql_type(prototype[i])).append("[])");
    }
    std::string sql = "INSERT INTO ";
    sql.append(table).append(" (").append(columns).append(") SELECT ").append(values);
    sql.append(" FROM unnest(").append(arrays).append(") AS added(").append(values).append(") ");
    sql.append(on_conflict);
    return std::make_unique<PostgresqlBulk>(connection, sql, std::move(prototype), std::move(key));
}

} // namespace mudi::db
