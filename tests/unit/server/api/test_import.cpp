#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "api_fixture.hpp"

using namespace mudi;
using namespace mudi::server;
using server::test::ApiFixture;

namespace {

/// "row code" of every refused row.
std::vector<std::string> refusals(const nlohmann::json& report) {
    std::vector<std::string> out;
    for (const auto& entry : report.at("refused")) {
        out.push_back(std::to_string(entry.at("row").get<int>()) + " " + entry.at("code").get<std::string>());
    }
    return out;
}

std::string purchase_rows(const std::string& number, const std::string& second_amount = "12000") {
    const std::string head = "KOL01,1,2026-11-21," + number + ",2026-11-21T10:15:30Z,";
    return head + "1,8901030865275,Tea,tea,2000,5200,10400,500,495,sale,upi\n" + head +
           "2,rice-loose,\"Rice, loose\",rice,1500,8000," + second_amount + ",0,0,sale,upi\n";
}
const std::string purchase_header =
    "store,workstation,business_day,number,time,line,item_id,description,category,quantity,"
    "unit_price,amount,tax_rate,tax,kind,tender\n";

} // namespace

TEST_CASE("customers are imported row by row, and the same file again changes nothing") {
    ApiFixture api;
    const std::string file = "\xef\xbb\xbfsource_key,name,phone,phone_verified,card,language,marketing\r\n"
                             "1,কমলা দাস,98300 12345,yes,KD-0001,bn,given\r\n"
                             "2,\"Sen, Ravi\",+91 98300 54321,no,RS-0002,en,refused\r\n";
    const auto first = api.post_body("/api/v1/import/customers", file);
    REQUIRE(first.status == 200);
    CHECK(first.body["rows"] == 2);
    CHECK(first.body["stored"] == 2);
    CHECK(first.body["refused"].empty());

    const auto again = api.post_body("/api/v1/import/customers", file);
    CHECK(again.body["stored"] == 0);
    CHECK(again.body["unchanged"] == 2);
    CHECK(api.get("/api/v1/status").body["source_records"] == 2);
}

TEST_CASE("a refused row is named with its row and reason and stores nothing, the others are stored") {
    ApiFixture api;
    const auto answer = api.post_body("/api/v1/import/customers",
                                      "source_key,name,phone,card,marketing\n"
                                      "1,Asha,9830012345,AS-0001,given\n"
                                      "2,Bina,12,BI-0002,given\n"                    // no phone
                                      "3,Chitra,9830012346,4111111111111111,given\n" // a bank card
                                      "4,Dipa,9830012347,DI-0004,maybe\n"            // no such consent
                                      "5,too,many,fields,here,now\n"
                                      "6,Esha \"E\" Roy,9830012348,ES-0006,given\n" // stray quotes
                                      ",Farah,9830012349,FA-0007,given\n"           // no key
                                      "8,Gita,9830012350,GI-0008,\n");
    REQUIRE(answer.status == 200);
    CHECK(answer.body["rows"] == 8);
    CHECK(answer.body["stored"] == 2);
    auto named = refusals(answer.body);
    std::sort(named.begin(), named.end());
    CHECK(named == std::vector<std::string>{"3 phone.syntax", "4 card.bank_card", "5 customer.marketing",
                                            "6 csv.columns", "7 csv.quote", "8 customer.source_key"});
    CHECK(answer.text.find("4111") == std::string::npos);
    CHECK(api.get("/api/v1/status").body["source_records"] == 2);
    CHECK(api.get("/api/v1/customers/find?q=9830012346").body["profiles"].empty());
}

TEST_CASE("a wrong header refuses the file and names the column") {
    ApiFixture api;
    const auto code = [&](const std::string& what, const std::string& body) {
        const auto answer = api.post_body("/api/v1/import/" + what, body);
        CHECK(answer.status == 422);
        return answer.body.value("code", "") + ": " + answer.body.value("detail", "");
    };
    CHECK_THAT(code("customers", "source_key,nickname\n1,x\n"),
               Catch::Contains("import.column") && Catch::Contains("nickname"));
    CHECK_THAT(code("customers", "name\nx\n"),
               Catch::Contains("import.column") && Catch::Contains("source_key"));
    CHECK_THAT(code("products", "item_id,name,name\n1,x,y\n"),
               Catch::Contains("import.column") && Catch::Contains("twice"));
    CHECK_THAT(code("products", ""), Catch::StartsWith("import.empty"));
    CHECK_THAT(code("purchases", "\"open"), Catch::StartsWith("csv.quote"));
    CHECK(api.post_body("/api/v1/import/shoes", "a\n1\n").status == 404);
}

