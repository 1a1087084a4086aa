#include "bench/anchor.hpp"

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/tls/tls.h>
#include <nng/supplemental/util/platform.h>
#include <zstd.h>

#include "bench/bare_sql.hpp"
#include "bench/bench.hpp"

namespace mudi::bench {
namespace {

constexpr int zstd_level = 3;
constexpr nng_duration patience_ms = 30'000;
constexpr std::size_t frame_bytes_max = 16 * 1024 * 1024;

struct Message {
    std::int64_t client{};
    std::int64_t first{};
    std::int64_t count{};
};

Status link_error(int error) { return fail(Code::io, "anchor.link", nng_strerror(error)); }

struct Socket {
    nng_socket socket{};
    ~Socket() {
        if (socket.id != 0) nng_close(socket);
    }
};

Status set_up(nng_socket socket) {
    nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, frame_bytes_max);
    nng_socket_set_ms(socket, NNG_OPT_SENDTIMEO, patience_ms);
    nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, patience_ms);
    return {};
}

/// Takes requests in turn, each in a transaction of its own, until it has all of them.
class InboxEnd {
public:
    Status open(const AnchorOptions& options) {
        lines_ = options.lines;
        MUDI_TRY(database_,
                 open_bare_database(
                     options.folder / "anchor-inbox.db",
                     "CREATE TABLE inbox (client INTEGER NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, "
                     "PRIMARY KEY (client, seq)) WITHOUT ROWID;"
                     "CREATE TABLE line (client INTEGER, seq INTEGER, number INTEGER, item TEXT, "
                     "description TEXT, category TEXT, unit TEXT, quantity INTEGER, unit_price INTEGER, "
                     "amount INTEGER, tax_rate INTEGER, tax INTEGER);"
                     "CREATE INDEX line_sale ON line (client, seq);"
                     "CREATE INDEX line_item ON line (item);"
                     "CREATE INDEX line_category ON line (category, item);"));
        MUDI_TRY(insert_,
                 prepare(database_, "INSERT OR IGNORE INTO inbox (client, seq, body) VALUES (?1, ?2, ?3)"));
        MUDI_TRY(insert_lines_,
                 prepare(database_, "INSERT INTO line SELECT ?1, ?2, value ->> 'number', value ->> 'item', "
                                    "value ->> 'description', value ->> 'category', value ->> 'unit', "
                                    "value ->> 'quantity', value ->> 'unit_price', value ->> 'amount', "
                                    "value ->> 'tax_rate', value ->> 'tax' FROM json_each(?3, '$.lines')"));
        if (const int error = nng_rep0_open(&socket_.socket); error != 0) return link_error(error);
        MUDI_CHECK(set_up(socket_.socket));
        nng_listener listener{};
        if (const int error = nng_listener_create(&listener, socket_.socket, options.url.c_str()); error != 0)
            return link_error(error);
        if (options.url.starts_with("tls")) MUDI_CHECK(set_tls(listener, options.server_tls));
        if (const int error = nng_listener_start(listener, 0); error != 0) return link_error(error);
        nng_sockaddr address{};
        nng_listener_get_addr(listener, NNG_OPT_LOCADDR, &address);
        const std::uint16_t port = address.s_in.sa_port;
        url_ = options.url.substr(0, options.url.rfind(':') + 1) +
               std::to_string(port >> 8 | (port & 0xff) << 8);
        return {};
    }
    Status checkpoint() { return run(database_, "PRAGMA wal_checkpoint(TRUNCATE)"); }
    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] std::int64_t bytes() const { return bytes_; }

    Status serve(std::int64_t events) {
        for (std::int64_t taken = 0; taken < events;) {
            nng_msg* request = nullptr;
            if (const int error = nng_recvmsg(socket_.socket, &request, 0); error != 0)
                return link_error(error);
            const std::unique_ptr<nng_msg, void (*)(nng_msg*)> owned{request, nng_msg_free};
            MUDI_TRY(const std::int64_t count, store(request));
            taken += count;
            if (const int error = nng_send(socket_.socket, const_cast<char*>("ok"), 2, 0); error != 0)
                return link_error(error);
        }
        // The last answer is still on its way.
        nng_msleep(100);
        return {};
    }

