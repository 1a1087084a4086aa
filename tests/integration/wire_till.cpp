#include "wire_till.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace mudi::test {
namespace {

/// Few at a time, so that a test meets the server between many pushes.
constexpr std::size_t events_per_push = 5;

} // namespace

WireTill::WireTill(TillId till, std::string store, std::uint64_t seed) : random_(seed) {
    state_.till = till;
    state_.store = StoreId{std::move(store)};
    state_.workstation = WorkstationId{"W" + std::to_string(till.value)};
    state_.incarnation = Incarnation{random_.next()};
}

WireTill::~WireTill() { unlink(); }

void WireTill::unlink() {
    ++link_number_;
    if (transport_) transport_->stop();
    transport_.reset();
    sync_.reset();
    wake_at_ = MonoTime::max();
}

void WireTill::link(const std::string& url, const WireIdentity& identity) {
    unlink();
    hello_answer_.clear();
    pretending_ = false;
    key_.reset();
    if (auto key = sync::TillKey::from_pem(identity.key_pem)) key_.emplace(*std::move(key));
    sync::TillLimits limits;
    limits.events_per_push_max = events_per_push;
    limits.retry_min = std::chrono::milliseconds{20};
    limits.retry_max = std::chrono::milliseconds{200};
    sync_ = std::make_unique<sync::TillSync>(state_, limits, random_);
    sync::TlsClient tls;
    tls.ca_pem = url.starts_with("tls") ? identity.ca_pem : std::string();
    tls.server_name = "127.0.0.1";
    tls.certificate_pem = url.starts_with("tls") ? identity.certificate_pem : std::string();
    tls.key_pem = url.starts_with("tls") ? identity.key_pem : std::string();
    const auto mine = link_number_;
    const auto current = [this, mine] { return mine == link_number_; };
    sync::TillTransport::Events events;
    events.link = [this, current](bool up) {
        if (!current()) return;
        if (up)
            step(sync::till_in::LinkUp{});
        else
            step(sync::till_in::LinkDown{});
    };
    events.answered = [this, current](std::uint64_t request, Result<std::string> frame) {
        if (current()) answered(request, std::move(frame));
    };
    auto started = sync::TillTransport::start(
        url, tls, [this](std::function<void()> job) { post(std::move(job)); }, std::move(events));
    if (!started) throw std::runtime_error(started.error().what);
    transport_ = *std::move(started);
    step(sync::till_in::Tick{});
}

void WireTill::answered(std::uint64_t request, Result<std::string> frame) {
    if (!frame) return step(sync::till_in::NoAnswer{request});
    const bool before = sync_->linked();
    auto copy = *frame;
    step(sync::till_in::Answer{request, *std::move(frame)});
    if (!before && sync_->linked()) hello_answer_ = std::move(copy);
}

void WireTill::pretend(TillId other) {
    if (hello_answer_.empty()) throw std::logic_error("it has not proved itself yet");
    auto state = state_;
    state.till = other;
    sync_ = std::make_unique<sync::TillSync>(state, sync::TillLimits{}, random_);
    pretending_ = true;
    step(sync::till_in::LinkUp{});
}

void WireTill::renew() { step(sync::till_in::Renew{key_.value().request(state_.till).value()}); }

bool WireTill::was_told(const std::string& word) const {
    return std::any_of(reports_.begin(), reports_.end(),
                       [&](const std::string& report) { return report.find(word) != std::string::npos; });
}

std::vector<crm::ProfileSlice> WireTill::profiles() const {
    std::vector<crm::ProfileSlice> found;
    for (const auto& [key, row] : rows_) {
        if (key.first != static_cast<std::uint32_t>(sync::FeedKind::profile)) continue;
        if (auto slice = sync::decode_profile(row.body)) found.push_back(*std::move(slice));
    }
    return found;
}

void WireTill::post(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    posted_.notify_one();
}

