#include "cli/enrol.hpp"

#include <chrono>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <mudi/base/clock.hpp>
#include <mudi/base/file.hpp>
#include <mudi/sync/enrolment.hpp>
#include <mudi/sync/identity.hpp>

#include "cli/answers.hpp"
#include "cli/server_client.hpp"

namespace mudi::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr Duration enrol_timeout{30'000};

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

bool answer_was_lost(const Error& error) {
    return error.name == "http.timeout" || error.name == "http.broken";
}

/// Nothing more comes of this key and this code.
bool is_refusal(const Error& error) {
    return error.code != Code::unavailable && error.code != Code::busy && error.code != Code::io;
}

/// What happened is not always told by the error's own words.
Error explained(Error error, const std::string& server) {
    if (error.name == "http.connect" || answer_was_lost(error))
        error.what = "the server at " + server + " does not answer: " + error.what;
    if (answer_was_lost(error))
        error.what += "; is that the address of [http] listen? The same command may be given again: its code "
                      "stays good for this machine";
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
    const auto send = [&] {
        return client.send("POST", "/enrol", body.dump(), false, "application/json", enrol_timeout);
    };
    auto document = send();
    // The same code and key get the same answer again.
    if (!document && answer_was_lost(document.error())) document = send();
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
                    ": set the clock and enrol again; within the hour the same code will do");
}

/// Beside the key.
Status write_identity(const fs::path& folder, const sync::EnrolAnswer& answer) {
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

/// The new folder takes the place of the old one, which stays aside. There is an identity all the while.
Status put_in_place(const fs::path& fresh, const fs::path& identity) {
    std::error_code error;
    if (!fs::exists(identity, error)) {
        fs::rename(fresh, identity, error);
        return error ? Status(io(identity, error)) : Status{};
    }
    const fs::path old = identity.string() + ".old";
    fs::remove_all(old, error);
    if (error) return io(old, error);
    if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, identity.c_str(), RENAME_EXCHANGE) == 0) {
        fs::rename(fresh, old, error);
        return error ? Status(io(old, error)) : Status{};
    }
    // A file system that cannot exchange.
    fs::rename(identity, old, error);
    if (!error) fs::rename(fresh, identity, error);
    return error ? Status(io(identity, error)) : Status{};
}

/// The folder that becomes the identity. It goes away unless it does, or unless its key may be the one that
/// the server knows by now: the answer was lost, the disk filled up, somebody pressed Ctrl-C.
struct Fresh {
    explicit Fresh(fs::path folder) : path(std::move(folder)) {}
    Fresh(const Fresh&) = delete;
    Fresh& operator=(const Fresh&) = delete;
    ~Fresh() {
        if (kept) return;
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    [[nodiscard]] std::string key_file() const { return (path / "key.pem").string(); }
    fs::path path;
    bool kept{false};
};

/// The key that an attempt without an outcome left there, else a new one. It is on the disk before the code
/// is spent: where nothing can be written, and on a full disk, that is noticed here.
Result<sync::TillKey> key_in(const Fresh& fresh) {
    MUDI_CHECK(make_folder(fresh.path.string(), 0700));
    if (const auto left = read_small_file(fresh.key_file(), sync::identity_pem_bytes_max)) {
        if (auto key = sync::TillKey::from_pem(*left)) return key;
    }
    MUDI_TRY(auto key, sync::TillKey::make());
    MUDI_TRY(const auto pem, key.pem());
    MUDI_CHECK(write_file(fresh.key_file(), pem, 0600));
    return key;
}

Status keep(const sync::EnrolAnswer& answer, const Fresh& fresh, const fs::path& identity) {
    MUDI_CHECK(write_identity(fresh.path, answer));
    MUDI_CHECK(give_to_owner(fresh.path, identity.parent_path()));
    return put_in_place(fresh.path, identity);
}

/// The certificate is of this key and this till, and good by this machine's clock.
Result<sync::CertificateFacts> check(const sync::EnrolAnswer& answer, const sync::TillKey& key, Time now) {
    MUDI_TRY(auto facts, sync::read_certificate(answer.certificate_pem));
    if (facts.public_key != key.public_key() || facts.till != answer.till)
        return fail(Code::corrupt, "enrol.certificate", "the server signed another key than this till's");
    MUDI_CHECK(check_clock(facts, now));
    return facts;
}

} // namespace

Result<Enrolled> enrol_till(const EnrolOptions& options, const Clock& clock) {
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
    Fresh fresh(options.data_dir / "identity.new");
    MUDI_TRY(const auto key, key_in(fresh));
    MUDI_TRY(auto csr, key.request(TillId{}));

    fresh.kept = true;
    const auto exchange = ask(options.server, sync::make_enrol_request(*code, std::move(csr)), *code);
    if (!exchange) {
        fresh.kept = !is_refusal(exchange.error());
        return tl::make_unexpected(exchange.error());
    }
    const auto& answer = exchange->answer;
    const Time now = clock.wall();
    MUDI_TRY(const auto facts, check(answer, key, now));
    if (auto written = keep(answer, fresh, identity); !written) {
        Error why = std::move(written).error();
        why.what += "; when that is mended the same command may be given again";
        return tl::make_unexpected(std::move(why));
    }

    Enrolled enrolled{answer.till, answer.store, answer.workstation, answer.sync_url, facts.not_after, {}};
    if (exchange->server_time) enrolled.clock_ahead = now - *exchange->server_time;
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
