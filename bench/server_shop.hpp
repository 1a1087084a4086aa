#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include <mudi/base/db/bulk.hpp>
#include <mudi/server/apply.hpp>
#include <mudi/server/inbox.hpp>
#include <mudi/server/keys.hpp>
#include <mudi/server/schema.hpp>

#include "bench/grocery.hpp"

namespace mudi::bench {

inline constexpr const char* checkpoint_words = "PRAGMA wal_checkpoint(TRUNCATE)";

/// A server's data side without its process: SQLite, durable, the tills registered.
class ServerShop {
public:
    static Result<std::unique_ptr<ServerShop>> open(const std::filesystem::path& file, Time now);

    db::Connection& writer() { return *writer_; }
    server::Inbox& inbox() { return *inbox_; }
    [[nodiscard]] const server::ServerKeys& keys() const { return keys_; }
    [[nodiscard]] server::ApplyRules rules() const;
    /// One append; every batch must have been stored.
    Status append(std::span<const sync::PushedBatch> batches, Time now);
    /// Brings the log into the file, so that the work a short run leaves behind is counted too.
    Status checkpoint() { return writer_->execute(checkpoint_words); }

private:
    std::unique_ptr<db::Connection> writer_;
    std::unique_ptr<server::Inbox> inbox_;
    server::ServerKeys keys_;
};

/// A database of bare tables, as durable as the server's own.
Result<std::unique_ptr<db::Connection>> open_bare(const std::filesystem::path& file, std::string_view tables);

} // namespace mudi::bench
