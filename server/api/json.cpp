#include "json.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <mudi/crm/offers.hpp>

namespace mudi::server {
namespace {

using nlohmann::json;

std::int64_t us(Time time) { return to_ms(time) * 1000; }
json optional_us(const std::optional<Time>& time) { return time ? json(us(*time)) : json(nullptr); }

std::string_view word(crm::OfferKind kind) {
    switch (kind) {
    case crm::OfferKind::usual_item: return "usual_item";
    case crm::OfferKind::favourite_category: return "favourite_category";
    case crm::OfferKind::welcome: return "welcome";
    }
    return "other";
}

std::string_view word(crm::Consent consent) {
    switch (consent) {
    case crm::Consent::given: return "given";
    case crm::Consent::refused: return "refused";
    case crm::Consent::unknown: break;
    }
    return "unknown";
}

std::string_view word(crm::MergeReason reason) {
    switch (reason) {
    case crm::MergeReason::same_card: return "same_card";
    case crm::MergeReason::same_phone_and_name: return "same_phone_and_name";
    case crm::MergeReason::same_source_key: return "same_source_key";
    }
    return "other";
}

json flags_to_json(std::uint32_t flags) {
    constexpr std::pair<PurchaseFlag, std::string_view> names[] = {
        {PurchaseFlag::voided, "voided"},         {PurchaseFlag::discrepancy, "discrepancy"},
        {PurchaseFlag::conflict, "conflict"},     {PurchaseFlag::original_unknown, "original_unknown"},
        {PurchaseFlag::clock_skew, "clock_skew"}, {PurchaseFlag::points_adjusted, "points_adjusted"},
    };
    json out = json::array();
    for (const auto& [flag, name] : names) {
        if (has(flags, flag)) out.push_back(name);
    }
    return out;
}

json to_json(const crm::BusinessKey& key) {
    return {{"store", key.store.value},
            {"workstation", key.workstation.value},
            {"business_day", format_business_day(key.day)},
            {"number", key.number}};
}

json to_json(const crm::Offer& offer, std::string_view language) {
    return {{"offer", to_hex(offer.id.value)},
            {"kind", word(offer.kind)},
            {"title", crm::offer_title(offer, language)},
            {"reason", crm::offer_reason(offer, language)},
            {"item", offer.item_id},
            {"category", offer.category},
            {"percent", offer.percent.value},
            {"amount_off", offer.amount_off.minor},
            {"basket_min", offer.basket_min.minor},
            {"discount_max", offer.discount_max.minor},
            {"valid_from_us", us(offer.valid_from)},
            {"valid_to_us", us(offer.valid_to)}};
}

json to_json(const PurchaseFigures& figures) {
    return {{"transactions", figures.transactions}, {"lines", figures.lines},
            {"returns", figures.returns},           {"voids", figures.voids},
            {"adjustments", figures.adjustments},   {"training", figures.training},
            {"value_minor", figures.value_minor},   {"return_minor", figures.return_minor},
            {"void_minor", figures.void_minor}};
}

json to_json(const crm::LineItem& line) {
    json out{{"line", line.number},
             {"type", crm::to_string(line.type)},
             {"item", line.item_id},
             {"description", line.description},
             {"category", line.category},
             {"unit", line.unit},
             {"quantity", line.quantity.thousandths},
             {"amount", line.amount.minor},
             {"tax_rate", line.tax_rate.value},
             {"tax", line.tax.minor},
             {"goods", line.goods}};
    if (line.unit_price) out["unit_price"] = line.unit_price->minor;
    for (const auto& discount : line.discounts) {
        json entry{{"promotion", discount.promotion}, {"amount", discount.amount.minor}};
        if (discount.offer) entry["offer"] = to_hex(discount.offer->value);
        out["discounts"].push_back(std::move(entry));
    }
    if (line.link) {
        out["original"] = to_json(line.link->original);
        out["original"]["line"] = line.link->line;
    }
    return out;
}

json to_json(const crm::RetailTransaction& sale) {
    json out = to_json(sale.key);
    out.update({{"event", to_hex(sale.id.value)},
                {"kind", crm::to_string(sale.kind)},
                {"begin_us", us(sale.begin)},
                {"end_us", us(sale.end)},
                {"operator", sale.operator_id},
                {"currency", currency_code(sale.currency)},
                {"total", sale.total.minor},
                {"tax_total", sale.tax_total.minor},
                {"tax_included", sale.tax_included},
                {"training", sale.training},
                {"host", sale.host},
                {"lines", json::array()},
                {"tenders", json::array()},
                {"offers", json::array()},
                {"ledger", json::array()}});
    if (sale.member) {
        out["customer"] = {{"kind", crm::to_string(sale.member->identifier.kind)},
                           {"value", sale.member->identifier.value}};
        if (sale.member->profile) out["customer"]["profile"] = sale.member->profile->value;
    }
    for (const auto& line : sale.lines) out["lines"].push_back(to_json(line));
    for (const auto& tender : sale.tenders) {
        out["tenders"].push_back({{"kind", crm::to_string(tender.kind)},
                                  {"amount", tender.amount.minor},
                                  {"reference", tender.reference}});
    }
    for (const auto& offer : sale.redeemed_offers) out["offers"].push_back(to_hex(offer.value));
    for (const auto& entry : sale.ledger) {
        out["ledger"].push_back({{"kind", crm::to_string(entry.kind)}, {"points", entry.points.value}});
    }
    if (sale.link) out["original"] = to_json(*sale.link);
    return out;
}

json to_json(const crm::SourceRecord& record) {
    return {{"source", record.source},
            {"source_key", record.source_key},
            {"name", record.name},
            {"language", record.language},
            {"phone", record.phone},
            {"phone_verified", record.phone_verified},
            {"email", record.email},
            {"cards", record.cards},
            {"home_store", record.home_store.value},
            {"birthday", record.birthday},
            {"address", record.address},
            {"pincode", record.pincode},
            {"marketing", word(record.marketing)}};
}

} // namespace

json to_json(const ProfileView& profile, std::string_view language) {
    const auto& golden = profile.golden;
    if (language.empty()) language = golden.language;
    json out{{"id", profile.id.value},
             {"name", golden.name},
             {"language", golden.language},
             {"phone", golden.phone},
             {"cards", golden.cards},
             {"home_store", golden.home_store.value},
             {"records", json::array()},
             {"merged_because", json::array()},
             {"points", profile.points.value},
             {"tier", profile.tier},
             {"marketing", word(golden.marketing)},
             {"visits", profile.visits},
             {"spent", profile.spent.minor},
             {"currency", currency_code(profile.spent.currency)},
             {"last_visit_us", profile.last_visit ? json(us(*profile.last_visit)) : json(nullptr)},
             {"offers", json::array()},
             {"purchases", json::array()}};
    for (const auto& view : profile.records) {
        out["records"].push_back({{"id", view.id.value},
                                  {"source", view.record.source},
                                  {"source_key", view.record.source_key},
                                  {"name", view.record.name},
                                  {"phone", view.record.phone},
                                  {"cards", view.record.cards},
                                  {"superseded", view.superseded}});
    }
    for (const auto& link : profile.links) {
        out["merged_because"].push_back(
            {{"a", link.a.value}, {"b", link.b.value}, {"reason", word(link.reason)}});
    }
    for (const auto& offer : profile.offers) out["offers"].push_back(to_json(offer, language));
    for (const auto& row : profile.purchases) out["purchases"].push_back(to_json(row));
    return out;
}

json to_json(const PurchaseRow& row) {
    json out = to_json(row.key);
    out.update({{"arrival", row.arrival},
                {"event", to_hex(row.event.value)},
                {"till", row.till.value},
                {"kind", crm::to_string(row.kind)},
                {"training", row.training},
                {"at_us", us(row.at)},
                {"total", row.total.minor},
                {"currency", currency_code(row.total.currency)},
                {"lines", row.lines},
                {"flags", flags_to_json(row.flags)}});
    return out;
}

json to_json(const PurchaseSummary& summary) {
    json out = to_json(summary.all);
    out["customers"] = summary.customers;
    out["by_till"] = json::array();
    for (const auto& [till, figures] : summary.by_till) {
        auto entry = to_json(figures);
        entry["till"] = till.value;
        out["by_till"].push_back(std::move(entry));
    }
    return out;
}

json to_json(const QuarantinedEvent& event) {
    return {{"id", event.id},
            {"till", event.till.value},
            {"incarnation", to_hex(to_bytes(Bits128{0, event.incarnation.value}).data.substr(8))},
            {"seq", event.event.seq.value},
            {"event", to_hex(event.event.id.value)},
            {"kind", event.event.kind},
            {"schema", event.event.schema},
            {"reason", event.reason},
            {"detail", event.detail},
            {"attempts", event.attempts},
            {"received_us", us(event.received)},
            {"tried_us", us(event.tried)}};
}

json to_json(const Alarm& alarm) {
    json out{{"name", alarm.name}, {"for_ms", alarm.lasts.count()}, {"text", alarm.text}};
    if (alarm.till.value != 0) out["till"] = alarm.till.value;
    return out;
}

json to_json(const StatusCounts& counts, const ApiOptions& options, const Live& live) {
    json alarms = json::array();
    for (const auto& alarm : alarms_of(live)) alarms.push_back(to_json(alarm));
    return {{"version", options.version},
            {"generation", to_hex(to_bytes(Bits128{0, counts.generation}).data.substr(8))},
            {"starts", counts.starts},
            {"uptime_s", live.uptime_s},
            {"purchases", counts.purchases},
            {"lines", counts.lines},
            {"profiles", counts.profiles},
            {"source_records", counts.source_records},
            {"merges", counts.merges},
            {"offers_out", counts.offers_out},
            {"offers_pushed", counts.offers_pushed},
            {"feed_rows", counts.feed_rows},
            {"dirty_profiles", counts.dirty_profiles},
            {"inbox",
             {{"received", counts.received},
              {"applied", counts.applied},
              {"waiting", counts.waiting},
              {"quarantined", counts.quarantined},
              {"unsafe", counts.unsafe}}},
            {"lag_ms", counts.lag.count()},
            {"tills", counts.tills},
            {"tills_enrolled", counts.tills_enrolled},
            {"tills_revoked", counts.tills_revoked},
            {"connected", live.connected},
            {"access", options.access_open ? "open" : "enrolled"},
            {"backup",
             {{"count", counts.backups},
              {"last_us", optional_us(counts.backup_verified)},
              {"running", live.backup_running},
              {"failed", live.backup_failed}}},
            {"points",
             {{"offline", options.points.offline == crm::OfflinePoints::escrow ? "escrow" : "floor"},
              {"breached", counts.points_breached.value},
              {"confirmed", counts.points_confirmed.value},
              {"settling", counts.points_settling}}},
            {"alarms", std::move(alarms)},
            {"database", options.database},
            {"database_bytes", counts.database_bytes},
            {"rss_kib", live.rss_kib}};
}

json to_json(const TillRow& till, const Live& live, Time now) {
    const auto figures = look_at(till, live, now);
    return {{"till", till.till.value},
            {"store", till.store.value},
            {"workstation", till.workstation.value},
            {"incarnation", to_hex(to_bytes(Bits128{0, till.incarnation.value}).data.substr(8))},
            {"captured", figures.captured.value},
            {"acked", till.acked.value},
            {"unsent", figures.unsent},
            {"unsafe", till.unsafe},
            {"received", till.received},
            {"lag_ms", till.lag.count()},
            {"last_contact_us", us(figures.contact)},
            {"clock_ahead_ms", till.clock_ahead.count()},
            {"connected", figures.connected},
            {"stalled", figures.stalled},
            {"lives", till.lives},
            {"forked_us", optional_us(till.forked)},
            {"clone", figures.clone},
            {"quarantined", till.quarantined},
            {"enrolled", till.enrolled},
            {"revoked", till.revoked},
            {"certificate_until_us", optional_us(till.certificate_until)},
            {"certificate_days", figures.certificate_days ? json(*figures.certificate_days) : json(nullptr)},
            {"version", till.program},
            {"lead_url", till.lead_url}};
}

void add_enrolment(json& row, const EnrolledTill& till) {
    row["lead"] = till.lead;
    row["enrolled_us"] = optional_us(till.enrolled);
    row["revoked_us"] = optional_us(till.revoked);
    row["certificate_serial"] = till.certificate_serial;
    row["code_expires_us"] = optional_us(till.code_until);
}

json to_json(const BackupRow& row) {
    return {{"id", row.id},        {"made_us", us(row.made)},      {"verified_us", us(row.verified)},
            {"path", row.path},    {"external", row.path.empty()}, {"bytes", row.bytes},
            {"events", row.events}};
}

json to_json(const PointsExposure& exposure, Time at, const ApiOptions& options) {
    // What the points would have paid; so many that it does not fit are as many as fit.
    const auto amount = [&](Points points) {
        const Wide minor = Wide{points.value} * options.loyalty.point_value.minor;
        return static_cast<std::int64_t>(std::min<Wide>(minor, money_minor_max));
    };
    const bool escrow = options.points.offline == crm::OfflinePoints::escrow;
    json out{{"offline", escrow ? "escrow" : "floor"},
             {"store_max", options.points.rights.store_max.value},
             {"till_max", options.points.rights.till_max.value},
             {"redeem_offline_max", options.loyalty.redeem_offline_max.value},
             {"point_value", options.loyalty.point_value.minor},
             {"currency", currency_code(options.currency)},
             {"holders", exposure.aside.holders},
             {"settling", exposure.settling},
             {"as_of_us", us(at)}};
    // Under escrow nothing can be overspent.
    const Points at_risk = escrow ? Points{} : exposure.floor_worst;
    const std::pair<const char*, Points> figures[] = {{"outstanding", exposure.aside.outstanding},
                                                      {"held", exposure.aside.held},
                                                      {"breached", exposure.breached},
                                                      {"confirmed", exposure.confirmed},
                                                      {"overdrawn", exposure.overdrawn},
                                                      {"at_risk", at_risk},
                                                      {"floor_worst", exposure.floor_worst}};
    for (const auto& [name, points] : figures)
        out[name] = {{"points", points.value}, {"amount", amount(points)}};
    return out;
}

TillLook look_at(const TillRow& till, const Live& live, Time now) {
    TillLook figures;
    figures.captured = std::max(till.captured, till.acked);
    figures.contact = till.last_contact;
    figures.clone = till.clone;
    if (const auto found = live.contacts.find(till.till); found != live.contacts.end()) {
        const auto& contact = found->second;
        // A new life of the till begins at 1 again.
        if (contact.life() == till.incarnation)
            figures.captured = std::max(figures.captured, contact.captured());
        figures.contact = std::max(figures.contact, contact.last());
        // What was in touch before a restart of the server is not connected until it is heard again.
        figures.connected = contact.connected(live.now);
        figures.stalled = contact.stalled(live.now).has_value();
        figures.clone = figures.clone || contact.cloned(live.now);
    }
    figures.unsent = figures.captured.value - till.acked.value;
    if (till.certificate_until) {
        figures.certificate_days =
            std::chrono::floor<std::chrono::days>(*till.certificate_until - now).count();
    }
    return figures;
}

json to_json(const sync::EventBody& body) {
    return std::visit([](const auto& value) { return to_json(value); }, body);
}

} // namespace mudi::server
