#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

#include "cli/verbs.hpp"

namespace {

constexpr const char* examples = R"(Examples:
  mudi demo                              a shop chain on this machine, live
  mudi status --watch                    tills and server, every second
  mudi server till add --store S1 --workstation 3   a new till, and its code
  mudi till enrol --server http://10.0.0.5:7080 --code …   on that till
  mudi server backup                     a verified copy of the running server
  mudi import customers people.csv       people of another system
  mudi customer show 2900000000018       by card, phone or profile id
  mudi quarantine list                   events that could not be applied
  mudi replay --format online-retail --input sales.csv.gz --tills 3
  source <(mudi completion bash)         Tab completes verbs and options

Exit codes: 0 ok, 1 the work found a problem (printed), 2 wrong use.)";

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Mudi: the customer-relationship system that lives in the till", "mudi"};
    app.footer(examples);
    app.set_version_flag("--version", MUDI_VERSION);
    app.require_subcommand(1);
    mudi::cli::Context context;
    mudi::cli::add_status(app, context);
    mudi::cli::add_server(app, context);
    mudi::cli::add_till(app, context);
    mudi::cli::add_import(app, context);
    mudi::cli::add_customer(app, context);
    mudi::cli::add_quarantine(app, context);
    mudi::cli::add_replay(app, context);
    mudi::cli::add_demo(app, context);
    mudi::cli::add_demo_shop(app, context);
    mudi::cli::add_completion(app, context);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "mudi: %s\n", error.what());
        return 1;
    }
    return context.exit_code;
}
