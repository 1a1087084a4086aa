#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <mudi/base/db/statement.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/server/inbox.hpp>
#include <mudi/server/schema.hpp>

#include "disk.hpp"
#include "vfs.hpp"

/// A server's real inbox on a simulated disk, with a reader beside the writer, driven by a script of rounds.
namespace mudi::sim {

inline constexpr std::size_t tills_in_script = 4;
inline constexpr int rounds_in_script = 16;
/// How far each till's events go.
using Marks = std::array<std::int64_t, tills_in_script>;

inline sync::Event numbered_event(std::size_t till, std::int64_t seq) {
    sync::Event event;
    event.seq = EventSeq{seq};
    event.id = EventId{hash128("event " + std::to_string(till) + " " + std::to_string(seq))};
    event.hlc = seq;
    event.kind = static_cast<std::uint32_t>(sync::EventKind::retail_transaction);
    event.body = "sale " + std::to_string(till) + " " + std::to_string(seq) + std::string(300, 'x');
    return event;
}

inline Bits128 chain_up_to(std::size_t till, std::int64_t seq) {
    Bits128 chain;
    for (std::int64_t i = 1; i <= seq; ++i) chain = chain_next(chain, numbered_event(till, i).body);
    return chain;
}

/// Where the tills are after so many rounds: in each, some of them send some events.
inline Marks marks_after(int rounds) {
    Marks marks{};
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t till = 0; till < tills_in_script; ++till) {
            const auto step =
                static_cast<std::int64_t>((static_cast<std::size_t>(round) * 7 + till * 5) % 13);
            if (step % 4 != 3) marks[till] += step;
        }
    }
    return marks;
}

struct ServerFound {
    std::string damage; ///< empty: every life is dense from 1 up to its mark and its chain is whole
    Marks stored{};
};

class ScriptedServer {
public:
    explicit ScriptedServer(Disk& disk, const std::string& name = "server") : mount_(name, disk) {
        options_.target = mount_.path("mudi.db");
        options_.vfs = vfs_name;
    }

    [[nodiscard]] Status start() {
        stop();
        MUDI_TRY(writer_, db::Connection::open(options_));
        MUDI_CHECK(
            writer_->execute("PRAGMA wal_autocheckpoint = 60")); // so that the script passes checkpoints
        MUDI_CHECK(server::migrate(*writer_));
        db::Options reading = options_;
        reading.read_only = true;
        MUDI_TRY(reader_, db::Connection::open(reading));
        inbox_ = std::make_unique<server::Inbox>(*writer_);
        for (std::size_t till = 0; till < tills_in_script; ++till) {
            if (auto known = inbox_->register_till(hello(till), noon); !known)
                return tl::make_unexpected(std::move(known).error());
        }
        return {};
    }
    void stop() {
        inbox_.reset();
        reader_.reset();
        writer_.reset();
    }
    [[nodiscard]] bool running() const { return inbox_ != nullptr; }

    /// Group commit of what brings the tills from `from` to `to`.
    [[nodiscard]] Status append(const Marks& from, const Marks& to) {
        std::vector<sync::PushedBatch> batches;
        for (std::size_t till = 0; till < tills_in_script; ++till) {
            if (to[till] == from[till]) continue;
            auto& batch = batches.emplace_back();
            batch.till = id_of(till);
            batch.incarnation = life_of(till);
            batch.chain_before = chain_up_to(till, from[till]);
            for (std::int64_t seq = from[till] + 1; seq <= to[till]; ++seq)
                batch.events.push_back(numbered_event(till, seq));
        }
        auto results = inbox_->append(batches, noon);
        if (!results) return tl::make_unexpected(std::move(results).error());
        for (auto& result : *results)
            if (!result) return tl::make_unexpected(result.error());
        return {};
    }
    /// Rows that the reader's connection sees at once.
    Result<std::int64_t> rows_read() {
        db::Query<db::Columns<std::int64_t>, db::Params<>> count{*reader_, "SELECT count(*) FROM inbox"};
        MUDI_TRY(const auto row, count.first());
        return std::get<0>(*row);
    }

    /// Starts the machine and reads everything.
    ServerFound look() {
        ServerFound found;
        if (auto started = start(); !started) {
            found.damage = started.error().name;
            return found;
        }
        for (std::size_t till = 0; till < tills_in_script && found.damage.empty(); ++till) {
            auto life = look_at(till, found.stored[till]);
            if (!life) found.damage = life.error().name;
        }
        return found;
    }

private:
    static TillId id_of(std::size_t till) { return TillId{static_cast<std::int64_t>(till) + 1}; }
    static Incarnation life_of(std::size_t till) { return Incarnation{till + 100}; }
    static sync::TillHello hello(std::size_t till) {
        sync::TillHello hello;
        hello.till = id_of(till);
        hello.store = StoreId{"KOL01"};
        hello.workstation = WorkstationId{std::to_string(till + 1)};
        hello.incarnation = life_of(till);
        hello.wall = noon;
        hello.schema = sync::event_schema;
        return hello;
    }

    Status look_at(std::size_t till, std::int64_t& stored) {
        MUDI_TRY(const sync::HighWater mark, inbox_->high_water(id_of(till), life_of(till)));
        stored = mark.seq.value;
        db::Query<db::Columns<std::int64_t, Bits128, Bytes>, db::Params<TillId>> rows{
            *reader_, "SELECT i.seq, i.chain, i.body FROM inbox i JOIN life l ON l.life = i.life "
                      "WHERE l.till = :till ORDER BY i.seq"};
        std::int64_t last = 0;
        Bits128 chain;
        bool whole = true;
        MUDI_CHECK(rows.each(
            [&](std::int64_t seq, const Bits128& stored_chain, const Bytes& body) {
                whole = whole && seq == ++last && body.data == numbered_event(till, seq).body;
                chain = chain_next(chain, body.data);
                whole = whole && chain == stored_chain;
            },
            id_of(till)));
        if (!whole || last != stored || chain != mark.chain)
            return fail(Code::corrupt, "inbox.damaged", "the rows are not those up to the mark");
        return {};
    }

    inline static const Time noon = time_from_ms(1'795'240'800'000);
    Mount mount_;
    db::Options options_;
    std::unique_ptr<db::Connection> writer_;
    std::unique_ptr<db::Connection> reader_;
    std::unique_ptr<server::Inbox> inbox_;
};

} // namespace mudi::sim
