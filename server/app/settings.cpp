#include "settings.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include <mudi/base/text.hpp>

namespace mudi::server {
namespace {

constexpr std::int64_t amount_max = 100'000'000;
constexpr std::int64_t redeem_max = 1'000'000;

tl::unexpected<Error> refuse(std::string_view key, std::string_view rule) {
    return fail(Code::invalid, "config.value", std::string(key) + " " + std::string(rule));
}

template <class T>
bool number_from(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

/// "29:13" or "60:12-16": the digits a shop's own cards begin with, perhaps none, and how many digits they
/// have.
std::optional<crm::CardRange> card_range_from(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto lengths = text.substr(colon + 1);
    const auto dash = lengths.find('-');
    crm::CardRange range;
    range.prefix = std::string(text.substr(0, colon));
    if (!range.prefix.empty() && !is_digits(range.prefix)) return std::nullopt;
    if (!number_from(lengths.substr(0, dash), range.digits_min)) return std::nullopt;
    range.digits_max = range.digits_min;
    if (dash != std::string_view::npos && !number_from(lengths.substr(dash + 1), range.digits_max))
        return std::nullopt;
    if (range.digits_min < 1 || range.digits_max > 32 || range.digits_min > range.digits_max)
        return std::nullopt;
    return range;
}

Status read_address(std::string_view text, std::string& address, std::uint16_t& port) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || !number_from(text.substr(colon + 1), port)) {
        return refuse("http.listen", "must be an address and a port such as \"127.0.0.1:7080\"");
    }
    address = std::string(text.substr(0, colon));
    if (address.front() == '[' && address.back() == ']') address = address.substr(1, address.size() - 2);
    return {};
}

log::Level level_from(std::string_view word) {
    if (word == "debug") return log::Level::debug;
    if (word == "warning") return log::Level::warning;
    if (word == "error") return log::Level::error;
    return log::Level::info;
}

db::Durability durability_from(std::string_view word) {
    if (word == "normal") return db::Durability::normal;
    if (word == "off") return db::Durability::off;
    return db::Durability::full;
}

} // namespace

