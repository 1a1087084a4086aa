#include <catch2/catch.hpp>

#include "cli/terminal.hpp"

using namespace mudi::cli;

TEST_CASE("texts of every script are fitted to their columns") {
    CHECK(columns_of("Mudi") == 4);
    CHECK(columns_of("স্ক") == 2); // the sign that joins them stands under a letter
    CHECK(fitted("Mudi", 6) == "Mudi  ");
    CHECK(fitted("corner grocer", 7) == "corner…");
    CHECK(columns_of(fitted("নমস্কার কমলা দাস", 8)) == 8);
}

TEST_CASE("numbers are grouped and tables aligned") {
    CHECK(grouped(1234567) == "1,234,567");
    CHECK(grouped(-1234) == "-1,234");
    CHECK(grouped(12) == "12");
    Table table({"till", "sent"});
    table.add({"1", "1,000"});
    CHECK(table.text() == "till   sent\n1     1,000\n");
}
