#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include <mudi/base/csv.hpp>

using namespace mudi;

namespace {

using Rows = std::vector<std::vector<std::string>>;

/// Feeds `text` in pieces of `piece` bytes; refused rows become {"!", name, number}.
Rows read_in_pieces(std::string_view text, std::size_t piece, csv::ReadOptions options = {}) {
    csv::Reader reader(options);
    Rows rows;
    const auto take = [&](const Result<bool>& row) {
        if (!row)
            rows.push_back({"!", row.error().name, std::to_string(reader.row())});
        else if (*row)
            rows.emplace_back(reader.fields().begin(), reader.fields().end());
        return !row || *row;
    };
    for (std::size_t at = 0; at < text.size(); at += piece) {
        auto chunk = text.substr(at, piece);
        while (take(reader.next(chunk))) {
        }
    }
    take(reader.finish());
    return rows;
}

} // namespace

TEST_CASE("quoted fields keep separators, line ends and doubled quotes, however the bytes are cut") {
    const std::string text =
        "\xef\xbb\xbfitem,name\r\n1,\"Rice, \"\"Gobindobhog\"\"\r\n1 kg\"\n\r\n\"\",চাল\r3,x";
    const Rows expected{{"item", "name"}, {"1", "Rice, \"Gobindobhog\"\r\n1 kg"}, {"", "চাল"}, {"3", "x"}};
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        CAPTURE(piece);
        CHECK(read_in_pieces(text, piece) == expected);
    }
}

TEST_CASE("an empty last field counts, with and without a line end") {
    CHECK(read_in_pieces("a,b\n1,\n2,", 100) == Rows{{"a", "b"}, {"1", ""}, {"2", ""}});
    CHECK(read_in_pieces("", 1).empty());
    CHECK(read_in_pieces("\n\n", 1).empty());
}

TEST_CASE("a faulty row is refused by number and the next one is read") {
    const auto rows = read_in_pieces("a,b\n1\n1,2,3\nx\"y,2\n\"x\"y,2\n5,6\n\"open,7\n8,9", 3);
    CHECK(rows == Rows{{"a", "b"},
                       {"!", "csv.columns", "2"},
                       {"!", "csv.columns", "3"},
                       {"!", "csv.quote", "4"},
                       {"!", "csv.quote", "5"},
                       {"5", "6"},
                       {"!", "csv.quote", "7"}});
    CHECK(read_in_pieces("a\n1,2\n", 5, {.separator = ',', .same_columns = false}) ==
          Rows{{"a"}, {"1", "2"}});
}

TEST_CASE("a field has at most 64 KiB and a row at most 256 columns") {
    const std::string long_field(csv::field_bytes_max, 'x');
    CHECK(read_in_pieces(long_field + "\n", 1000).at(0).at(0).size() == csv::field_bytes_max);
    CHECK(read_in_pieces(long_field + "x\nok\n", 1000) == Rows{{"!", "csv.field", "1"}, {"ok"}});
    CHECK(read_in_pieces("\"" + long_field + "x\"\nok\n", 1000) == Rows{{"!", "csv.field", "1"}, {"ok"}});

    const std::string commas(csv::columns_max - 1, ',');
    CHECK(read_in_pieces(commas + "\n", 100).at(0).size() == csv::columns_max);
    CHECK(read_in_pieces(commas + ",\nok\n", 100) == Rows{{"!", "csv.columns", "1"}, {"ok"}});
    CHECK(read_in_pieces(commas + ",x,y\nok\n", 100) == Rows{{"!", "csv.columns", "1"}, {"ok"}});
}

TEST_CASE("a written row reads back as it was") {
    const Rows rows{{"plain", "", " blank "}, {"a,b", "say \"so\"", "two\r\nlines"}, {"মুদি", "x;y", "\""}};
    std::string text;
    for (const auto& row : rows) csv::append_row(text, row);
    CHECK(text.starts_with("plain,, blank \r\n\"a,b\",\"say \"\"so\"\"\""));
    CHECK(read_in_pieces(text, 7) == rows);

    std::string single;
    csv::append_row(single, {""});
    CHECK(read_in_pieces(single, 7) == Rows{{""}});
}

TEST_CASE("another separator is taken in both directions") {
    std::string text;
    csv::append_row(text, {"a;b", "c,d"}, ';');
    CHECK(text == "\"a;b\";c,d\r\n");
    CHECK(read_in_pieces(text, 2, {.separator = ';'}) == Rows{{"a;b", "c,d"}});
}

TEST_CASE("reading a whole text names the faulty row and stops") {
    std::int64_t seen = 0;
    const auto status =
        csv::read("a,b\n1,2\n3\n4,5\n", [&](std::int64_t row, auto) { return seen = row, Status{}; });
    REQUIRE_FALSE(status);
    CHECK(status.error().name == "csv.columns");
    CHECK(status.error().what.find("row 3") != std::string::npos);
    CHECK(seen == 2);
}
