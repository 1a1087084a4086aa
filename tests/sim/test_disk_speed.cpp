#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "scripted_till.hpp"
#include "support/temp_dir.hpp"

using namespace mudi;
using namespace mudi::sim;

namespace {

constexpr int sales_timed = 20'000;

template <class Work>
double seconds_of(Work&& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::vector<till::SaleToRecord> sales_made() {
    std::vector<till::SaleToRecord> sales;
    for (int number = 1; number <= sales_timed; ++number) sales.push_back(numbered_sale(number));
    return sales;
}

double sales_per_second(till::Store& store, const std::vector<till::SaleToRecord>& sales) {
    const double seconds = seconds_of([&] {
        for (const auto& sale : sales) REQUIRE(store.storage().record(sale));
    });
    return static_cast<double>(sales.size()) / seconds;
}

} // namespace

TEST_CASE("how fast a till records sales on a simulated disk and on a real one in memory", "[.speed]") {
    const auto sales = sales_made();
    Disk disk;
    ScriptedTill machine(disk);
    REQUIRE(machine.start());
    const double simulated = sales_per_second(*machine.store, sales);
    const auto& counters = disk.counters();
    std::printf(
        "simulated disk: %.0f sales/s, %.1f calls and %.2f syncs per sale, %.0f KiB written per sale\n",
        simulated, static_cast<double>(counters.calls) / sales_timed,
        static_cast<double>(counters.syncs) / sales_timed,
        static_cast<double>(counters.bytes_written) / sales_timed / 1024);
    std::printf("simulated disk: bare %zu writes of 4 KiB with a sync each eighth: %.2f us each\n",
                sales.size(), 1e6 / static_cast<double>(sales.size()) * seconds_of([] {
                                  Disk bare;
                                  Disk::File file;
                                  REQUIRE(bare.open("a", true, file) == DiskStatus::ok);
                                  const std::string page(4096, 'x');
                                  for (std::uint64_t i = 0; i < sales_timed; ++i) {
                                      static_cast<void>(bare.write(file, 32 + (i % 2000) * 4120, page));
                                      if (i % 8 == 7) static_cast<void>(bare.sync(file));
                                  }
                              }));
    DiskImage image;
    constexpr int rounds = 2000;
    const double copying = seconds_of([&] {
        for (int i = 0; i < rounds; ++i) image = disk.snapshot();
    });
    std::printf("snapshot of a disk of %.1f MiB: %.1f us\n", static_cast<double>(disk.used_bytes()) / 1048576,
                copying / rounds * 1e6);

    const std::filesystem::path shared_memory{"/dev/shm"};
    test::TempDir folder;
    const bool in_memory = std::filesystem::is_directory(shared_memory);
    const auto path = in_memory ? shared_memory / folder.path().filename() : folder.path() / "till";
    std::filesystem::create_directory(path);
    till::StoreOptions options = machine.options;
    options.path = (path / "till.db").string();
    options.vfs.clear();
    SeededRandom random(1);
    auto store = till::Store::open(options, random).value();
    const double real = sales_per_second(*store, sales);
    store.reset();
    std::filesystem::remove_all(path);
    std::printf("%s: %.0f sales/s; simulated is %.2f of it\n", in_memory ? "tmpfs" : "temporary folder", real,
                simulated / real);
    CHECK(simulated > 0);
}

TEST_CASE("how fast a small till is restored, cut off and started again", "[.speed]") {
    Disk disk;
    SeededRandom random(5);
    DiskImage image;
    {
        ScriptedTill machine(disk);
        REQUIRE(machine.start());
        for (int number = 1; number <= 20; ++number) REQUIRE(machine.sell(number));
        image = disk.snapshot();
    }
    constexpr int rounds = 500;
    double cutting = 0, starting = 0;
    for (int i = 0; i < rounds; ++i) {
        Disk other;
        cutting += seconds_of([&] {
            other.restore(image);
            other.power_cut(random, Cut::random);
        });
        ScriptedTill machine(other);
        starting += seconds_of([&] { REQUIRE(machine.start()); });
    }
    std::printf("restore and power cut: %.0f us; start of the store: %.0f us\n", cutting / rounds * 1e6,
                starting / rounds * 1e6);
    CHECK(starting > 0);
}
