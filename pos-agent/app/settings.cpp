#include "settings.hpp"

#include <charconv>

#include <mudi/base/text.hpp>

namespace mudi::till {
namespace {

tl::unexpected<Error> wrong(std::string_view key, std::string_view rule) {
    return fail(Code::invalid, "config.range", std::string(key) + " " + std::string(rule));
}

std::optional<int> small_number(std::string_view digits) {
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || value < 1 || value > 32)
        return std::nullopt;
    return value;
}

/// "29:13" or "60:12-16"; the prefix may be empty.
std::optional<crm::CardRange> card_range(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view prefix = text.substr(0, colon);
    const std::string_view lengths = text.substr(colon + 1);
    const auto dash = lengths.find('-');
    const auto min = small_number(lengths.substr(0, dash));
    const auto max = dash == std::string_view::npos ? min : small_number(lengths.substr(dash + 1));
    if ((!prefix.empty() && !is_digits(prefix)) || !min || !max || *max < *min) return std::nullopt;
    return crm::CardRange{std::string(prefix), *min, *max};
}

bool is_address(std::string_view url) {
    return url.empty() || ((url.starts_with("tcp://") || url.starts_with("tls+tcp://")) &&
                           url.rfind(':') > url.find("://") + 2);
}

/// "tcp://0.0.0.0:7444" and the like name no address that a neighbour could dial.
bool is_everywhere(std::string_view url) {
    return url.find("//0.0.0.0:") != std::string_view::npos ||
           url.find("//[::]:") != std::string_view::npos || url.find("//*:") != std::string_view::npos;
}

Status check_lead(const Settings& settings) {
    if (!is_address(settings.lead_listen)) return wrong("lead.listen", "must be tls+tcp://ADDRESS:PORT");
    if (!is_address(settings.lead_url) || is_everywhere(settings.lead_url))
        return wrong("lead.url", "must be tls+tcp://HOST:PORT, as a neighbour dials it");
    if (settings.lead_url.empty() && is_everywhere(settings.lead_listen))
        return wrong("lead.url", "must be given when lead.listen stands for every address");
    if (settings.lead_listen.empty() && !settings.lead_url.empty())
        return wrong("lead.url", "says nothing without lead.listen");
    return {};
}

Result<log::Level> log_level(std::string_view word) {
    if (word == "debug") return log::Level::debug;
    if (word == "warning") return log::Level::warning;
    return word == "error" ? log::Level::error : log::Level::info;
}

} // namespace

