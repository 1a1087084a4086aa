#include <catch2/catch.hpp>

#include <mudi/base/time.hpp>

using namespace mudi;

TEST_CASE("an instant survives text and back") {
    const Time time = time_from_ms(1'795'256'130'123);
    CHECK(parse_time(format_time(time)) == time);
    CHECK(format_time(time_from_ms(0)) == "1970-01-01T00:00:00.000Z");
    CHECK(parse_time("2010-12-01 08:26:00") == parse_time("2010-12-01T08:26:00.000Z"));
    for (const auto* bad :
         {"", "2010-12-01", "2010-13-01 08:26:00", "2010-12-01 24:26:00", "2010-12-01X08:26:00"})
        CHECK_FALSE(parse_time(bad));
}

TEST_CASE("a business day is a real date in the shop's zone") {
    CHECK(parse_business_day("2024-02-29")->yyyymmdd == 20240229);
    CHECK_FALSE(parse_business_day("2023-02-29"));
    CHECK_FALSE(parse_business_day("23-02-29"));
    // 19:00 UTC is half past midnight in Kolkata.
    const Time late = *parse_time("2026-11-21T19:00:00.000Z");
    CHECK(format_business_day(business_day_at(late, std::chrono::minutes{330})) == "2026-11-22");
    CHECK(format_business_day(business_day_at(late, std::chrono::minutes{0})) == "2026-11-21");
}
