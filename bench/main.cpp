#include <cstdio>
#include <cstdlib>
#include <exception>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "bench/bench.hpp"
#include "bench/machine.hpp"
#include "bench/storm_tills.hpp"
#include "cli/fleet.hpp"

namespace {

using namespace mudi;

struct Measurement {
    const char* name;
    Status (*run)(const bench::Options&, bench::Sheet&);
};
constexpr Measurement measurements[] = {
    {"capture", bench::measure_capture}, {"identify", bench::measure_identify},
    {"accept", bench::measure_accept},   {"apply", bench::measure_apply},
    {"wire", bench::measure_wire},       {"idle", bench::measure_idle},
    {"live", bench::measure_live},       {"drain", bench::measure_drain},
    {"storm", bench::measure_storm},     {"recovery", bench::measure_recovery},
};

constexpr const char* examples = R"(Examples:
  mudi-bench                         every figure, as a table
  mudi-bench --only capture wire     these two
  mudi-bench --json --quick          does it run at all

Exit codes: 0 ok, 1 a count or size is over its budget or something did not run, 2 wrong use.
Times are printed beside a bare anchor and never fail the run.)";

/// Our folder below the chosen one; it goes with us.
class Folder {
public:
    static Result<Folder> make(const std::filesystem::path& below) {
        std::error_code error;
        std::filesystem::create_directories(below, error);
        std::string name = (std::filesystem::absolute(below, error) / "bench-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            return fail(Code::io, "bench.folder", "cannot make a folder below " + below.string());
        return Folder(name);
    }
    Folder(Folder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
    Folder& operator=(Folder&&) = delete;
    ~Folder() {
        std::error_code error;
        if (!path_.empty()) std::filesystem::remove_all(path_, error);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    explicit Folder(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

bool wanted(const std::vector<std::string>& only, std::string_view name) {
    return only.empty() || std::find(only.begin(), only.end(), name) != only.end();
}

/// True when everything asked for ran.
bool run_all(const bench::Options& options, const std::vector<std::string>& only, bench::Sheet& sheet) {
    bool all = true;
    for (const Measurement& each : measurements) {
        if (!wanted(only, each.name)) continue;
        std::fprintf(stderr, "%s ...\n", each.name);
        if (const auto ran = each.run(options, sheet); !ran) {
            sheet.note(std::string(each.name) + " stopped: " + ran.error().name + ": " + ran.error().what);
            all = false;
        }
    }
    return all;
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view{argv[1]} == bench::storm_tills_word)
        return bench::run_storm_tills(argc, argv);
    CLI::App app{"Mudi's figures, each beside its bare anchor", "mudi-bench"};
    app.footer(examples);
    bool json = false;
    bench::Options options;
    std::vector<std::string> only;
    std::string below = "build";
    std::vector<std::string> names;
    for (const Measurement& each : measurements) names.emplace_back(each.name);
    app.add_flag("--json", json, "the figures as JSON");
    app.add_flag("--quick", options.quick, "a tenth of the work, no figures to keep");
    app.add_option("--only", only, "these measurements")->check(CLI::IsMember(names));
    app.add_option("--folder", below, "where to write: on the disk to be measured")->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    const auto folder = Folder::make(below);
    if (!folder) {
        std::fprintf(stderr, "mudi-bench: %s\n", folder.error().what.c_str());
        return 1;
    }
    options.folder = folder->path();
    options.programs = cli::own_folder();
    options.fifo = bench::look_at_machine().fifo;
    bench::Sheet sheet;
    if (bench::is_in_memory(options.folder))
        sheet.note("This folder is in memory: commits cost nothing here.");
    if (options.quick) sheet.note("A quick run: too few samples for figures to keep.");
    const bool ran = run_all(options, only, sheet);
    std::fputs(json ? sheet.json().c_str() : sheet.table().c_str(), stdout);
    return ran && sheet.budgets_kept() ? 0 : 1;
}
