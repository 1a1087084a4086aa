#include "bench/till_desk.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <mudi/base/file.hpp>
#include <mudi/crm/identifier.hpp>

namespace mudi::bench {
namespace {

constexpr std::int64_t slices_per_page = 1000;
constexpr std::chrono::days day{1};

/// The fourth script beside Latin, Bengali and Devanagari; the demo shop has none of these people.
constexpr std::array<std::string_view, 12> gujarati_given{
    "હાર્દિક", "કિંજલ", "જિગ્નેશ", "હેતલ", "ભાવેશ", "દીપ્તિ", "ચિરાગ", "નિશા", "મિતેશ", "ફાલ્ગુની", "ધવલ", "તૃપ્તિ"};
constexpr std::array<std::string_view, 10> gujarati_family{"પટેલ",  "શાહ",    "મહેતા", "દેસાઈ", "જોષી",
                                                           "પારેખ", "ત્રિવેદી", "વ્યાસ", "ઠક્કર", "સોલંકી"};

crm::StoreSettings settings_of(SeededRandom random) {
    crm::StoreSettings settings;
    settings.identifier_key = random.key256();
    return settings;
}

std::pair<std::string, std::string> name_and_language(Random& random) {
    const auto dice = random.below(5);
    if (dice == 4) {
        return {std::string(gujarati_given[random.below(gujarati_given.size())]) + " " +
                    std::string(gujarati_family[random.below(gujarati_family.size())]),
                "gu"};
    }
    const cli::PersonName name = cli::draw_name(static_cast<int>(dice), random);
    return {random.below(3) == 0 ? name.latin : name.native, name.language};
}

std::vector<crm::Offer> two_offers(const Grocery& grocery, Random& random, Time now) {
    const auto& products = grocery.shop().products;
    const cli::ShopProduct& usual = products[random.below(products.size())];
    crm::Offer offer;
    offer.id = OfferId{random.bits128()};
    offer.kind = crm::OfferKind::usual_item;
    offer.item_id = usual.item_id;
    offer.percent = BasisPoints{1000};
    offer.amount_off = offer.basket_min = Money{0, inr};
    offer.discount_max = Money{10'000, inr};
    offer.valid_from = now - day;
    offer.valid_to = now + day * 6;
    offer.reason = {.item = usual.name, .category = {}, .days_usual = 9, .days_since = 12, .times = 5};
    crm::Offer other = offer;
    other.id = OfferId{random.bits128()};
    other.kind = crm::OfferKind::favourite_category;
    other.item_id.clear();
    other.category = products[random.below(products.size())].category;
    other.percent = BasisPoints{500};
    other.basket_min = Money{20'000, inr};
    other.reason = {.item = {}, .category = other.category, .days_usual = 0, .days_since = 0, .times = 11};
    return {std::move(offer), std::move(other)};
}

crm::ProfileSlice slice_of(std::int64_t serial, const Key256& key, const Grocery& grocery, Random& random,
                           Time now) {
    crm::ProfileSlice slice;
    slice.id = ProfileId{serial};
    std::tie(slice.name, slice.language) = name_and_language(random);
    slice.tier = serial % 7 == 0 ? "gold" : "";
    slice.balance = Points{static_cast<std::int64_t>(random.below(2000))};
    slice.identifiers = {
        crm::identifier_hash(key, {crm::IdentifierKind::card, card_number(serial)}),
        crm::identifier_hash(key, {crm::IdentifierKind::phone, "+91" + phone_number(serial)}),
    };
    slice.offers = two_offers(grocery, random, now);
    return slice;
}

sync::FeedRow row(std::int64_t version, sync::FeedKind kind, std::string key, std::string body) {
    return {version, static_cast<std::uint32_t>(kind), std::move(key), false, std::move(body)};
}

} // namespace

Result<std::unique_ptr<TillDesk>> TillDesk::open(const std::filesystem::path& folder) {
    auto made = std::make_unique<TillDesk>();
    MUDI_CHECK(make_folder(folder.string(), 0750));
    till::StoreOptions options;
    options.path = (folder / "till.db").string();
    options.till = TillId{till};
    options.store = store_of(till);
    options.workstation = workstation_of(till);
    options.data_key = made->random_.key256();
    MUDI_CHECK(write_file((folder / "till.key").string(), to_hex(view(options.data_key)) + "\n", 0600));
    MUDI_TRY(made->store_, till::Store::open(options, made->random_));
    till::DeskOptions desk;
    desk.till = options.till;
    desk.store = options.store;
    desk.workstation = options.workstation;
    MUDI_TRY(made->desk_, till::Desk::open(std::move(desk), made->store_->storage(), made->random_));
    return made;
}

Status TillDesk::fill(const Grocery& grocery, std::int64_t count, Time now) {
    const crm::StoreSettings settings = settings_of(SeededRandom{9});
    SeededRandom random{11};
    std::int64_t version = 0;
    till::FeedBatch batch;
    batch.rows.push_back(row(++version, sync::FeedKind::settings, "settings", sync::encode(settings)));
    for (const cli::ShopProduct& goods : grocery.shop().products)
        batch.rows.push_back(
            row(++version, sync::FeedKind::product, goods.item_id, sync::encode(product_of(goods))));
    for (std::int64_t serial = 1; serial <= count; ++serial) {
        const auto slice = slice_of(serial, settings.identifier_key, grocery, random, now);
        batch.rows.push_back(
            row(++version, sync::FeedKind::profile, std::to_string(serial), sync::encode(slice)));
        if (serial % slices_per_page != 0 && serial != count) continue;
        batch.cursor = {1, version};
        batch.complete = serial == count;
        MUDI_TRY(const auto outcome, store_->replica().apply_feed(batch));
        if (outcome.skipped > 0)
            return fail(Code::corrupt, "bench.feed", "the till skipped rows of the feed");
        MUDI_CHECK(desk_->feed_applied(outcome.changed, outcome.settings_changed, now));
        batch = {};
    }
    return {};
}

} // namespace mudi::bench
