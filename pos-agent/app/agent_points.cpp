#include <chrono>
#include <utility>

#include <mudi/base/file.hpp>
#include <mudi/base/log.hpp>

#include "agent.hpp"

namespace mudi::till {
namespace {

constexpr const char* witness_folder = "/run/mudi-till";
/// What the spool has kept comes first: it may use what else would be given back.
constexpr std::chrono::seconds tidy_first{10};
constexpr std::chrono::minutes tidy_every{1};
constexpr std::chrono::seconds tidy_on{1};

bool is_tls(const std::string& url) { return url.starts_with("tls+"); }

} // namespace

std::unique_ptr<FileWitness> Agent::make_witness() const {
    if (settings_.rights_witness == "none") return nullptr;
    if (!settings_.rights_witness.empty()) return std::make_unique<FileWitness>(settings_.rights_witness);
    const std::string folder = witness_folder;
    if (!make_folder(folder, 0750)) {
        log::info("rights.no_witness", {{"means", "rights to spend points offline end with the agent"}});
        return nullptr;
    }
    return std::make_unique<FileWitness>(folder + "/" + std::to_string(settings_.till) + ".rights");
}

PointsLine Agent::points_line() {
    PointsLine line;
    line.server = [this](const sync::Reserve& question, PointsLine::OnAnswer on_answer) {
        sync_->ask(question, std::move(on_answer));
    };
    line.lead = [this](const sync::Reserve& question, PointsLine::OnAnswer on_answer) {
        ask_lead(question, std::move(on_answer));
    };
    line.later = [this](Duration wait, std::function<void()> work) { later(wait, std::move(work)); };
    line.lending = [this] { return lead_service_ != nullptr; };
    return line;
}

void Agent::start_points() {
    look_at_lead();
    tidy_later(tidy_first);
}

void Agent::stop_points() {
    stopped_ = true;
    tidy_timer_.cancel();
    for (const auto& timer : timers_) timer->cancel();
    timers_.clear();
    lead_service_.reset();
    lead_client_.reset();
}

void Agent::later(Duration wait, std::function<void()> work) {
    if (stopped_) return;
    const auto timer = std::make_shared<boost::asio::steady_timer>(io_);
    timers_.insert(timer);
    timer->expires_after(wait);
    timer->async_wait([this, timer, work = std::move(work)](boost::system::error_code error) {
        // Cancelled: the agent may be gone.
        if (error || timers_.erase(timer) == 0) return;
        work();
    });
}

void Agent::hand_over_captured() {
    const EventSeq last = desk_->last_captured();
    if (last == handed_over_ || !sync_) return;
    handed_over_ = last;
    sync_->captured(last);
}

void Agent::ask_lead(const sync::Reserve& question, PointsLine::OnAnswer on_answer) {
    const crm::LeadTill& lead = desk_->lead();
    LeadClient::Lead to{lead.url, {}};
    if (is_tls(lead.url)) {
        auto authority = read_pem(settings_.ca_file);
        auto certificate = read_pem(settings_.certificate_file);
        auto key = read_pem(settings_.key_file);
        if (!authority || !certificate || !key) {
            return on_answer(fail(Code::unavailable, "lead.unreachable",
                                  "this till's certificate or its authority's cannot be read"));
        }
        to.tls = {*std::move(authority), "till-" + std::to_string(lead.till.value), *std::move(certificate),
                  *std::move(key)};
    }
    if (!lead_client_) lead_client_ = std::make_unique<LeadClient>(io_, LeadClient::Options{});
    lead_client_->ask(to, question, std::move(on_answer));
}

void Agent::tidy_later(Duration wait) {
    tidy_timer_.expires_after(wait);
    tidy_timer_.async_wait([this](boost::system::error_code error) {
        if (!error && !stopped_) tidy();
    });
}

void Agent::tidy() {
    const auto more = desk_->tidy(clock_.wall());
    if (!more && more.error().name != "till.disk_pressure") log::warning("desk.tidy", more.error());
    hand_over_captured();
    settle_questions();
    look_at_lead();
    tidy_later(more && *more ? Duration{tidy_on} : Duration{tidy_every});
}

/// The lead may have lent what it could not tell us.
void Agent::settle_questions() {
    if (desk_->lead().url.empty() || desk_->is_lead()) return;
    std::size_t asked = 0;
    for (const sync::Reserve& question : desk_->unsettled()) {
        if (++asked > LeadClient::waiting_max / 2) break; // a customer may want to ask too
        ask_lead(question, [this, hold = question.hold](const Result<sync::ReserveAnswer>& answer) {
            const bool refused = !answer && answer.error().code == Code::denied;
            if (!answer && !refused) return;
            const auto settled =
                desk_->settled(hold, answer ? *answer : sync::ReserveAnswer{}, clock_.wall());
            if (!settled) log::warning("lead.settle", settled.error());
            hand_over_captured();
        });
    }
}

/// Lends while the server says that this till is the lead, and shows its newest certificate.
void Agent::look_at_lead() {
    if (settings_.lead_listen.empty() || stopped_) return;
    if (!desk_->is_lead()) {
        if (lead_service_) log::info("lead.ends");
        lead_service_.reset();
        return;
    }
    auto certificate = read_pem(settings_.certificate_file);
    if (!certificate) return log::warning("lead.certificate", certificate.error());
    if (lead_service_ && lending_with_ == *certificate) return;
    lead_service_.reset();
    if (const auto started = start_lending(*std::move(certificate)); !started)
        return log::warning("lead.listen", started.error());
    log::info("lead.lends", {{"at", std::string_view(lead_service_->url())}});
}

Status Agent::start_lending(std::string certificate) {
    sync::TlsServer tls;
    if (is_tls(settings_.lead_listen)) {
        tls.certificate_pem = certificate;
        MUDI_TRY(tls.key_pem, read_pem(settings_.key_file));
        MUDI_TRY(tls.client_ca_pem, read_pem(settings_.ca_file));
        if (tls.client_ca_pem.empty())
            return fail(Code::invalid, "transport.tls",
                        "the lead needs an authority that knows its neighbours");
    }
    MUDI_TRY(lead_service_,
             LeadService::start(io_, settings_.lead_listen, tls, [this](const sync::Reserve& question) {
                 auto answer = desk_->lend(question, clock_.wall());
                 // What a neighbour asks amiss is its affair.
                 if (!answer && answer.error().code == Code::io) log::warning("lead.lend", answer.error());
                 return answer;
             }));
    lending_with_ = std::move(certificate);
    return {};
}

} // namespace mudi::till
