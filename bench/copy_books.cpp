#include "bench/copy_books.hpp"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "bench/bare_sql.hpp"

namespace mudi::bench {
namespace {

/// One table that applying writes. `rows` says which rows of it, named t, the purchases ?1 < id <= ?2 have
/// left, and ?3 is the newest record before them; `key` only where a row may have been there before.
struct Book {
    const char* table;
    const char* rows;
    const char* key;
};

/// In the order in which apply writes them.
constexpr std::array books{
    Book{"business_key", "FROM business_key t WHERE t.purchase > ?1 AND t.purchase <= ?2 ORDER BY t.purchase",
         ""},
    Book{"source_record", "FROM source_record t WHERE t.id > ?3 ORDER BY t.id", ""},
    Book{"record_identifier", "FROM record_identifier t WHERE t.record > ?3 ORDER BY t.record", ""},
    Book{"profile_member", "FROM profile_member t WHERE t.record > ?3 ORDER BY t.record", ""},
    Book{"purchase", "FROM purchase t WHERE t.id > ?1 AND t.id <= ?2 ORDER BY t.id", ""},
    Book{"purchase_line",
         "FROM purchase_line t WHERE t.purchase > ?1 AND t.purchase <= ?2 ORDER BY t.purchase, t.line", ""},
    Book{"tender", "FROM tender t WHERE t.purchase > ?1 AND t.purchase <= ?2 ORDER BY t.purchase, t.ordinal",
         ""},
    Book{"ledger_entry",
         "FROM ledger_entry t WHERE t.posting >= (?1 + 1) * 64 AND t.posting < (?2 + 1) * 64 "
         "ORDER BY t.posting, t.account DESC",
         ""},
    Book{"item_habit",
         "FROM purchase p JOIN purchase_line l ON l.purchase = p.id JOIN item_habit t ON t.record = p.record "
         "AND t.item = l.item WHERE p.id > ?1 AND p.id <= ?2 AND p.record <> 0 ORDER BY t.record, t.item",
         "record, item"},
    Book{"record_visit",
         "FROM purchase p JOIN record_visit t ON t.record = p.record AND t.store = p.store "
         "WHERE p.id > ?1 AND p.id <= ?2 AND p.record <> 0 ORDER BY t.record, t.store",
         "record, store"},
    Book{"dirty_record",
         "FROM purchase p JOIN dirty_record t ON t.record = p.record WHERE p.id > ?1 AND p.id <= ?2 "
         "ORDER BY t.record",
         "record"},
};

struct FreeValue {
    void operator()(sqlite3_value* value) const { sqlite3_value_free(value); }
};
using Value = std::unique_ptr<sqlite3_value, FreeValue>;

class Copy final : public CopyBooks {
public:
    Copy(BareDatabase from, BareDatabase to) : from_(std::move(from)), to_(std::move(to)) {}

    Status set_up() {
        MUDI_TRY(last_record_, prepare(from_, "SELECT COALESCE(MAX(id), 0) FROM source_record"));
        for (const Book& book : books) {
            MUDI_CHECK(make_table(book.table));
            MUDI_TRY(const std::string columns, columns_of(book.table));
            MUDI_TRY(auto read, prepare(from_, "SELECT DISTINCT " + columns + " " + book.rows));
            MUDI_TRY(auto write, prepare(to_, insert_words(book, read.get())));
            sides_.push_back({std::move(read), std::move(write), {}});
        }
        return {};
    }

    Status gather(std::int64_t up_to) override {
        for (Side& side : sides_) MUDI_CHECK(read(side, up_to));
        taken_ = up_to;
        MUDI_CHECK(expect(from_, sqlite3_step(last_record_.get()), SQLITE_ROW));
        record_ = sqlite3_column_int64(last_record_.get(), 0);
        sqlite3_reset(last_record_.get());
        return {};
    }

    Status write() override {
        MUDI_CHECK(run(to_, "BEGIN IMMEDIATE"));
        for (Side& side : sides_) {
            const auto columns = static_cast<std::size_t>(sqlite3_column_count(side.read.get()));
            for (std::size_t i = 0; i < side.values.size(); i += columns) {
                for (std::size_t column = 0; column < columns; ++column)
                    sqlite3_bind_value(side.write.get(), static_cast<int>(column) + 1,
                                       side.values[i + column].get());
                MUDI_CHECK(done(to_, side.write));
                ++rows_;
            }
        }
        MUDI_CHECK(run(to_, "COMMIT"));
        for (Side& side : sides_) side.values.clear();
        return {};
    }