TEST_CASE("products come into the feed of a store and change only when they differ") {
    ApiFixture api;
    const std::string file = "item_id,name,category,unit,price,tax_rate\n8901030865275,চা,tea,EA,5200,"
                             "500\nrice,Rice,rice,KGM,8000,0\n";
    CHECK(api.post_body("/api/v1/import/products", file).body["stored"] == 2);
    CHECK(api.post_body("/api/v1/import/products", file).body["unchanged"] == 2);
    const auto bad = api.post_body("/api/v1/import/products",
                                   "item_id,name,price,tax_rate\n1,A,5.00,0\n2,B,1,x\n,C,1,0\n");
    auto named = refusals(bad.body);
    std::sort(named.begin(), named.end());
    CHECK(named == std::vector<std::string>{"2 money.syntax", "3 product.tax_rate", "4 product.item"});
}

TEST_CASE("purchases are rows that stand together; a faulty row refuses its whole purchase") {
    ApiFixture api;
    const auto answer = api.post_body("/api/v1/import/purchases", purchase_header + purchase_rows("0001") +
                                                                      purchase_rows("0002", "120.00") +
                                                                      purchase_rows("0003"));
    REQUIRE(answer.status == 200);
    CHECK(answer.body["rows"] == 6);
    CHECK(answer.body["stored"] == 2);
    CHECK(refusals(answer.body) == std::vector<std::string>{"5 money.syntax"});

    api.apply_all();
    const auto summary = api.get("/api/v1/purchases/summary").body;
    CHECK(summary["transactions"] == 2);
    CHECK(summary["lines"] == 4);
    CHECK(summary["value_minor"] == 2 * 22'400);
    CHECK(summary["by_till"][0]["till"] == 0);
}

TEST_CASE("an unreadable row refuses the purchases beside it, because it may belong to either") {
    ApiFixture api;
    const auto answer =
        api.post_body("/api/v1/import/purchases",
                      purchase_header + purchase_rows("0001") + purchase_rows("0002") +
                          "KOL01,1,2026-11-21,0002,broken\n" + purchase_rows("0003") + purchase_rows("0004"));
    CHECK(answer.body["stored"] == 2);
    CHECK(answer.body["refused_count"] == 3);
    api.apply_all();
    CHECK(api.get("/api/v1/purchases/summary").body["transactions"] == 2);
}

TEST_CASE("the same purchases again are unchanged, with another content they are a conflict") {
    ApiFixture api;
    CHECK(api.post_body("/api/v1/import/purchases", purchase_header + purchase_rows("0001")).body["stored"] ==
          1);
    api.apply_all();
    CHECK(api.post_body("/api/v1/import/purchases", purchase_header + purchase_rows("0001"))
              .body["unchanged"] == 1);
    api.apply_all();
    const std::string other =
        "store,workstation,business_day,number,item_id,quantity,amount\nKOL01,1,2026-11-21,0001,x,1000,900\n";
    CHECK(refusals(api.post_body("/api/v1/import/purchases", other).body) ==
          std::vector<std::string>{"2 sale.conflict"});
    CHECK(api.get("/api/v1/purchases/summary").body["value_minor"] == 22'400);
}

TEST_CASE("a file of more rows than one transaction takes is stored whole") {
    ApiFixture api;
    std::string file = "source_key,name,card\n";
    for (int i = 0; i < 1203; ++i)
        file += std::to_string(i) + ",Name " + std::to_string(i) + ",C-" + std::to_string(100000 + i) + "\n";
    const auto answer = api.post_body("/api/v1/import/customers", file);
    CHECK(answer.body["rows"] == 1203);
    CHECK(answer.body["stored"] == 1203);
    CHECK(api.get("/api/v1/status").body["profiles"] == 1203);
}

TEST_CASE("refused rows are counted all and listed up to a limit") {
    ApiFixture api;
    std::string file = "source_key,name,marketing\n";
    for (std::size_t i = 0; i < refusals_listed_max + 7; ++i) file += std::to_string(i) + ",x,perhaps\n";
    const auto answer = api.post_body("/api/v1/import/customers", file);
    CHECK(answer.body["refused_count"] == refusals_listed_max + 7);
    CHECK(answer.body["refused"].size() == refusals_listed_max);
}