private:
    static Status set_tls(nng_listener listener, const sync::TlsServer& tls) {
        nng_tls_config* config = nullptr;
        nng_tls_config_alloc(&config, NNG_TLS_MODE_SERVER);
        nng_tls_config_own_cert(config, tls.certificate_pem.c_str(), tls.key_pem.c_str(), nullptr);
        const int error = nng_listener_set_ptr(listener, NNG_OPT_TLS_CONFIG, config);
        nng_tls_config_free(config);
        return error == 0 ? Status{} : link_error(error);
    }

    Result<std::int64_t> store(nng_msg* request) {
        const char* data = static_cast<const char*>(nng_msg_body(request));
        const std::size_t size = nng_msg_len(request);
        bytes_ += static_cast<std::int64_t>(size);
        Message head;
        std::memcpy(&head, data, sizeof head);
        const auto raw_size = ZSTD_getFrameContentSize(data + sizeof head, size - sizeof head);
        std::string raw(static_cast<std::size_t>(raw_size), '\0');
        ZSTD_decompress(raw.data(), raw.size(), data + sizeof head, size - sizeof head);
        MUDI_CHECK(run(database_, "BEGIN IMMEDIATE"));
        std::size_t at = 0;
        for (std::int64_t i = 0; i < head.count; ++i) {
            std::uint32_t body_size = 0;
            std::memcpy(&body_size, raw.data() + at, sizeof body_size);
            at += sizeof body_size;
            MUDI_CHECK(insert(insert_, head, i, raw.data() + at, body_size));
            if (lines_) MUDI_CHECK(insert(insert_lines_, head, i, raw.data() + at, body_size));
            at += body_size;
        }
        MUDI_CHECK(run(database_, "COMMIT"));
        return head.count;
    }

    Status insert(const BareStatement& statement, const Message& head, std::int64_t i, const char* body,
                  std::uint32_t size) {
        sqlite3_bind_int64(statement.get(), 1, head.client);
        sqlite3_bind_int64(statement.get(), 2, head.first + i);
        if (lines_)
            sqlite3_bind_text(statement.get(), 3, body, static_cast<int>(size), SQLITE_STATIC);
        else
            sqlite3_bind_blob(statement.get(), 3, body, static_cast<int>(size), SQLITE_STATIC);
        return done(database_, statement);
    }

    bool lines_{};
    BareDatabase database_;
    BareStatement insert_;
    BareStatement insert_lines_;
    Socket socket_;
    std::string url_;
    std::int64_t bytes_{};
};

