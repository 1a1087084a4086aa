#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <mudi/http/json.hpp>

#include "answers.hpp"
#include "context.hpp"
#include "documents.hpp"

namespace mudi::till {
namespace {

using nlohmann::json;

/// Points are being called back from another till: the server is asked again so long, and each time waits for
/// its answer no longer than TillLimits::ask_timeout. A second and a half in all.
constexpr Duration ask_again_for{std::chrono::milliseconds{700}};
/// Another customer of this till is asking just now.
constexpr Duration line_busy{std::chrono::milliseconds{50}};

/// One customer waits for points: the server is asked, else the store's lead till, else this till goes by
/// itself. Lives in the callbacks of whoever is asked.
class Redemption : public std::enable_shared_from_this<Redemption> {
public:
    Redemption(Context& context, Reply reply, TransactionName name, Points points)
        : context_(context), line_(context.parts.points), reply_(std::move(reply)), name_(std::move(name)),
          points_(points), begun_(context.parts.clock.mono()) {}

    void begin();

private:
    using Answer = Result<sync::ReserveAnswer>;

    [[nodiscard]] Desk& desk() const { return context_.parts.desk; }
    [[nodiscard]] Time now() const { return context_.parts.clock.wall(); }
    [[nodiscard]] bool may_ask_again(Duration after) const {
        return line_.later && context_.parts.clock.mono() - begun_ + after <= ask_again_for;
    }
    [[nodiscard]] sync::Reserve question() const {
        return {desk().options().till, question_.hold, question_.profile, question_.points};
    }
    void ask_server();
    void server_answered(const Answer& answer, bool sent);
    void without_server();
    void ask_lead();
    void lead_answered(const Answer& answer, bool sent);
    void alone();
    void granted(RightsHolder lender);
    bool drop(bool sent);
    void done(const Result<HoldView>& hold);
    void refuse(const Error& error, std::optional<Points> available = {});

    Context& context_;
    const PointsLine& line_;
    Reply reply_;
    TransactionName name_;
    Points points_;
    MonoTime begun_;
    RedeemQuestion question_;
    Points lead_has_;
};

void Redemption::begin() {
    const bool linked = context_.parts.link && context_.parts.link().linked;
    if (!line_.server || !linked) return without_server();
    const auto asked = desk().prepare_redeem(name_, points_, AskedOf::server, now());
    if (!asked) return refuse(asked.error());
    question_ = *asked;
    ask_server();
}

void Redemption::ask_server() {
    // Whoever answers in the same turn has sent nothing.
    auto sent = std::make_shared<bool>(false);
    line_.server(question(), [self = shared_from_this(), sent](const Answer& answer) {
        self->server_answered(answer, *sent);
    });
    *sent = true;
}

void Redemption::server_answered(const Answer& answer, bool sent) {
    const bool line_taken = !answer && answer.error().name == "server.asked";
    Duration again = line_taken ? line_busy : Duration{0};
    if (answer && !answer->granted) again = answer->again_after;
    if (again > Duration{0} && may_ask_again(again) && !reply_.gone())
        return line_.later(again, [self = shared_from_this()] { self->ask_server(); });
    if (answer && answer->granted) return granted(answer->lender);
    const bool refused = answer || answer.error().code == Code::denied;
    if (!drop(sent && !refused)) return;
    if (answer && again > Duration{0}) {
        return refuse(
            {Code::busy, "redeem.called_back", "the points are being called back from another till"},
            answer->available);
    }
    if (answer)
        return refuse({Code::invalid, "redeem.balance", "not that many points are free"}, answer->available);
    if (answer.error().name == "customer.unknown") return refuse(answer.error());
    without_server();
}

void Redemption::without_server() {
    const crm::LeadTill& lead = desk().lead();
    const bool others = lead.till.value != 0 && !desk().is_lead() && !lead.url.empty();
    if (desk().offline_points() == crm::OfflinePoints::escrow && others && line_.lead) return ask_lead();
    alone();
}

void Redemption::ask_lead() {
    const auto asked = desk().prepare_redeem(name_, points_, AskedOf::lead, now());
    if (!asked) return refuse(asked.error());
    question_ = *asked;
    auto sent = std::make_shared<bool>(false);
    line_.lead(question(), [self = shared_from_this(), sent](const Answer& answer) {
        self->lead_answered(answer, *sent && !(!answer && answer.error().name == "lead.unreachable"));
    });
    *sent = true;
}

void Redemption::lead_answered(const Answer& answer, bool sent) {
    if (answer && answer->granted) return granted(answer->lender);
    if (answer) lead_has_ = answer->available;
    const bool refused = answer || answer.error().code == Code::denied;
    if (drop(sent && !refused)) alone();
}

/// The question is over and nothing was granted, as far as we know. False: the customer got an error.
bool Redemption::drop(bool doubtful) {
    const Status dropped = doubtful ? desk().hold_unanswered(name_, question_, now())
                                    : desk().hold_refused(name_, question_, now());
    // What cannot be given back just now is given back later: that is no reason to refuse.
    if (dropped || dropped.error().code == Code::unavailable) return true;
    refuse(dropped.error());
    return false;
}

void Redemption::alone() {
    const auto hold = desk().redeem(name_, points_, now());
    if (hold) return done(hold);
    const bool too_much = hold.error().name == "redeem.offline" || hold.error().name == "redeem.offline_cap";
    if (!too_much) return refuse(hold.error());
    const auto own = desk().own_right(name_, now());
    refuse(hold.error(), std::max(own ? *own : Points{}, lead_has_));
}

void Redemption::granted(RightsHolder lender) { done(desk().hold_granted(name_, question_, lender, now())); }

void Redemption::done(const Result<HoldView>& hold) {
    if (!hold) return refuse(hold.error());
    if (reply_.gone()) {
        (void)desk().release(name_, hold->hold.id, now()).has_value();
        return refuse({Code::not_found, "hold.unknown", "nobody waits for these points any more"});
    }
    reply_(http::json_response(hold_json(*hold)));
}

void Redemption::refuse(const Error& error, std::optional<Points> available) {
    json extra = json::object();
    if (available) extra["available"] = available->value;
    reply_(tl::make_unexpected(error), extra);
}

Status redeem(Context& context, const Ask& ask, const Reply& reply) {
    MUDI_TRY(TransactionName name, name_from(context, ask));
    MUDI_TRY(const json body, body_of(ask));
    MUDI_TRY(const Points points, points_from(body));
    std::make_shared<Redemption>(context, reply, std::move(name), points)->begin();
    return {};
}

} // namespace

void add_redeem_calls(Context& context) {
    context.add_later("POST", "/v1/txn/{id}/redeem", [&context](const Ask& ask, Reply reply) {
        if (const auto begun = redeem(context, ask, reply); !begun) reply(tl::make_unexpected(begun.error()));
    });
}

} // namespace mudi::till
