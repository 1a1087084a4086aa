#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/fleet.hpp"
#include "support/temp_dir.hpp"

/// A chain whose customers spend points: a real server and real tills, driven as a POS program drives them.
namespace mudi::test {

/// Till 0 leads store KOL01, till 1 is its neighbour, till 2 stands alone in PUN01.
inline constexpr std::size_t lead = 0;
inline constexpr std::size_t neighbour = 1;
inline constexpr std::size_t elsewhere = 2;

class PointsShop {
public:
    /// `points` are lines of the section [points] of server.toml. Starts everything.
    explicit PointsShop(const std::string& points = {});

    struct Answer {
        int status{};
        nlohmann::json body;
        [[nodiscard]] std::string code() const { return body.is_object() ? body.value("code", "") : ""; }
        [[nodiscard]] std::int64_t available() const { return body.value("available", std::int64_t{-1}); }
    };
    /// Whatever it answers.
    [[nodiscard]] Answer call(std::size_t till, const std::string& method, const std::string& path,
                              const nlohmann::json& body = {},
                              const std::vector<std::pair<std::string, std::string>>& headers = {}) const;

    /// A sale that earns so many points.
    void earn(std::size_t till, const std::string& card, std::int64_t points);
    /// Opens a transaction and scans the card; gives the transaction's number.
    /// What a till believes the customer has.
    std::int64_t points_at(std::size_t till, const std::string& card);
    std::string scan(std::size_t till, const std::string& card);
    [[nodiscard]] Answer redeem(std::size_t till, const std::string& number, std::int64_t points,
                                const std::string& language = "en") const;
    /// Completes the transaction with what `redeem` gave; true when it is saved.
    [[nodiscard]] bool pay(std::size_t till, const std::string& number, const Answer& held) const;
    /// Scan, redeem, pay: 0 when refused (`refused` then says how), else the points.
    std::int64_t spend(std::size_t till, const std::string& card, std::int64_t points,
                       Answer* refused = nullptr);
    /// The same again until it is granted; false when it never is.
    bool spend_in_time(std::size_t till, const std::string& card, std::int64_t points,
                       std::chrono::seconds patience = std::chrono::seconds{60});

    [[nodiscard]] nlohmann::json status(std::size_t till) const;
    /// What the till holds under its own right, of all customers.
    [[nodiscard]] std::int64_t rights(std::size_t till) const;
    /// The customer's points, as the server has them.
    [[nodiscard]] std::int64_t balance(const std::string& card) const;
    /// GET /api/v1/points; the server looks at it once a minute.
    [[nodiscard]] nlohmann::json exposure() const;
    /// From /metrics, of this moment.
    [[nodiscard]] std::int64_t metric(const std::string& name) const;
    [[nodiscard]] nlohmann::json server_get(const std::string& path) const;
    nlohmann::json server_post(const std::string& path,
                               const nlohmann::json& body = nlohmann::json::object()) const;

    /// Everything told and applied, every till level with the feed, and the lead holds so many points.
    [[nodiscard]] bool level(std::int64_t lead_holds) const;
    /// Every till knows that the server went.
    [[nodiscard]] bool server_missed() const;
    void kill_server();
    /// As a power cut of the machine would: the till's memory outside of its database is gone.
    void power_cut(std::size_t till);

    static bool eventually(const std::function<bool()>& done,
                           std::chrono::seconds patience = std::chrono::seconds{60});

    TempDir folder;
    cli::Fleet fleet;

private:
    std::int64_t sales_{0};
};

} // namespace mudi::test