EventId WireTill::sell(const std::string& card) {
    crm::RetailTransaction sale;
    sale.key = {state_.store, state_.workstation, *parse_business_day("2026-11-21"),
                std::to_string(outbox_.size() + 1)};
    sale.begin = sale.end = clock_.wall();
    sale.currency = inr;
    crm::LineItem line;
    line.number = 1;
    line.item_id = "8901030865275";
    line.description = "Tea";
    line.unit = "EA";
    line.quantity = Quantity{1000};
    line.amount = Money{60'000, inr};
    line.tax = Money{0, inr};
    sale.lines.push_back(line);
    sale.total = line.amount;
    sale.tax_total = Money{0, inr};
    sale.tenders.push_back({crm::TenderKind::upi, sale.total, {}});
    if (!card.empty()) sale.member = crm::Member{{crm::IdentifierKind::card, card}, std::nullopt};
    sale.id = EventId{random_.bits128()};
    sync::Event event;
    event.id = sale.id;
    event.kind = static_cast<std::uint32_t>(sync::EventKind::retail_transaction);
    event.body = sync::encode(sale);
    return capture(std::move(event));
}

EventId WireTill::capture_poison() {
    sync::Event event;
    event.id = EventId{random_.bits128()};
    event.kind = static_cast<std::uint32_t>(sync::EventKind::retail_transaction);
    event.body = "\xff\xff\xffpoison";
    return capture(std::move(event));
}

EventId WireTill::capture(sync::Event event) {
    event.seq = EventSeq{static_cast<std::int64_t>(outbox_.size()) + 1};
    event.hlc = to_ms(clock_.wall()) << 16;
    chains_.push_back(chain_next(chains_.empty() ? Bits128{} : chains_.back(), event.body));
    outbox_.push_back(std::move(event));
    state_.last = outbox_.back().seq;
    if (sync_) step(sync::till_in::Captured{state_.last});
    return outbox_.back().id;
}

bool WireTill::run_until(const std::function<bool()>& done, std::chrono::seconds patience) {
    const auto until = clock_.mono() + patience;
    while (!done()) {
        const auto now = clock_.mono();
        if (now >= until) return false;
        std::function<void()> job;
        {
            std::unique_lock lock(mutex_);
            posted_.wait_until(lock, std::min(until, wake_at_), [&] { return !jobs_.empty(); });
            if (!jobs_.empty()) {
                job = std::move(jobs_.front());
                jobs_.pop_front();
            }
        }
        if (job) job();
        if (sync_ && clock_.mono() >= wake_at_) {
            wake_at_ = MonoTime::max();
            step(sync::till_in::Tick{});
        }
    }
    return true;
}

void WireTill::step(const sync::TillInput& input) {
    inputs_.push_back(input);
    if (stepping_) return;
    stepping_ = true;
    while (!inputs_.empty()) {
        const auto next = std::move(inputs_.front());
        inputs_.pop_front();
        std::vector<sync::TillAction> actions;
        sync_->step(clock_.mono(), clock_.wall(), next, actions);
        for (auto& action : actions) std::visit([this](auto& one) { act(one); }, action);
    }
    stepping_ = false;
}

void WireTill::act(sync::till_out::Send& send) {
    // Whoever pretends has no hello of its own: it takes the answer that was meant for the proved one.
    if (pretending_ && send.channel == sync::Channel::push && !sync_->linked()) {
        return step(sync::till_in::Answer{send.request, hello_answer_});
    }
    transport_->send(send.request, send.channel, std::move(send.frame), send.timeout);
}

void WireTill::act(const sync::till_out::Sign& sign) {
    step(sync::till_in::Signed{key_ ? key_->sign(sign.text).value() : std::string()});
}

void WireTill::act(const sync::till_out::ReadOutbox& read) {
    const auto first = static_cast<std::size_t>(read.after.value);
    const auto last = std::min(outbox_.size(), first + read.events_max);
    sync::till_in::OutboxRead answer{read.after, first == 0 ? Bits128{} : chains_.at(first - 1), {}};
    for (auto i = first; i < last; ++i) answer.events.push_back(outbox_[i]);
    step(answer);
}

void WireTill::act(const sync::till_out::SaveAck& save) {
    acked_ = save.acked;
    state_.acked = save.acked;
    state_.ack_generation = save.generation;
    state_.safe = save.safe;
}

void WireTill::act(const sync::till_out::ApplyFeed& apply) {
    for (const auto& row : apply.rows) {
        if (row.deleted)
            rows_.erase({row.kind, row.key});
        else
            rows_[{row.kind, row.key}] = row;
    }
    state_.cursor = apply.cursor;
    step(sync::till_in::FeedApplied{true});
}

void WireTill::act(const sync::till_out::CompareManifest& compare) {
    const auto& theirs = compare.manifest.digests;
    std::vector<std::uint64_t> mine(theirs.size());
    for (const auto& [key, row] : rows_) {
        mine[sync::part_of(key.first, key.second) * mine.size() / sync::parts_max] +=
            sync::row_digest(key.first, key.second, row.body);
    }
    sync::till_in::Compared compared;
    for (std::size_t part = 0; part < theirs.size(); ++part)
        if (mine[part] != theirs[part]) compared.differing.push_back(static_cast<std::uint32_t>(part));
    step(compared);
}

void WireTill::act(const sync::till_out::ApplyPart& apply) {
    std::erase_if(rows_, [&](const auto& entry) {
        return sync::part_of(entry.first.first, entry.first.second) * apply.parts / sync::parts_max ==
               apply.part;
    });
    for (const auto& row : apply.rows) rows_[{row.kind, row.key}] = row;
    step(sync::till_in::FeedApplied{true});
}

void WireTill::act(const sync::till_out::SaveCertificate& save) { certificates_.push_back(save.pem); }

void WireTill::act(const sync::till_out::NewLife&) {
    ++lives_;
    state_.incarnation = Incarnation{random_.next()};
    state_.acked = acked_ = EventSeq{};
    step(sync::till_in::LifeBegun{state_.incarnation, state_.last});
}

void WireTill::act(const sync::till_out::SetTimer& timer) { wake_at_ = timer.at; }

void WireTill::act(const sync::till_out::Report& report) {
    reports_.push_back(std::string(report.event) + " " + report.detail);
}

} // namespace mudi::test
