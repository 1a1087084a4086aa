#include "reader.hpp"

#include <utility>

namespace mudi::server {
namespace {

constexpr std::chrono::seconds check_every{1};

} // namespace

Result<Reader::Opened> Reader::open(const Options& options) {
    auto database = options.database;
    database.read_only = true;
    Opened opened;
    MUDI_TRY(opened.connection, db::Connection::open(database));
    opened.side = std::make_unique<ReadSide>(*opened.connection, options.keys, options.identifiers);
    return opened;
}

Result<std::unique_ptr<Reader>> Reader::start(Options options) {
    MUDI_TRY(auto opened, open(options));
    return std::unique_ptr<Reader>(new Reader(std::move(options), std::move(opened)));
}

Reader::Reader(Options options, Opened opened)
    : options_(std::move(options)), opened_(std::move(opened)), thread_([this] { loop(); }) {}

Reader::~Reader() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

bool Reader::run(std::function<void(ReadSide&)> job) {
    {
        const std::lock_guard lock(mutex_);
        if (jobs_.size() >= options_.jobs_max) return false;
        jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
}

void Reader::loop() {
    while (true) {
        std::function<void(ReadSide&)> job;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] { return stop_ || !jobs_.empty(); });
            if (stop_) return;
            job = std::move(jobs_.front());
            jobs_.pop_front();
        }
        renew_when_lost();
        job(*opened_.side);
    }
}

void Reader::renew_when_lost() {
    // A file does not go away; a PostgreSQL that was restarted ends every connection to it.
    if (options_.database.engine != db::Engine::postgresql) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - checked_at_ < check_every) return;
    checked_at_ = now;
    if (opened_.side->status.counts(Time{})) return;
    auto again = open(options_);
    if (!again) return;
    opened_.side.reset(); // before its connection
    opened_ = *std::move(again);
}

} // namespace mudi::server
