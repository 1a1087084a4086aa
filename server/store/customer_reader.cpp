#include <mudi/server/customers.hpp>

#include <algorithm>
#include <charconv>

#include <mudi/base/text.hpp>
#include <mudi/server/records.hpp>

namespace mudi::server {

struct CustomerReader::Impl {
    Impl(db::Connection& connection, const Key256& identifier_key, crm::IdentifierRules identifier_rules)
        : key(identifier_key), rules(std::move(identifier_rules)), profiles(connection),
          purchases(connection) {}

    Status find(const Result<crm::Identifier>& identifier, std::vector<ProfileId>& found) {
        if (!identifier) return {};
        MUDI_TRY(const auto more, profiles.profiles_with(crm::identifier_hash(key, *identifier)));
        found.insert(found.end(), more.begin(), more.end());
        return {};
    }

    Key256 key;
    crm::IdentifierRules rules;
    ProfileReader profiles;
    PurchaseReader purchases;
};

CustomerReader::CustomerReader(db::Connection& connection, const Key256& identifier_key,
                               crm::IdentifierRules rules)
    : impl_(std::make_unique<Impl>(connection, identifier_key, std::move(rules))) {}
CustomerReader::~CustomerReader() = default;

Result<std::vector<ProfileId>> CustomerReader::find(std::string_view query) {
    std::vector<ProfileId> found;
    if (!is_utf8(query)) return found;
    MUDI_CHECK(impl_->find(crm::parse_card(query, impl_->rules), found));
    MUDI_CHECK(impl_->find(crm::parse_phone(query, impl_->rules), found));
    SourceRecordId id;
    const std::string_view digits = trim(query);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id.value);
    if (error == std::errc{} && end == digits.data() + digits.size()) {
        MUDI_TRY(const ProfileId profile, impl_->profiles.profile_of(id));
        if (profile.value != 0) found.push_back(profile);
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

Result<ProfileView> CustomerReader::profile(ProfileId asked) {
    ProfileView view;
    MUDI_TRY(view.id, impl_->profiles.profile_of(SourceRecordId{asked.value}));
    if (view.id.value == 0) return fail(Code::not_found, "customer.unknown", "there is no such customer");
    MUDI_TRY(auto members, impl_->profiles.members(view.id));
    std::vector<crm::MergeRecord> current;
    std::vector<SourceRecordId> ids;
    for (ProfileReader::Member& member : members) {
        ids.push_back(member.record.id);
        if (!member.superseded) current.push_back(member.record);
        view.records.push_back({member.record.id, std::move(member.record.record), member.superseded});
    }
    view.golden = crm::golden_record(current);
    view.golden.source.clear();
    view.golden.source_key.clear();
    MUDI_TRY(view.links, impl_->profiles.links(ids));
    MUDI_TRY(const auto totals, impl_->profiles.totals(ids));
    view.points = totals.points;
    view.tier = tier_of(totals.spent);
    view.visits = totals.visits;
    view.spent = Money{totals.spent, inr};
    view.last_visit = totals.last;
    MUDI_TRY(view.offers, impl_->profiles.offers(view.id));
    MUDI_TRY(view.purchases, impl_->purchases.of_profile(view.id, 20));
    return view;
}

} // namespace mudi::server
