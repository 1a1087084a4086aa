#include <filesystem>

#include <catch2/catch.hpp>

#include <mudi/server/feed.hpp>
#include <mudi/server/inbox.hpp>

#include "golden/databases.hpp"
#include "golden/releases.hpp"
#include "support/temp_dir.hpp"

using namespace mudi;
using namespace mudi::golden;

namespace {

/// A copy of a release's databases, to be brought up to date.
struct Copy {
    explicit Copy(const Release& release) {
        for (const char* name : {"till.db", "till.key", "mudi.db"})
            std::filesystem::copy_file(release.folder + "/" + name, folder.file(name));
    }
    [[nodiscard]] std::string path() const {
        return std::filesystem::path{folder.file("till.db")}.parent_path();
    }

    test::TempDir folder;
};

sync::PushedBatch unsent(OpenTill& till) {
    const sync::TillState state = till.store->replica().state();
    auto read = must(till.store->replica().read_outbox(state.acked, till::OutboxLimits{}));
    sync::PushedBatch batch;
    batch.till = state.till;
    batch.incarnation = state.incarnation;
    batch.chain_before = read.chain_before;
    batch.events = std::move(read.events);
    return batch;
}

/// Mends every part that differs; gives how many did.
std::size_t mend(OpenTill& till, OpenServer& server) {
    const StoreId store{"KOL01"};
    server::FeedReader reader{*server.writer};
    const auto page = must(reader.manifest(store));
    const auto differing = must(till.store->replica().compare(page.manifest));
    const auto parts = static_cast<std::uint32_t>(page.manifest.digests.size());
    for (const std::uint32_t part : differing)
        must(till.store->replica().apply_part({parts, part, must(reader.part(store, parts, part))}));
    return differing.size();
}

} // namespace

TEST_CASE("a release's databases open, and everything is in them") {
    for (const Release& release : releases()) {
        INFO(release.version);
        const Copy copy{release};
        for (const char* time : {"first", "again"}) {
            INFO(time);
            OpenServer server = open_server(copy.path());
            CHECK(difference(release.manifest.at("server"), server_words(server)) == "");
            OpenTill till = open_till(copy.path());
            CHECK(difference(release.manifest.at("till"), till_words(till, server.keys.identifier_key)) ==
                  "");
        }
    }
}

TEST_CASE("a release's till and server go on together where they stood") {
    for (const Release& release : releases()) {
        INFO(release.version);
        const Copy copy{release};
        OpenServer server = open_server(copy.path());
        OpenTill till = open_till(copy.path());
        const sync::PushedBatch batch = unsent(till);
        REQUIRE(batch.events.size() == 2);
        server::Inbox inbox{*server.writer};
        const auto stored = must(inbox.append({&batch, 1}, selling));
        INFO((stored.front() ? std::string{} : stored.front().error().name));
        REQUIRE(stored.front());
        CHECK(stored.front()->mark.seq == till.store->replica().state().last);

        mend(till, server);
        CHECK(mend(till, server) == 0);
    }
}

TEST_CASE("what was open at a release's till is completed after the upgrade") {
    for (const Release& release : releases()) {
        INFO(release.version);
        const Copy copy{release};
        OpenTill till = open_till(copy.path());
        till::SaleDocument document;
        document.name = {"7", {}};
        document.tenders = {{crm::TenderKind::cash, Money{13'000, inr}, {}}};
        const auto receipt = till.desk->complete(document, selling);
        REQUIRE(receipt);
        CHECK(receipt->seq == EventSeq{8});
        CHECK(receipt->total == Money{13'000, inr});
        CHECK(till.store->replica().counts().unsent == 3);
    }
}