void Settings::visit(config::Visitor& v) {
    v.text("data_dir", data_dir, {1, 200}, "Database, keys, spool folder and socket.");
    v.integer("till", till, {0, 1'000'000'000},
              "The till's number, unique in the chain; 0 = as it was enrolled.");
    v.text("store", store, {0, 32}, "The store's own short word; empty = as it was enrolled.");
    v.text("workstation", workstation, {0, 32},
           "The workstation's own short word; empty = as it was enrolled.");
    v.text("currency", currency, {3, 3}, "ISO 4217.");
    v.integer("zone_offset_minutes", zone_offset_minutes, {-14 * 60, 14 * 60},
              "How far the shop's clock stands ahead of UTC.");
    v.choice("language", language, {"en", "bn", "mr", "hi"}, "For people who have not chosen one.");
    v.choice("log_level", log_level, {"debug", "info", "warning", "error"},
             "What goes to stderr: this and what is graver.");
    v.choice("durability", durability, {"full", "off"},
             "\"off\" may lose sales in a power cut: for measuring only.");
    v.integer("disk_reserve_mib", disk_reserve_mib, {0, 4096},
              "Kept back in data_dir, so that sales still fit when the disk is full.");
    v.text(
        "rights_witness", rights_witness, {0, 200},
        "A file that a restart of the machine forgets, beside which rights to spend points offline live on; "
        "empty = /run/mudi-till/NUMBER.rights, \"none\" = they end with the agent.");
    v.section("cards", "Identifiers of customers.");
    v.texts(
        "ranges", card_ranges, {100, {1, 40}},
        "Numbers the shop gives out that look like bank cards, as \"PREFIX:DIGITS\" or \"PREFIX:MIN-MAX\".");
    v.text("country_code", country_code, {1, 3}, "Calling code of phones written without one.");
    v.section("api", "For POS programs and the pages, on this machine only.");
    v.integer("port", port, {0, 65'535}, "On 127.0.0.1; 0 takes a free one.");
    v.text("socket", socket, {0, 100}, "Unix socket; empty = till.sock in data_dir.");
    v.texts("origins", origins, {20, {1, 200}},
            "Exact origins of POS pages that may call, as \"https://pos.example\".");
    v.section("sync", "The store server.");
    v.text("server", server, {0, 300}, "tls+tcp://HOST:PORT; empty = where it was enrolled, or work alone.");
    v.text("ca_file", ca_file, {0, 300},
           "PEM of the server's CA, needed for tls+tcp://; empty = as it was enrolled.");
    v.text("server_name", server_name, {0, 253},
           "Name in the server's certificate; empty = the host of the address.");
    v.text("certificate_file", certificate_file, {0, 300},
           "PEM of the till's own certificate, where the server asks for one; not for an enrolled till.");
    v.text("key_file", key_file, {0, 300}, "PEM of its key.");
    v.section("lead",
              "Only on the store's lead till: its neighbours ask it for points while the server is away.");
    v.text("listen", lead_listen, {0, 300},
           "tls+tcp://ADDRESS:PORT on the shop's own network; empty = it lends nothing.");
    v.text("url", lead_url, {0, 300},
           "Where the neighbours reach it, as they are told; empty = as it listens.");
}

Result<Settings> with_enrolment(Settings settings) {
    const IdentityFolder folder = settings.identity();
    MUDI_TRY(const auto enrolment, read_enrolment(folder));
    if (!enrolment) return settings;
    const std::string other = "differs from the enrolment in " + folder.path + ": leave it out";
    if (settings.till != 0 && settings.till != enrolment->till) return wrong("till", other);
    if (!settings.store.empty() && settings.store != enrolment->store) return wrong("store", other);
    if (!settings.workstation.empty() && settings.workstation != enrolment->workstation)
        return wrong("workstation", other);
    if (!settings.certificate_file.empty() || !settings.key_file.empty())
        return wrong("sync.certificate_file",
                     "and sync.key_file are not for an enrolled till: leave them out");
    settings.enrolled = true;
    settings.till = enrolment->till;
    settings.store = enrolment->store;
    settings.workstation = enrolment->workstation;
    if (settings.server.empty()) settings.server = enrolment->server;
    if (settings.server_name.empty()) settings.server_name = enrolment->server_name;
    if (settings.ca_file.empty()) settings.ca_file = folder.ca();
    settings.certificate_file = folder.certificate();
    settings.key_file = folder.key();
    return settings;
}

Status check_complete(const Settings& settings) {
    if (settings.till < 1) return wrong("till", "must be given (1 or more), or the till enrolled");
    if (settings.store.empty()) return wrong("store", "must be given, or the till enrolled");
    if (settings.workstation.empty()) return wrong("workstation", "must be given, or the till enrolled");
    if (settings.server.starts_with("tls+tcp://") && settings.ca_file.empty())
        return wrong("sync.ca_file", "must be given for tls+tcp://");
    return {};
}

Result<CheckedSettings> check(const Settings& settings) {
    if (!settings.data_dir.starts_with('/')) return wrong("data_dir", "must begin with /");
    CheckedSettings checked;
    const auto currency = currency_from_code(settings.currency);
    if (!currency) return wrong("currency", "is not known");
    checked.currency = *currency;
    if (!is_digits(settings.country_code)) return wrong("cards.country_code", "must be digits");
    checked.identifiers.country_code = settings.country_code;
    for (const std::string& text : settings.card_ranges) {
        auto range = card_range(text);
        if (!range)
            return wrong("cards.ranges", "holds something else than \"PREFIX:DIGITS\" or \"PREFIX:MIN-MAX\"");
        checked.identifiers.loyalty_ranges.push_back(*std::move(range));
    }
    for (const std::string& origin : settings.origins) {
        const bool scheme = origin.starts_with("https://") || origin.starts_with("http://");
        if (!scheme || origin.ends_with('/'))
            return wrong("api.origins", "must be like https://pos.example, without a path");
    }
    if (settings.certificate_file.empty() != settings.key_file.empty()) {
        return wrong("sync.certificate_file", "and sync.key_file go together");
    }
    MUDI_CHECK(check_lead(settings));
    MUDI_TRY(checked.log_level, log_level(settings.log_level));
    return checked;
}

} // namespace mudi::till
