#include <algorithm>
#include <utility>

#include <mudi/base/text.hpp>
#include <mudi/crm/transaction_rules.hpp>
#include <mudi/till/name_fold.hpp>

#include "desk_impl.hpp"

namespace mudi::till {
namespace {

constexpr std::size_t found_max = 20;
constexpr std::size_t typed_bytes_max = 200;

} // namespace

Result<crm::Identifier> Desk::Impl::parse(const Presented& presented, Time now) const {
    switch (presented.kind) {
    case PresentedKind::card: return crm::parse_card(presented.value, rules);
    case PresentedKind::phone: return crm::parse_phone(presented.value, rules);
    case PresentedKind::qr: break;
    }
    return crm::parse_qr(presented.value, rules, now);
}

std::optional<IdentifierHash> Desk::Impl::hash_of(const crm::Identifier& identifier) const {
    if (!identifier_key) return std::nullopt;
    return crm::identifier_hash(*identifier_key, identifier);
}

Result<std::optional<HeldProfile>> Desk::Impl::held(const crm::Identifier& identifier) {
    const auto hash = hash_of(identifier);
    if (!hash) return std::optional<HeldProfile>{};
    auto found = storage.find_profile(*hash);
    // A damaged slice is no reason not to sell; the feed brings it anew.
    if (!found && found.error().code == Code::corrupt) return std::optional<HeldProfile>{};
    return found;
}

Result<CustomerView> Desk::Impl::view(const HeldProfile& profile, Time now,
                                      const OpenTransaction* transaction) {
    CustomerView customer;
    customer.profile = profile.slice.id;
    customer.name = profile.slice.name;
    customer.language = profile.slice.language;
    customer.tier = profile.slice.tier;
    customer.points = available(profile, now);
    customer.stale = is_stale(now);
    if (transaction != nullptr) {
        MUDI_TRY(customer.offers, offers_of(profile, *transaction, now));
    }
    return customer;
}

Result<CustomerView> Desk::Impl::identify(OpenTransaction& transaction, const Presented& presented,
                                          Time now) {
    MUDI_TRY(auto identifier, parse(presented, now));
    MUDI_TRY(const auto profile, held(identifier));
    const bool same = transaction.member && (transaction.member->identifier == identifier ||
                                             (profile && transaction.member->profile == profile->slice.id));
    if (transaction.member && !same) MUDI_CHECK(forget_customer(transaction, now));
    crm::Member member{std::move(identifier), {}};
    if (profile) member.profile = profile->slice.id;
    transaction.member = std::move(member);
    if (!profile)
        return fail(Code::not_found, "customer.unknown", "nobody is known here under this identifier");
    return view(*profile, now, &transaction);
}

Status Desk::Impl::forget_customer(OpenTransaction& transaction, Time now) {
    if (transaction.hold) MUDI_CHECK(release(transaction, now));
    transaction.asking.reset();
    transaction.applied.clear();
    transaction.member.reset();
    return {};
}

Result<EventId> Desk::Impl::join(const JoinDocument& document, Time now) {
    const std::string_view name = trim(document.name);
    if (name.empty()) return fail(Code::invalid, "join.name", "a customer joins with a name");
    if (!is_storable(name, crm::text_bytes_max) || !is_storable(document.language, 35)) {
        return fail(Code::invalid, "join.text",
                    "a text is too long, not UTF-8, or holds what may not be stored");
    }
    if (document.phone.empty() && document.card.empty()) {
        return fail(Code::invalid, "join.identifier", "a customer joins with a phone or a card");
    }
    const EventId id{random.bits128()};
    crm::SourceRecord person;
    person.source = "till:" + std::to_string(options.till.value);
    person.source_key = to_hex(id.value);
    person.name = std::string(name);
    person.language = document.language;
    person.home_store = options.store;
    person.marketing = document.marketing;
    if (!document.phone.empty()) {
        MUDI_TRY(auto phone, crm::parse_phone(document.phone, rules));
        person.phone = std::move(phone.value);
        person.phone_verified = document.phone_verified;
    }
    if (!document.card.empty()) {
        MUDI_TRY(auto card, crm::parse_card(document.card, rules));
        person.cards.push_back(std::move(card.value));
    }
    SaleToRecord record;
    record.captured = now;
    record.event.id = id;
    record.event.hlc = hlc.next(now);
    record.event.kind = static_cast<std::uint32_t>(sync::EventKind::source_record);
    record.event.body = sync::encode(person);
    MUDI_TRY(last_captured, storage.record(record));
    return id;
}

Result<std::vector<CustomerView>> Desk::Impl::search(std::string_view typed, Time now) {
    typed = trim(typed);
    std::vector<CustomerView> customers;
    if (typed.empty() || typed.size() > typed_bytes_max || !is_utf8(typed)) return customers;
    for (const PresentedKind kind : {PresentedKind::phone, PresentedKind::card}) {
        const auto identifier = parse({kind, std::string(typed)}, now);
        if (!identifier) continue;
        MUDI_TRY(const auto profile, held(*identifier));
        if (!profile) continue;
        MUDI_TRY(auto found, view(*profile, now, nullptr));
        customers.push_back(std::move(found));
        return customers;
    }
    const auto keys = name_parts(typed);
    if (keys.empty()) return customers;
    MUDI_TRY(const auto profiles, storage.search_profiles(keys, found_max));
    for (const HeldProfile& profile : profiles) {
        MUDI_TRY(auto found, view(profile, now, nullptr));
        customers.push_back(std::move(found));
    }
    std::ranges::sort(customers, {},
                      [](const CustomerView& c) { return std::pair(std::string_view(c.name), c.profile); });
    return customers;
}

Result<std::vector<TransactionKey>> Desk::Impl::feed_applied(std::span<const ProfileId> changed,
                                                             bool settings_changed, Time now) {
    // What fails here is done by tidy().
    (void)return_rights(now).has_value();
    if (settings_changed) {
        MUDI_TRY(const auto memory, storage.load());
        use_settings(memory.settings);
    }
    std::vector<TransactionKey> touched;
    const auto is_changed = [&](const std::optional<ProfileId>& id) {
        return id && std::ranges::find(changed, *id) != changed.end();
    };
    for (auto& [key, transaction] : open) {
        if (!transaction.member) continue;
        const auto before = transaction.member->profile;
        MUDI_TRY(const auto profile, held(transaction.member->identifier));
        transaction.member->profile = profile ? std::optional{profile->slice.id} : std::nullopt;
        if (transaction.member->profile != before || is_changed(before)) touched.push_back(key);
    }
    return touched;
}

} // namespace mudi::till
