#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include <mudi/base/clock.hpp>

#include "cli/demo_shop/demo_shop.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"

namespace mudi::cli {
namespace {

struct DemoShopVerb {
    DemoShopOptions shop;
    std::string output;
    std::string last_day;
};

Status write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file) return fail(Code::io, "demo_shop.write", "cannot write " + path.string());
    return {};
}

Status run(DemoShopVerb verb, const Context& context) {
    verb.shop.last_day = business_day_at(SystemClock{}.wall(), std::chrono::minutes{330});
    if (!verb.last_day.empty()) {
        const auto day = parse_business_day(verb.last_day);
        if (!day) return fail(Code::invalid, "demo_shop.day", "--last-day is a date like 2026-11-21");
        verb.shop.last_day = *day;
    }
    const DemoShop shop = make_demo_shop(verb.shop);
    std::error_code error;
    const std::filesystem::path folder = verb.output;
    std::filesystem::create_directories(folder, error);
    MUDI_CHECK(write(folder / "customers.csv", customers_csv(shop)));
    MUDI_CHECK(write(folder / "products.csv", products_csv(shop)));
    MUDI_CHECK(write(folder / "purchases.csv", purchases_csv(shop)));
    std::cout << (context.json
                      ? "{\"customers\":" + std::to_string(shop.records.size()) +
                            ",\"people\":" + std::to_string(shop.people.size()) +
                            ",\"products\":" + std::to_string(shop.products.size()) +
                            ",\"purchases\":" + std::to_string(shop.history.size()) + "}"
                      : folder.string() + ": " + grouped(static_cast<std::int64_t>(shop.records.size())) +
                            " customer records of " + grouped(static_cast<std::int64_t>(shop.people.size())) +
                            " people, " + grouped(static_cast<std::int64_t>(shop.products.size())) +
                            " products, " + grouped(static_cast<std::int64_t>(shop.history.size())) +
                            " purchases")
              << '\n';
    return {};
}

} // namespace

void add_demo_shop(CLI::App& app, Context& context) {
    auto* verb = app.add_subcommand("demo-shop", "Write the made-up shop as CSV that `mudi import` takes");
    verb->footer("Examples:\n  mudi demo-shop --output shop/\n  mudi demo-shop --output shop/ --seed 7 "
                 "--people 500 --last-day 2026-03-31");
    const auto options = std::make_shared<DemoShopVerb>();
    verb->add_option("--output", options->output, "Folder for customers.csv, products.csv, purchases.csv")
        ->required();
    verb->add_option("--seed", options->shop.seed, "The same seed and day give the same files")
        ->capture_default_str();
    verb->add_option("--people", options->shop.people, "How many people")
        ->check(CLI::Range(1, 90'000))
        ->capture_default_str();
    verb->add_option("--days", options->shop.history_days, "Days of history")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str();
    verb->add_option("--last-day", options->last_day, "Newest day of the history; today when left out");
    verb->add_flag("--json", context.json, "Machine-readable output");
    verb->callback([options, &context] {
        const auto done = run(*options, context);
        context.exit_code = done ? 0 : report(done.error(), context);
    });
}

} // namespace mudi::cli
