#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "delivery.hpp"
#include "events.hpp"
#include "link.hpp"
#include "spool_folder.hpp"
#include "txn.hpp"

/// What the opaque handles of mudi/pos.h are.
struct mudi_txn {
    mudi_pos* pos{nullptr};
    std::unique_ptr<mudi::pos::Txn> txn;
};

struct mudi_pos {
    /// Business day, then number.
    using Key = std::pair<std::string, std::string>;

    /// A return's document, kept so that the host's repeat of it is one.
    struct Returned {
        Returned(Key name, std::string said, mudi::pos::Delivery way)
            : key(std::move(name)), content(std::move(said)), delivery(std::move(way)) {}
        Key key;
        std::string content;
        mudi::pos::Delivery delivery;
    };
    static constexpr std::size_t returned_max = 100;
    static constexpr std::size_t aside_max = 500;

    mudi_pos(std::string socket, std::string spool_dir, std::string language)
        : socket_path(socket), link(std::move(socket), std::move(language)), spool(std::move(spool_dir)) {}

    const std::string socket_path;
    std::string host;
    int utc_offset_minutes{};
    int timeout_ms{};
    mudi::pos::Link link;
    mudi::pos::SpoolFolder spool;

    std::mutex txns_mutex; ///< never held over a call to the agent
    std::map<mudi_txn*, std::unique_ptr<mudi_txn>> txns;
    std::map<Key, mudi_txn*> open;
    std::map<Key, std::unique_ptr<mudi::pos::Txn>> aside; ///< suspended, their handles closed

    std::mutex returned_mutex; ///< never held over a call to the agent
    std::list<Returned> returned;

    std::mutex events_mutex;
    std::unique_ptr<mudi::pos::Events> events;
    mudi_event_fn event_fn{nullptr};
    void* event_user{nullptr};
};
