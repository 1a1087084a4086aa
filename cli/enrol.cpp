#include "cli/enrol.hpp"

#include <chrono>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/base/file.hpp>
#include <mudi/sync/enrolment.hpp>
#include <mudi/sync/identity.hpp>

#include "cli/server_client.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr Duration enrol_timeout{30'000};

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

std::string text_of(const json& document, const char* key) {
    const auto found = document.find(key);
    return found != document.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::int64_t number_of(const json& document, const char* key) {
    const auto found = document.find(key);
    return found != document.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

tl::unexpected<Error> io(const fs::path& path, const std::error_code& error) {
    return fail(Code::io, "file.io", path.string() + ": " + error.message());
}

/// What happened is not always told by the error's own words.
Error explained(Error error, const std::string& server) {
    if (error.name == "http.connect" || error.name == "http.timeout" || error.name == "http.broken")
        error.what = "the server at " + server + " does not answer: " + error.what;
    if (error.name == "http.host")
        error.what =
            "the server does not know itself by that name: add it to [http] hosts of its server.toml";
    return error;
}

Result<sync::EnrolAnswer> answer_from(const json& document) {
    sync::EnrolAnswer answer;
    answer.till = TillId{number_of(document, "till")};
    answer.store = StoreId{text_of(document, "store")};
    answer.workstation = WorkstationId{text_of(document, "workstation")};
    answer.certificate_pem = text_of(document, "certificate");
    answer.ca_pem = text_of(document, "ca");
    answer.sync_url = text_of(document, "sync_url");
    answer.server_name = text_of(document, "server_name");
    const auto mac = bits128_from_hex(text_of(document, "mac"));
    if (!mac) return fail(Code::denied, "enrol.not_genuine", "the answer carries no proof of the code");
    answer.mac = *mac;
    return answer;
}

struct Exchange {
    sync::EnrolAnswer answer;
    std::optional<Time> server_time;
};

Result<Exchange> ask(const std::string& server, const sync::EnrolRequest& request, const std::string& code) {
    MUDI_TRY(auto target, target_of(server));
    ApiClient client(std::move(target), {});
    const json body{
        {"code_id", to_hex(request.code_id)}, {"csr", request.csr_pem}, {"mac", to_hex(request.mac)}};
    const auto document =
        client.send("POST", "/enrol", body.dump(), false, "application/json", enrol_timeout);
    if (!document) return tl::make_unexpected(explained(document.error(), server));
    Exchange exchange;
    MUDI_TRY(exchange.answer, answer_from(*document));
    if (!sync::is_genuine(sync::code_key(code), request, exchange.answer)) {
        return fail(Code::denied, "enrol.not_genuine",
                    "whoever answers at " + server + " does not know the code: nothing of it is believed");
    }
    if (const auto us = number_of(*document, "now_us"); us > 0)
        exchange.server_time = time_from_ms(us / 1000);
    return exchange;
}

/// A certificate that this machine's clock calls invalid would never connect.
Status check_clock(const sync::CertificateFacts& facts, Time now) {
    if (now >= facts.not_before && now < facts.not_after) return {};
    return fail(Code::invalid, "enrol.clock",
                "this machine's clock says " + format_time(now) + ", but the certificate is valid from " +
                    format_time(facts.not_before) + " to " + format_time(facts.not_after) +
                    ": set the clock, make a new code (mudi server till code) and enrol again");
}

Status write_identity(const fs::path& folder, const std::string& key_pem, const sync::EnrolAnswer& answer) {
    MUDI_CHECK(write_file((folder / "key.pem").string(), key_pem, 0600));
    MUDI_CHECK(write_file((folder / "certificate.pem").string(), answer.certificate_pem, 0644));
    MUDI_CHECK(write_file((folder / "ca.pem").string(), answer.ca_pem, 0644));
    return write_file(
        (folder / "enrolment.toml").string(),
        "# Who this till is; made by `mudi till enrol`.\ntill = " + std::to_string(answer.till.value) +
            "\nstore = " + quoted(answer.store.value) +
            "\nworkstation = " + quoted(answer.workstation.value) + "\nserver = " + quoted(answer.sync_url) +
            "\nserver_name = " + quoted(answer.server_name) + "\n",
        0644);
}

/// Enrolled by root for an agent that runs as somebody else: the files belong to whom the data belongs.
Status give_to_owner(const fs::path& folder, const fs::path& data_dir) {
    struct stat owner {};
    if (::geteuid() != 0 || ::stat(data_dir.c_str(), &owner) != 0 || owner.st_uid == 0) return {};
    const auto give = [&](const fs::path& path) -> Status {
        if (::lchown(path.c_str(), owner.st_uid, owner.st_gid) != 0)
            return io(path, {errno, std::generic_category()});
        return {};
    };
    MUDI_CHECK(give(folder));
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) MUDI_CHECK(give(entry.path()));
    return {};
}

/// The new folder takes the place of the old one, which stays aside.
Status put_in_place(const fs::path& fresh, const fs::path& identity) {
    std::error_code error;
    if (fs::exists(identity, error)) {
        const fs::path old = identity.string() + ".old";
        fs::remove_all(old, error);
        if (error) return io(old, error);
        fs::rename(identity, old, error);
        if (error) return io(identity, error);
    }
    fs::rename(fresh, identity, error);
    if (error) return io(identity, error);
    return {};
}

/// An empty folder for the new identity; tells before the code is spent when nothing can be written there.
Status make_fresh(const fs::path& fresh) {
    std::error_code error;
    fs::remove_all(fresh, error);
    if (error) return io(fresh, error);
    return make_folder(fresh.string(), 0700);
}

/// The folder that becomes the identity; goes away unless it does.
struct Fresh {
    explicit Fresh(fs::path folder) : path(std::move(folder)) {}
    Fresh(const Fresh&) = delete;
    Fresh& operator=(const Fresh&) = delete;
    ~Fresh() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    fs::path path;
};

/// The certificate is of this key and this till, and good by this machine's clock.
Result<sync::CertificateFacts> check(const sync::EnrolAnswer& answer, const sync::TillKey& key, Time now) {
    MUDI_TRY(auto facts, sync::read_certificate(answer.certificate_pem));
    if (facts.public_key != key.public_key() || facts.till != answer.till)
        return fail(Code::corrupt, "enrol.certificate", "the server signed another key than this till's");
    MUDI_CHECK(check_clock(facts, now));
    return facts;
}

} // namespace