/// One till's side.
class OutboxEnd {
public:
    Status open(const AnchorOptions& options, std::int64_t client, std::span<const std::string> bodies) {
        client_ = client;
        batch_ = options.batch;
        MUDI_TRY(database_, open_bare_database(
                                options.folder / ("anchor-outbox-" + std::to_string(client) + ".db"),
                                "CREATE TABLE outbox (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);"
                                "CREATE TABLE acked (seq INTEGER NOT NULL); INSERT INTO acked VALUES (0);"));
        MUDI_TRY(const BareStatement insert, prepare(database_, "INSERT INTO outbox (body) VALUES (?1)"));
        MUDI_CHECK(run(database_, "BEGIN"));
        for (const std::string& body : bodies) {
            sqlite3_bind_blob(insert.get(), 1, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
            MUDI_CHECK(done(database_, insert));
        }
        MUDI_CHECK(run(database_, "COMMIT"));
        // What was acknowledged may be lost with the power, and is sent again: as in a till.
        MUDI_CHECK(run(database_, "PRAGMA synchronous = NORMAL"));
        MUDI_TRY(read_,
                 prepare(database_, "SELECT seq, body FROM outbox WHERE seq > ?1 ORDER BY seq LIMIT ?2"));
        MUDI_TRY(save_, prepare(database_, "UPDATE acked SET seq = ?1"));
        return {};
    }

    Status dial(const std::string& url, const sync::TlsClient& tls) {
        if (const int error = nng_req0_open(&socket_.socket); error != 0) return link_error(error);
        MUDI_CHECK(set_up(socket_.socket));
        nng_socket_set_ms(socket_.socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
        nng_dialer dialer{};
        if (const int error = nng_dialer_create(&dialer, socket_.socket, url.c_str()); error != 0)
            return link_error(error);
        if (url.starts_with("tls")) {
            nng_tls_config* config = nullptr;
            nng_tls_config_alloc(&config, NNG_TLS_MODE_CLIENT);
            nng_tls_config_ca_chain(config, tls.ca_pem.c_str(), nullptr);
            nng_tls_config_server_name(config, tls.server_name.c_str());
            nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, config);
            nng_tls_config_free(config);
        }
        const int error = nng_dialer_start(dialer, 0);
        return error == 0 ? Status{} : link_error(error);
    }

    /// Reads and packs everything now: drain() only sends, and what is acknowledged is not written down.
    Status pack() {
        for (std::int64_t after = 0;;) {
            MUDI_TRY(auto request, next(after));
            if (request.frame.empty()) return {};
            after = request.last;
            packed_.push_back(std::move(request.frame));
        }
    }

    Status drain() {
        for (const std::string& frame : packed_) MUDI_CHECK(send(frame));
        if (!packed_.empty()) return {};
        for (std::int64_t after = 0;;) {
            MUDI_TRY(const auto request, next(after));
            if (request.frame.empty()) return {};
            MUDI_CHECK(send(request.frame));
            after = request.last;
            sqlite3_bind_int64(save_.get(), 1, after);
            MUDI_CHECK(done(database_, save_));
        }
    }

private:
    struct Request {
        std::int64_t last{};
        std::string frame; ///< empty: nothing is left
    };

    Result<Request> next(std::int64_t after) {
        Message head{client_, after + 1, 0};
        std::string raw;
        sqlite3_bind_int64(read_.get(), 1, after);
        sqlite3_bind_int64(read_.get(), 2, static_cast<std::int64_t>(batch_));
        int code = sqlite3_step(read_.get());
        for (; code == SQLITE_ROW; code = sqlite3_step(read_.get())) {
            const auto size = static_cast<std::uint32_t>(sqlite3_column_bytes(read_.get(), 1));
            raw.append(reinterpret_cast<const char*>(&size), sizeof size);
            raw.append(static_cast<const char*>(sqlite3_column_blob(read_.get(), 1)), size);
            ++head.count;
        }
        sqlite3_reset(read_.get());
        if (code != SQLITE_DONE) return tl::make_unexpected(sql_error(database_.get()).error());
        Request request{after + head.count, {}};
        if (head.count == 0) return request;
        request.frame.resize(sizeof head + ZSTD_compressBound(raw.size()));
        std::memcpy(request.frame.data(), &head, sizeof head);
        request.frame.resize(sizeof head + ZSTD_compress(request.frame.data() + sizeof head,
                                                         request.frame.size() - sizeof head, raw.data(),
                                                         raw.size(), zstd_level));
        return request;
    }

    Status send(const std::string& frame) {
        if (const int error = nng_send(socket_.socket, const_cast<char*>(frame.data()), frame.size(), 0);
            error != 0)
            return link_error(error);
        char answer[16];
        std::size_t size = sizeof answer;
        const int error = nng_recv(socket_.socket, answer, &size, 0);
        return error == 0 ? Status{} : link_error(error);
    }

    std::int64_t client_{};
    std::size_t batch_{};
    BareDatabase database_;
    BareStatement read_;
    BareStatement save_;
    std::vector<std::string> packed_;
    Socket socket_;
};

} // namespace

Result<AnchorRun> run_anchor(const AnchorOptions& options, std::span<const std::string> bodies) {
    std::error_code error;
    std::filesystem::create_directories(options.folder, error);
    InboxEnd inbox;
    MUDI_CHECK(inbox.open(options));
    std::vector<OutboxEnd> outboxes(options.clients);
    const std::size_t share = bodies.size() / options.clients;
    for (std::size_t i = 0; i < options.clients; ++i)
        MUDI_CHECK(outboxes[i].open(options, static_cast<std::int64_t>(i), bodies.subspan(i * share, share)));
    for (OutboxEnd& outbox : outboxes) {
        if (options.packed) MUDI_CHECK(outbox.pack());
        MUDI_CHECK(outbox.dial(inbox.url(), options.client_tls));
    }
    AnchorRun ran;
    ran.events = static_cast<std::int64_t>(share * options.clients);
    std::vector<Status> ended(options.clients);
    Status served;
    const Watch watch;
    {
        std::jthread server([&] { served = inbox.serve(ran.events); });
        std::vector<std::jthread> clients;
        for (std::size_t i = 0; i < options.clients; ++i)
            clients.emplace_back([&, i] { ended[i] = outboxes[i].drain(); });
        clients.clear();
        ran.seconds = watch.seconds();
    }
    MUDI_CHECK(served);
    for (const Status& end : ended) MUDI_CHECK(end);
    const Watch rest;
    MUDI_CHECK(inbox.checkpoint());
    ran.seconds += rest.seconds();
    ran.bytes = inbox.bytes();
    std::filesystem::remove_all(options.folder, error);
    return ran;
}

} // namespace mudi::bench
