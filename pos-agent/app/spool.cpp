#include "spool.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <sys/inotify.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <mudi/base/file.hpp>
#include <mudi/base/log.hpp>

namespace mudi::till {
namespace {

namespace fs = std::filesystem;

bool is_document(const fs::path& path) { return path.extension() == ".json"; }
bool is_problem(const std::string& name) { return name.ends_with(".problem.json"); }

bool try_again(Code code) { return code == Code::busy || code == Code::unavailable || code == Code::io; }

} // namespace

Result<std::unique_ptr<Spool>> Spool::open(boost::asio::io_context& io, std::string folder, Take take,
                                           Explain explain) {
    MUDI_CHECK(make_folder(folder, 0770));
    MUDI_CHECK(make_folder(folder + "/refused", 0770));
    const int watch = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0 || ::inotify_add_watch(watch, folder.c_str(), IN_MOVED_TO | IN_CLOSE_WRITE) < 0) {
        const std::string why = std::strerror(errno);
        if (watch >= 0) ::close(watch);
        return fail(Code::io, "spool.watch", folder + ": " + why);
    }
    std::unique_ptr<Spool> spool(
        new Spool(io, std::move(folder), watch, std::move(take), std::move(explain)));
    spool->count_refused();
    spool->listen();
    spool->scan();
    return spool;
}

Spool::Spool(boost::asio::io_context& io, std::string folder, int watch, Take take, Explain explain)
    : folder_(std::move(folder)), watch_(io, watch), timer_(io), take_(std::move(take)),
      explain_(std::move(explain)) {}

void Spool::stop() {
    boost::system::error_code ignored;
    watch_.close(ignored);
    timer_.cancel();
    waiting_.clear();
}

void Spool::count_refused() {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_ + "/refused", error)) {
        const std::string name = entry.path().filename().string();
        if (is_document(name) && !is_problem(name)) ++refused_;
    }
}

void Spool::listen() {
    watch_.async_read_some(boost::asio::buffer(events_),
                           [this](boost::system::error_code error, std::size_t) {
                               if (error) return;
                               scan();
                               listen();
                           });
}

/// The events only say "look again": the folder itself is the truth, also when events were lost.
void Spool::scan() {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
        if (is_document(entry.path()) && entry.is_regular_file(error))
            names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    waiting_.assign(names.begin(), names.end());
    if (!working_) take_next();
}

void Spool::take_next() {
    working_ = !waiting_.empty() && watch_.is_open();
    if (!working_) return;
    boost::asio::post(watch_.get_executor(), [this] {
        if (waiting_.empty()) {
            working_ = false;
            return;
        }
        const std::string name = std::move(waiting_.front());
        waiting_.pop_front();
        take_file(name);
        take_next();
    });
}

void Spool::take_file(const std::string& name) {
    const std::string path = folder_ + "/" + name;
    const auto document = read_small_file(path, document_bytes_max);
    if (!document && document.error().code == Code::not_found) return; // seen twice, taken once
    const Status taken = document ? take_(*document) : Status(tl::make_unexpected(document.error()));
    if (taken) {
        // A crash before this line costs a repeat, which the business key makes harmless.
        ::unlink(path.c_str());
    } else if (try_again(taken.error().code)) {
        log::warning("spool.later", taken.error());
        waiting_.clear(); // order matters: a return must not overtake its sale
        retry_later();
    } else {
        refuse(name, taken.error());
    }
}

void Spool::refuse(const std::string& name, const Error& why) {
    const std::string target = folder_ + "/refused/" + name;
    const std::string stem = target.substr(0, target.size() - std::string_view(".json").size());
    if (auto written = write_file(stem + ".problem.json", explain_(why), 0640); !written)
        log::warning("spool.problem", written.error());
    if (::rename((folder_ + "/" + name).c_str(), target.c_str()) != 0) return retry_later();
    ++refused_;
    log::warning("spool.refused", why);
}

void Spool::retry_later() {
    timer_.expires_after(retry);
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error) scan();
    });
}

} // namespace mudi::till
