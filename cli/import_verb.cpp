#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include <nlohmann/json.hpp>

#include "cli/import_csv.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;

struct ImportOptions {
    std::string what;
    std::string input;
};

Result<std::string> read_all(const std::string& path) {
    if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(Code::not_found, "import.file", "cannot read " + path);
    return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<ImportTotals> import_file(const ImportOptions& options, const Context& context) {
    MUDI_TRY(const std::string text, read_all(options.input));
    MUDI_TRY(ApiClient server, connect_server(context.server, context.token_file));
    return import_csv(server, options.what, text, context.json);
}

void print_json(const ImportTotals& totals) {
    json refused = json::array();
    for (const RefusedRow& row : totals.refused)
        refused.push_back({{"row", row.row}, {"code", row.code}, {"detail", row.detail}});
    const json document{{"rows", totals.rows},
                        {"stored", totals.stored},
                        {"unchanged", totals.unchanged},
                        {"refused", std::move(refused)}};
    std::cout << document.dump() << '\n';
}

int run(const ImportOptions& options, const Context& context) {
    const auto totals = import_file(options, context);
    if (!totals) return report(totals.error(), context);
    if (context.json) {
        print_json(*totals);
    } else {
        std::cout << grouped(totals->rows) << " rows: " << grouped(totals->stored) << " stored, "
                  << grouped(totals->unchanged) << " unchanged, " << totals->refused.size() << " refused\n";
        for (const RefusedRow& row : totals->refused)
            std::cout << "  row " << row.row << ": " << row.code << " " << row.detail << '\n';
    }
    return totals->refused.empty() ? 0 : 1;
}

} // namespace

void add_import(CLI::App& app, Context& context) {
    auto* verb = app.add_subcommand("import", "Customers, products or purchases of another system, from CSV");
    verb->footer("Examples:\n  mudi import customers people.csv\n  mudi import products - < items.csv\n"
                 "Columns: docs/server-api.md. The same file twice changes nothing the second time.");
    const auto options = std::make_shared<ImportOptions>();
    verb->add_option("what", options->what, "customers, products or purchases")
        ->required()
        ->check(CLI::IsMember({"customers", "products", "purchases"}));
    verb->add_option("file,--input", options->input, "CSV file, - for standard input")->required();
    add_server_options(*verb, context);
    verb->callback([options, &context] { context.exit_code = run(*options, context); });
}

} // namespace mudi::cli