Result<Enrolled> enrol_till(const EnrolOptions& options) {
    const auto code = sync::normal_code(options.code);
    if (!code) {
        return fail(Code::invalid, "enrol.code",
                    "that is no code: it looks like ABCDE-FGHJK-MNPQR-STVWX, twenty letters and digits");
    }
    const fs::path identity = options.data_dir / "identity";
    std::error_code error;
    if (!options.again && fs::exists(identity / "certificate.pem", error)) {
        return fail(Code::conflict, "enrol.already",
                    identity.string() + ": this folder is enrolled already; --again replaces its identity");
    }
    MUDI_CHECK(make_folder(options.data_dir.string(), 0750));
    const Fresh fresh(options.data_dir / "identity.new");
    MUDI_CHECK(make_fresh(fresh.path));
    MUDI_TRY(const auto key, sync::TillKey::make());
    MUDI_TRY(const auto key_pem, key.pem());
    MUDI_TRY(auto csr, key.request(TillId{}));
    // Written before the code is spent: a full disk is noticed here.
    MUDI_CHECK(write_file((fresh.path / "key.pem").string(), key_pem, 0600));

    MUDI_TRY(const auto exchange,
             ask(options.server, sync::make_enrol_request(*code, std::move(csr)), *code));
    const auto& answer = exchange.answer;
    const Time now = SystemClock{}.wall();
    MUDI_TRY(const auto facts, check(answer, key, now));
    MUDI_CHECK(write_identity(fresh.path, key_pem, answer));
    MUDI_CHECK(give_to_owner(fresh.path, options.data_dir));
    MUDI_CHECK(put_in_place(fresh.path, identity));

    Enrolled enrolled{answer.till, answer.store, answer.workstation, answer.sync_url, facts.not_after, {}};
    if (exchange.server_time) enrolled.clock_ahead = now - *exchange.server_time;
    return enrolled;
}

Result<bool> write_till_config(const fs::path& config, const fs::path& data_dir) {
    std::error_code error;
    if (fs::exists(config, error)) return false;
    if (config.has_parent_path()) MUDI_CHECK(make_folder(config.parent_path().string(), 0755));
    MUDI_CHECK(write_file(config.string(),
                          "# Mudi till agent. Till, store, workstation, server and certificate stand in\n# " +
                              (data_dir / "identity").string() +
                              " (mudi till enrol). Every key that is not here has its\n# default; "
                              "`mudi-till --print-config` shows them all.\n\ndata_dir = " +
                              quoted(data_dir.string()) + "\n",
                          0644));
    return true;
}

} // namespace mudi::cli
