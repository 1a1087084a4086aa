#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <mudi/base/config.hpp>
#include <mudi/base/log.hpp>
#include <mudi/base/money.hpp>
#include <mudi/crm/identifier.hpp>

namespace mudi::till {

/// config/till.toml. The defaults here are the file's.
struct Settings {
    std::string data_dir{"/var/lib/mudi-till"};
    std::int64_t till{0};
    std::string store;
    std::string workstation;
    std::string currency{"INR"};
    int zone_offset_minutes{330};
    std::string language{"en"};
    std::string log_level{"info"};
    std::string durability{"full"};

    std::vector<std::string> card_ranges;
    std::string country_code{"91"};

    int port{7070};
    std::string socket;
    std::vector<std::string> origins;

    std::string server;
    std::string ca_file;
    std::string server_name;
    std::string certificate_file;
    std::string key_file;

    void visit(config::Visitor& visitor);

    [[nodiscard]] std::string path(std::string_view name) const { return data_dir + "/" + std::string(name); }
    [[nodiscard]] std::string socket_path() const { return socket.empty() ? path("till.sock") : socket; }
};

/// What of the settings needs more than a limit. config.range (invalid) for each; the text names the key.
struct CheckedSettings {
    Currency currency;
    crm::IdentifierRules identifiers;
    log::Level log_level{log::Level::info};
};
Result<CheckedSettings> check(const Settings& settings);

inline constexpr std::string_view settings_title =
    "Mudi till agent. Every key may be left out except till, store and workstation.";

} // namespace mudi::till
