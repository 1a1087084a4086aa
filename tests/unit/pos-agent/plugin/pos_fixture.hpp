#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <mudi/pos.h>

#include <support/temp_dir.hpp>

namespace mudi::test {

template <class T>
T sized() {
    T value{};
    value.size = sizeof value;
    return value;
}

/// A handle on a folder of its own, where nobody listens unless the test does.
struct PosFixture {
    PosFixture() {
        auto config = sized<mudi_config>();
        config.socket_path = socket.c_str();
        config.spool_dir = spool.c_str();
        config.host = "test";
        REQUIRE(mudi_open(&config, &pos) == MUDI_OK);
    }
    PosFixture(const PosFixture&) = delete;
    PosFixture& operator=(const PosFixture&) = delete;
    ~PosFixture() { mudi_close(pos); }

    mudi_txn* begin(const std::string& number) {
        mudi_txn* txn = nullptr;
        REQUIRE(mudi_txn_begin(pos, number.c_str(), nullptr, &txn) >= 0);
        REQUIRE(txn != nullptr);
        return txn;
    }
    std::vector<std::filesystem::path> spooled() const {
        std::vector<std::filesystem::path> files;
        std::error_code none;
        for (const auto& entry : std::filesystem::directory_iterator(spool, none)) {
            if (entry.is_regular_file()) files.push_back(entry.path());
        }
        std::sort(files.begin(), files.end());
        return files;
    }
    nlohmann::json spooled_document(std::size_t index) const {
        std::ifstream file(spooled().at(index));
        return nlohmann::json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
    }

    TempDir folder;
    std::string socket{folder.file("till.sock")};
    std::string spool{folder.file("spool")};
    mudi_pos* pos{nullptr};
};

/// One packet of tea for 52.00.
inline mudi_line tea(const char* line_id = nullptr) {
    auto line = sized<mudi_line>();
    line.line_id = line_id;
    line.item = "8901030865275";
    line.description = "চা পাতা";
    line.quantity = 1000;
    line.unit_price = 5200;
    line.has_unit_price = 1;
    line.amount = 5200;
    return line;
}

inline void ring_up(mudi_txn* txn) {
    const mudi_line line = tea();
    REQUIRE(mudi_basket_set(txn, &line, 1, 5200) >= 0);
    auto tender = sized<mudi_tender_info>();
    tender.kind = MUDI_TENDER_UPI;
    tender.amount = 5200;
    REQUIRE(mudi_tender(txn, &tender) >= 0);
}

inline mudi_rc complete(mudi_txn* txn, mudi_receipt& receipt, std::int64_t total = 5200) {
    auto totals = sized<mudi_totals>();
    totals.total = total;
    receipt = sized<mudi_receipt>();
    return mudi_complete(txn, &totals, &receipt);
}

inline std::string code() { return mudi_last_error_code(nullptr); }

} // namespace mudi::test
