#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <mudi/base/config.hpp>
#include <mudi/base/log.hpp>
#include <mudi/base/money.hpp>
#include <mudi/crm/identifier.hpp>

#include "identity_folder.hpp"

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
    int disk_reserve_mib{64};
    std::string rights_witness;

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

    std::string lead_listen;
    std::string lead_url;

    bool enrolled{false}; ///< not in the file: with_enrolment found one

    void visit(config::Visitor& visitor);

    [[nodiscard]] std::string path(std::string_view name) const { return data_dir + "/" + std::string(name); }
    [[nodiscard]] IdentityFolder identity() const { return {path("identity")}; }
    [[nodiscard]] std::string socket_path() const { return socket.empty() ? path("till.sock") : socket; }
    /// Where neighbours reach this till, as the server tells them; empty: nowhere.
    [[nodiscard]] std::string advertised_lead_url() const {
        return lead_url.empty() ? lead_listen : lead_url;
    }
};

/// What the settings leave empty of who the till is and where it syncs, as its enrolment says; unchanged when
/// it was never enrolled. config.range (invalid) when the two contradict each other.
Result<Settings> with_enrolment(Settings settings);

/// What of the settings needs more than a limit. config.range (invalid) for each; the text names the key.
struct CheckedSettings {
    Currency currency;
    crm::IdentifierRules identifiers;
    log::Level log_level{log::Level::info};
};
Result<CheckedSettings> check(const Settings& settings);
/// Nothing is missing, once the enrolment is in them. config.range (invalid).
Status check_complete(const Settings& settings);

inline constexpr std::string_view settings_title =
    "Mudi till agent. Every key may be left out, but a till that is not enrolled needs till, store and "
    "workstation.";

} // namespace mudi::till