void Settings::visit(config::Visitor& v) {
    v.text("data_dir", data_dir, {1, 500}, "Database, certificates and the operator's token are kept here.");
    v.text("database", database, {0, 500},
           "\"sqlite:PATH\" or \"postgresql://…\"; empty: mudi.db in data_dir.");
    v.choice("durability", durability, {"full", "normal", "off"},
             "Anything but full can lose acknowledged sales.");
    v.choice("log_level", log_level, {"debug", "info", "warning", "error"}, "How much it tells on stderr.");
    v.text("currency", currency, {3, 3}, "ISO 4217; amounts below are in its minor units.");
    v.texts("stores", stores, {1000, {1, 32}}, "Tills of other stores are refused; empty: any store.");

    v.section("cards", "Identifiers of customers; the same as on the tills.");
    v.texts(
        "ranges", card_ranges, {100, {1, 40}},
        "Numbers the shop gives out that look like bank cards, as \"PREFIX:DIGITS\" or \"PREFIX:MIN-MAX\".");
    v.text("country_code", country_code, {1, 3}, "Calling code of phones written without one.");

    v.section("sync", "Where the tills connect.");
    v.text("listen", sync_listen, {1, 200},
           "tls+tcp://, or tcp:// without encryption; port 0 takes a free one.");
    v.texts("names", sync_names, {32, {1, 253}},
            "Names and addresses by which tills reach this server, for its certificate.");

    v.choice(
        "access", sync_access, {"enrolled", "open"},
        "\"open\" takes any till that comes, without proof of who it is: for trials on one machine only.");

    v.section("backup", "Verified copies of an SQLite database; what one holds may leave the tills.");
    v.integer("every_hours", backup_every_hours, {0, 24 * 365}, "0: only when `mudi server backup` asks.");
    v.text("folder", backup_folder, {0, 500}, "Better on another disk; empty: backups in data_dir.");
    v.integer("keep", backup_keep, {1, 10'000}, "Of those made by itself; older ones are deleted.");

    v.section("http", "REST API and console.");
    v.text("listen", http_listen, {1, 200}, "Port 0 takes a free one.");
    v.texts("hosts", http_hosts, {32, {1, 253}},
            "Host names by which it is called besides the loopback ones.");
    v.texts("origins", http_origins, {32, {1, 253}}, "Origins of foreign pages that may call it.");

    visit_rules(v);
}

void Settings::visit_rules(config::Visitor& v) {
    v.section("loyalty", "Points.");
    v.integer("per_point", per_point, {1, amount_max}, "One point for so much spent on goods.");
    v.integer("point_value", point_value, {1, amount_max}, "What a point pays.");
    v.integer("redeem_min", redeem_min, {1, redeem_max}, "Fewer points cannot be redeemed.");
    v.integer(
        "redeem_offline_max", redeem_offline_max, {0, redeem_max},
        "What one customer may redeem at one till while the server cannot be asked, under a floor limit.");

    v.section("points", "Spending points while the server cannot be asked.");
    v.choice("offline", points_offline, {"escrow", "floor"},
             "\"escrow\": only points set aside before, never more than there are; \"floor\": up to "
             "redeem_offline_max at every till, at the owner's risk.");
    v.integer("store_max", points_store_max, {0, redeem_max},
              "So many of one customer's are set aside for a store; its lead till keeps them.");
    v.integer("till_max", points_till_max, {0, redeem_max},
              "And for any other till, for when its store's lead is away too.");

    v.section("offers", "Offers made out to customers.");
    v.integer("usual_percent", usual_percent, {0, 10'000},
              "Off the usual item that is overdue, in basis points.");
    v.integer("category_percent", category_percent, {0, 10'000},
              "Off the favourite category, in basis points.");
    v.integer("welcome_amount", welcome_amount, {0, amount_max}, "Off a new customer's basket.");
    v.integer("welcome_basket_min", welcome_basket_min, {0, amount_max}, "That basket must reach so much.");
    v.integer("discount_max", discount_max, {0, amount_max}, "No use of an offer costs more; 0: no cap.");
    v.integer("valid_days", valid_days, {1, 365}, "An offer is out for so many days.");
    v.integer("offers_max", offers_max, {0, 20}, "At most so many for one customer at a time.");
}

Reach reach_of(const std::string& listening, const std::vector<std::string>& names) {
    const auto scheme = listening.find("://");
    const auto colon = listening.rfind(':');
    if (listening.starts_with("ipc://") || scheme == std::string::npos || colon <= scheme + 2)
        return {listening, {}};
    auto host = listening.substr(scheme + 3, colon - scheme - 3);
    const bool every = host == "0.0.0.0" || host == "[::]" || host == "*" || host.empty();
    if (!every || names.empty()) {
        if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
        const bool named = std::find(names.begin(), names.end(), host) != names.end();
        return {listening, named || names.empty() ? host : names.front()};
    }
    const auto& name = names.front();
    const bool v6 = name.find(':') != std::string::npos;
    return {listening.substr(0, scheme + 3) + (v6 ? "[" + name + "]" : name) + listening.substr(colon), name};
}

Result<Plan> plan_from(const Settings& settings) {
    Plan plan;
    plan.data_dir = std::filesystem::absolute(settings.data_dir).lexically_normal();
    const auto target =
        settings.database.empty() ? "sqlite:" + (plan.data_dir / "mudi.db").string() : settings.database;
    auto database = db::parse_target(target);
    if (!database) return refuse("database", "must be \"sqlite:PATH\" or \"postgresql://…\"");
    plan.database = *std::move(database);
    plan.database.durability = durability_from(settings.durability);
    plan.log_level = level_from(settings.log_level);

    const auto currency = currency_from_code(settings.currency);
    if (!currency) return refuse("currency", "is not a currency we know");
    plan.currency = *currency;
    if (!is_digits(settings.country_code)) return refuse("cards.country_code", "must be digits");
    plan.identifiers.country_code = settings.country_code;
    for (const auto& text : settings.card_ranges) {
        auto range = card_range_from(text);
        if (!range)
            return refuse("cards.ranges",
                          "holds something else than \"PREFIX:DIGITS\" or \"PREFIX:MIN-MAX\"");
        plan.identifiers.loyalty_ranges.push_back(*std::move(range));
    }
    for (const auto& store : settings.stores) plan.stores.push_back(StoreId{store});

    plan.loyalty = {{settings.per_point, *currency},
                    {settings.point_value, *currency},
                    Points{settings.redeem_min},
                    Points{settings.redeem_offline_max}};
    plan.points = {
        settings.points_offline == "floor" ? crm::OfflinePoints::floor_limit : crm::OfflinePoints::escrow,
        {Points{settings.points_store_max}, Points{settings.points_till_max}, Points{settings.redeem_min}}};
    plan.offers = {.currency = *currency,
                   .usual_percent = {settings.usual_percent},
                   .category_percent = {settings.category_percent},
                   .welcome_amount = {settings.welcome_amount, *currency},
                   .welcome_basket_min = {settings.welcome_basket_min, *currency},
                   .discount_max = {settings.discount_max, *currency},
                   .valid_for = std::chrono::days{settings.valid_days},
                   .offers_max = static_cast<std::size_t>(settings.offers_max)};

    const std::string_view listen = settings.sync_listen;
    if (!listen.starts_with("tls+tcp://") && !listen.starts_with("tcp://") && !listen.starts_with("ipc://")) {
        return refuse("sync.listen", "must begin with tls+tcp://, tcp:// or ipc://");
    }
    plan.sync_listen = settings.sync_listen;
    plan.sync_names = settings.sync_names;
    plan.access = settings.sync_access == "open" ? sync::Access::open : sync::Access::enrolled;
    plan.backup_every = std::chrono::hours{settings.backup_every_hours};
    plan.backup_folder = settings.backup_folder.empty()
                             ? plan.data_dir / "backups"
                             : std::filesystem::absolute(settings.backup_folder).lexically_normal();
    plan.backup_keep = static_cast<std::size_t>(settings.backup_keep);
    MUDI_CHECK(read_address(settings.http_listen, plan.http_address, plan.http_port));
    plan.http_hosts = settings.http_hosts;
    plan.http_origins = settings.http_origins;
    return plan;
}

} // namespace mudi::server
