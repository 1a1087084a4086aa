#include "event_connection.hpp"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace mudi::http {

EventConnection::EventConnection(std::shared_ptr<Server::Core> core, Socket socket)
    : core_(std::move(core)), socket_(std::move(socket)) {}

void EventConnection::start(std::string_view head) {
    send(head);
    watch();
}

bool EventConnection::send(std::string_view frame) {
    if (closed()) return false;
    if (queued_.size() + writing_.size() + frame.size() > core_->options.stream_queue_bytes_max) {
        ++core_->counts.streams_dropped;
        close();
        return false;
    }
    queued_ += frame;
    if (writing_.empty()) write();
    return true;
}

void EventConnection::finish() {
    if (closed()) return;
    finishing_ = true;
    if (writing_.empty()) close();
}

void EventConnection::close() {
    if (std::exchange(closed_, true)) return;
    ErrorCode ignored;
    socket_.close(ignored);
    core_->remove(*this);
}

void EventConnection::tick(SteadyTime now) {
    if (!writing_.empty()) {
        if (now - last_progress_ >= core_->options.write_timeout) {
            ++core_->counts.streams_dropped;
            close();
        }
    } else if (now - last_write_ >= core_->options.heartbeat) {
        send(":\n\n");
    }
}

void EventConnection::watch() {
    // The client has nothing more to say; the read is there to learn at once when it goes.
    socket_.async_read_some(asio::buffer(ignored_),
                            [self = shared_from_this()](ErrorCode error, std::size_t) {
                                if (self->closed_) return;
                                if (error)
                                    self->close();
                                else
                                    self->watch();
                            });
}

void EventConnection::write() {
    std::swap(writing_, queued_);
    last_write_ = last_progress_ = steady_now();
    const auto progress = [this](const ErrorCode& error, std::size_t) -> std::size_t {
        if (error) return 0;
        last_progress_ = steady_now();
        return write_bytes;
    };
    asio::async_write(socket_, asio::buffer(writing_), progress,
                      [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_written(error); });
}

void EventConnection::on_written(ErrorCode error) {
    writing_.clear();
    if (closed_) return;
    if (error) return close();
    if (!queued_.empty())
        write();
    else if (finishing_)
        close();
}

} // namespace mudi::http
