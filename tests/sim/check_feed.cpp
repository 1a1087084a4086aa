#include "checkers.hpp"

#include <mudi/sync/event.hpp>

#include "operator.hpp"
#include "server_machine.hpp"
#include "till_machine.hpp"

namespace mudi::sim {
namespace {

/// I10: in the end every till's copy of its store's bucket is the server's, row by row and as digests.
class CopiesAreEqual final : public Checker {
public:
    using Checker::Checker;
    [[nodiscard]] std::string_view name() const override { return "I10"; }

    void at_rest() override {
        for (const auto& till : world_.tills) {
            if (!world_.failed() && !world_.people->scrapped(*till)) compare(*till);
        }
    }

private:
    void compare(TillMachine& till) {
        const StoreId& store = till.identity().store;
        const auto page = world_.server->feed().manifest(store);
        if (!page) return world_.fail(name(), "the server's manifest cannot be read");
        const auto differing = till.store().replica().compare(page->manifest);
        if (!differing)
            return world_.fail(name(), till.name() + " cannot compare: " + differing.error().name);
        if (!differing->empty())
            return world_.fail(name(), till.name() + " differs from the server's manifest");
        const auto rows = world_.server->feed().part(store, 1, 0);
        if (!rows) return world_.fail(name(), "the server's bucket cannot be read");
        std::int64_t profiles = 0;
        std::int64_t products = 0;
        std::int64_t raw = 0;
        for (const sync::FeedRow& row : *rows) {
            if (!equal(till, row)) return world_.fail(name(), till.name() + " has another row " + row.key);
            profiles += row.kind == static_cast<std::uint32_t>(sync::FeedKind::profile) ? 1 : 0;
            products += row.kind == static_cast<std::uint32_t>(sync::FeedKind::product) ? 1 : 0;
            raw += row.kind == ServerMachine::future_kind ? 1 : 0;
        }
        const till::StoreCounts counts = till.store().replica().counts();
        if (counts.profiles != profiles || counts.products != products || counts.raw_rows != raw)
            world_.fail(name(), till.name() + " holds rows that the server's bucket has not");
    }

    static bool equal(TillMachine& till, const sync::FeedRow& row) {
        till::Storage& storage = till.store().storage();
        switch (static_cast<sync::FeedKind>(row.kind)) {
        case sync::FeedKind::profile: {
            const auto wanted = sync::decode_profile(row.body);
            const auto held = storage.find_profile(ProfileId{std::stoll(row.key)});
            return wanted && held && *held && (*held)->slice == *wanted;
        }
        case sync::FeedKind::product: {
            const auto wanted = sync::decode_product(row.body);
            const auto held = storage.find_product(row.key);
            return wanted && held && *held && **held == *wanted;
        }
        case sync::FeedKind::settings: {
            const auto wanted = sync::decode_settings(row.body);
            const auto memory = storage.load();
            return wanted && memory && memory->settings && *memory->settings == *wanted;
        }
        }
        return true; // kept raw: the manifest has compared it
    }
};

} // namespace

void add_feed_checkers(World& world, std::vector<std::unique_ptr<Checker>>& out) {
    out.push_back(std::make_unique<CopiesAreEqual>(world));
}

std::vector<std::unique_ptr<Checker>> make_checkers(World& world) {
    std::vector<std::unique_ptr<Checker>> out;
    add_till_checkers(world, out);
    add_inbox_checkers(world, out);
    add_book_checkers(world, out);
    add_points_checkers(world, out);
    add_feed_checkers(world, out);
    return out;
}

} // namespace mudi::sim
