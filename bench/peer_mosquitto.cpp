#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mudi/base/db/bulk.hpp>
#include <mudi/base/db/connection.hpp>
#include <mudi/base/db/statement.hpp>

#include "bench/grocery.hpp"
#include "bench/peer.hpp"
#include "cli/process.hpp"

namespace mudi::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t in_flight_max = 100;
constexpr std::size_t per_transaction = 500;
constexpr Duration within{10'000};
constexpr int attempts_max = 50;

/// As much of MQTT 3.1.1 as QoS 1 takes (OASIS, sections 2 and 3).
enum class Packet : unsigned char {
    connect = 0x10,
    publish = 0x32,
    puback = 0x40,
    subscribe = 0x82,
    disconnect = 0xe0
};

std::string word(std::size_t value) {
    return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}
std::string text(const std::string& value) { return word(value.size()) + value; }

std::string packet(Packet type, const std::string& rest) {
    std::string out(1, static_cast<char>(type));
    std::size_t size = rest.size();
    do {
        out += static_cast<char>((size & 0x7f) | (size > 0x7f ? 0x80 : 0));
        size >>= 7;
    } while (size > 0);
    return out + rest;
}

class Client {
public:
    Client() = default;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() {
        if (socket_ >= 0) ::close(socket_);
    }

    Status connect(int port, const std::string& name) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            return fail(Code::unavailable, "peer.connect", "the broker does not answer");
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const std::string clean_session{2};
        MUDI_CHECK(send(packet(Packet::connect, text("MQTT") + '\4' + clean_session + word(0) + text(name))));
        MUDI_TRY(const auto answer, receive());
        if (answer.second.size() != 2 || answer.second[1] != 0)
            return fail(Code::denied, "peer.connect", "the broker refused us");
        return {};
    }
    Status send(const std::string& bytes) {
        for (std::size_t sent = 0; sent < bytes.size();) {
            const ssize_t part = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
            if (part <= 0) return fail(Code::io, "peer.send", "the broker went away");
            sent += static_cast<std::size_t>(part);
        }
        return {};
    }
    /// First byte and the rest of the next packet.
    Result<std::pair<unsigned char, std::string>> receive() {
        MUDI_TRY(const std::string head, take(1));
        std::size_t size = 0;
        for (int shift = 0;; shift += 7) {
            MUDI_TRY(const std::string part, take(1));
            size |= static_cast<std::size_t>(part[0] & 0x7f) << shift;
            if ((part[0] & 0x80) == 0) break;
        }
        MUDI_TRY(std::string rest, take(size));
        return std::pair{static_cast<unsigned char>(head[0]), std::move(rest)};
    }

private:
    Result<std::string> take(std::size_t size) {
        while (buffer_.size() - at_ < size) {
            buffer_.erase(0, at_);
            at_ = 0;
            std::array<char, 65'536> part{};
            const ssize_t got = ::recv(socket_, part.data(), part.size(), 0);
            if (got <= 0) return fail(Code::io, "peer.receive", "the broker went away");
            buffer_.append(part.data(), static_cast<std::size_t>(got));
        }
        std::string taken = buffer_.substr(at_, size);
        at_ += size;
        return taken;
    }

    int socket_{-1};
    std::string buffer_;
    std::size_t at_{};
};

Result<std::unique_ptr<db::Connection>> open_table(const fs::path& file) {
    db::Options options;
    options.target = file.string();
    MUDI_TRY(auto connection, db::Connection::open(options));
    MUDI_CHECK(
        connection->execute("CREATE TABLE purchase (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT"));
    return connection;
}

Status insert(db::Connection& connection, std::span<const std::string> bodies) {
    db::Bulk<Bytes> bulk{connection, "purchase", "body"};
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(connection));
    for (const std::string& body : bodies) MUDI_CHECK(bulk.add(Bytes{body}));
    MUDI_CHECK(bulk.flush());
    return transaction.commit();
}