    Status checkpoint() override { return run(to_, "PRAGMA wal_checkpoint(TRUNCATE)"); }

    [[nodiscard]] std::int64_t rows() const override { return rows_; }

private:
    struct Side {
        BareStatement read;
        BareStatement write;
        std::vector<Value> values; ///< row after row
    };

    static Status expect(const BareDatabase& database, int code, int wanted) {
        return code == wanted ? Status{} : sql_error(database.get());
    }

    /// The table and its indexes, word for word.
    Status make_table(const char* table) {
        MUDI_TRY(const auto words, prepare(from_, "SELECT sql FROM sqlite_schema WHERE tbl_name = ?1 AND sql "
                                                  "IS NOT NULL ORDER BY type = 'index'"));
        sqlite3_bind_text(words.get(), 1, table, -1, SQLITE_STATIC);
        int code = sqlite3_step(words.get());
        for (; code == SQLITE_ROW; code = sqlite3_step(words.get()))
            MUDI_CHECK(run(to_, reinterpret_cast<const char*>(sqlite3_column_text(words.get(), 0))));
        return expect(from_, code, SQLITE_DONE);
    }

    /// "t.a, t.b": all of them, in the table's order.
    Result<std::string> columns_of(const char* table) {
        MUDI_TRY(const auto names, prepare(from_, "SELECT name FROM pragma_table_info(?1) ORDER BY cid"));
        sqlite3_bind_text(names.get(), 1, table, -1, SQLITE_STATIC);
        std::string columns;
        int code = sqlite3_step(names.get());
        for (; code == SQLITE_ROW; code = sqlite3_step(names.get()))
            columns += (columns.empty() ? "t." : ", t.") +
                       std::string(reinterpret_cast<const char*>(sqlite3_column_text(names.get(), 0)));
        MUDI_CHECK(expect(from_, code, SQLITE_DONE));
        return columns;
    }

    static std::string insert_words(const Book& book, sqlite3_stmt* read) {
        std::string places;
        std::string updates;
        for (int i = 0; i < sqlite3_column_count(read); ++i) {
            const std::string column = sqlite3_column_name(read, i);
            places += (i == 0 ? "?" : ", ?") + std::to_string(i + 1);
            updates += (i == 0 ? "" : ", ") + column + " = excluded." + column;
        }
        std::string words = "INSERT INTO " + std::string(book.table) + " VALUES (" + places + ")";
        const std::string key = book.key;
        if (!key.empty()) words += " ON CONFLICT (" + key + ") DO UPDATE SET " + updates;
        return words;
    }

    Status read(Side& side, std::int64_t up_to) {
        sqlite3_stmt* statement = side.read.get();
        const std::int64_t parameters[] = {taken_, up_to, record_};
        for (int i = 0; i < sqlite3_bind_parameter_count(statement); ++i)
            sqlite3_bind_int64(statement, i + 1, parameters[i]);
        int code = sqlite3_step(statement);
        for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
            for (int i = 0; i < sqlite3_column_count(statement); ++i)
                side.values.emplace_back(sqlite3_value_dup(sqlite3_column_value(statement, i)));
        }
        sqlite3_reset(statement);
        return expect(from_, code, SQLITE_DONE);
    }

    BareDatabase from_;
    BareDatabase to_;
    BareStatement last_record_;
    std::vector<Side> sides_;
    std::int64_t taken_{};
    std::int64_t record_{};
    std::int64_t rows_{};
};

} // namespace

Result<std::unique_ptr<CopyBooks>> CopyBooks::open(const std::filesystem::path& from,
                                                   const std::filesystem::path& to) {
    MUDI_TRY(auto source, open_bare_database(from, {}));
    MUDI_TRY(auto target, open_bare_database(to, "PRAGMA synchronous = NORMAL;"));
    auto copy = std::make_unique<Copy>(std::move(source), std::move(target));
    MUDI_CHECK(copy->set_up());
    return std::unique_ptr<CopyBooks>(std::move(copy));
}

} // namespace mudi::bench
