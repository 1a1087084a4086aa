#include "bench/server_shop.hpp"

namespace mudi::bench {
namespace {

Result<std::unique_ptr<db::Connection>> open_database(const std::filesystem::path& file) {
    db::Options options;
    options.target = file.string();
    options.cache_kib = server::writer_cache_kib;
    return db::Connection::open(options);
}

} // namespace

Result<std::unique_ptr<ServerShop>> ServerShop::open(const std::filesystem::path& file, Time now) {
    auto shop = std::make_unique<ServerShop>();
    MUDI_TRY(shop->writer_, open_database(file));
    MUDI_CHECK(server::migrate(*shop->writer_));
    SeededRandom random{3};
    MUDI_TRY(shop->keys_, server::load_or_make_keys(*shop->writer_, random));
    shop->inbox_ = std::make_unique<server::Inbox>(*shop->writer_);
    for (std::int64_t till = 1; till <= tills; ++till)
        MUDI_CHECK(shop->inbox_->register_till(Outbox{till}.hello(now), now));
    return shop;
}

server::ApplyRules ServerShop::rules() const {
    server::ApplyRules rules;
    rules.identifier_key = keys_.identifier_key;
    return rules;
}

Status ServerShop::append(std::span<const sync::PushedBatch> batches, Time now) {
    MUDI_TRY(const auto marks, inbox_->append(batches, now));
    for (const auto& mark : marks)
        if (!mark) return tl::make_unexpected(mark.error());
    return {};
}

Result<std::unique_ptr<db::Connection>> open_bare(const std::filesystem::path& file,
                                                  std::string_view tables) {
    MUDI_TRY(auto connection, open_database(file));
    MUDI_CHECK(connection->execute(tables));
    return connection;
}

} // namespace mudi::bench