/// Reads the outbox and sends, so many unanswered at a time.
Status publish(int port, const std::string& name, db::Connection& outbox, std::size_t count) {
    Client client;
    MUDI_CHECK(client.connect(port, name));
    std::size_t sent = 0, answered = 0;
    db::Query<db::Columns<Bytes>, db::Params<>> read{outbox, "SELECT body FROM purchase ORDER BY seq"};
    Status status;
    const auto wait_for_answers = [&](std::size_t open_max) -> Status {
        while (sent - answered > open_max) {
            MUDI_TRY(const auto answer, client.receive());
            if ((answer.first & 0xf0) == static_cast<unsigned char>(Packet::puback)) ++answered;
        }
        return {};
    };
    MUDI_CHECK(read.each([&](const Bytes& body) {
        status = client.send(packet(Packet::publish, text("sales") + word(sent % 65'535 + 1) + body.data));
        ++sent;
        if (status) status = wait_for_answers(in_flight_max);
        return status.has_value();
    }));
    MUDI_CHECK(status);
    MUDI_CHECK(wait_for_answers(0));
    if (sent != count) return fail(Code::io, "peer.outbox", "the outbox was not read whole");
    return {};
}

/// Writes 500 in a transaction and answers them when they are durable.
Status take_all(Client& client, db::Connection& inbox, std::size_t count) {
    std::vector<std::string> bodies;
    std::string answers;
    for (std::size_t taken = 0; taken < count;) {
        MUDI_TRY(const auto arrived, client.receive());
        if ((arrived.first & 0xf0) != (static_cast<unsigned char>(Packet::publish) & 0xf0)) continue;
        const std::string& rest = arrived.second;
        const std::size_t topic =
            static_cast<unsigned char>(rest[0]) << 8 | static_cast<unsigned char>(rest[1]);
        answers += packet(Packet::puback, rest.substr(2 + topic, 2));
        bodies.push_back(rest.substr(4 + topic));
        ++taken;
        if (bodies.size() == per_transaction || taken == count) {
            MUDI_CHECK(insert(inbox, bodies));
            MUDI_CHECK(client.send(answers));
            bodies.clear();
            answers.clear();
        }
    }
    return {};
}

int free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket, reinterpret_cast<const sockaddr*>(&address), size);
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(socket);
    return ntohs(address.sin_port);
}

Result<cli::Process> start_broker(const fs::path& folder, int port) {
    const fs::path program = "/usr/sbin/mosquitto";
    std::error_code error;
    if (!fs::exists(program, error))
        return fail(Code::not_found, "peer.missing", "not installed (Debian: mosquitto)");
    fs::create_directories(folder, error);
    // Its limits would drop what is not taken at once: lifted, or the figure would be of a loss.
    std::ofstream(folder / "mosquitto.conf") << "listener " << port << " 127.0.0.1\nallow_anonymous true\n"
                                             << "max_queued_messages 0\nmax_inflight_messages 0\n";
    return cli::Process::start({program.string(), "-c", (folder / "mosquitto.conf").string()},
                               folder / "log");
}

} // namespace

Status measure_mosquitto(const Options& options, std::span<const std::string> bodies, Sheet& sheet) {
    const auto folder = options.folder / "mosquitto";
    const int port = free_port();
    MUDI_TRY(auto broker, start_broker(folder, port));
    Client subscriber;
    Status connected = subscriber.connect(port, "server");
    for (int attempt = 0; !connected && attempt < attempts_max; ++attempt) {
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
        connected = subscriber.connect(port, "server");
    }
    MUDI_CHECK(connected);
    MUDI_CHECK(subscriber.send(packet(Packet::subscribe, word(1) + text("sales") + '\1')));
    MUDI_CHECK(subscriber.receive());
    const std::size_t share = bodies.size() / tills;
    std::vector<std::unique_ptr<db::Connection>> outboxes(tills);
    for (std::size_t i = 0; i < outboxes.size(); ++i) {
        MUDI_TRY(outboxes[i], open_table(folder / ("outbox-" + std::to_string(i) + ".db")));
        MUDI_CHECK(insert(*outboxes[i], bodies.subspan(i * share, share)));
    }
    MUDI_TRY(auto inbox, open_table(folder / "inbox.db"));
    std::vector<Status> published(tills);
    const Watch watch;
    Status taken;
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < outboxes.size(); ++i)
            threads.emplace_back(
                [&, i] { published[i] = publish(port, "till-" + std::to_string(i), *outboxes[i], share); });
        taken = take_all(subscriber, *inbox, share * tills);
    }
    const double seconds = watch.seconds();
    for (const Status& end : published) MUDI_CHECK(end);
    MUDI_CHECK(taken);
    broker.stop(within);
    sheet.add({.group = "drain",
               .what = "mosquitto QoS 1, 4 outboxes and an inbox in SQLite, the broker's copy in memory",
               .value = static_cast<double>(share * tills) / seconds,
               .unit = "purchases/s"});
    return {};
}

} // namespace mudi::bench
