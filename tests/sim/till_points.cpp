#include <algorithm>
#include <utility>

#include <mudi/sync/reserve.hpp>

#include "operator.hpp"
#include "till_machine.hpp"

namespace mudi::sim {
namespace {

constexpr Duration lead_patience{800};
constexpr std::size_t questions_at_once = 4;
constexpr std::int64_t tidy_every_ms = 60'000;
constexpr std::int64_t tidy_on_ms = 1'000;
/// As in the agent: points are being called back, or another customer asks just now.
constexpr std::int64_t ask_again_for_ms = 700;
constexpr std::int64_t line_busy_ms = 50;
/// How long a customer takes to pay.
constexpr std::int64_t pays_ms_max = 20'000;
constexpr std::int64_t dawdles_ms_max = 10 * 60'000;
constexpr std::int64_t cashier_busy_ms = 5'000;

} // namespace

// ---- what the agent does ----

void TillMachine::act(const sync::till_out::Answered& action) {
    auto asked = program_->asked.extract(action.id);
    if (!asked.empty()) asked.mapped()(action.answer);
}

void TillMachine::ask_server(const sync::Reserve& question, OnPoints on_answer) {
    const std::uint64_t id = ++program_->questions;
    program_->asked.emplace(id, std::move(on_answer));
    feed(sync::till_in::Ask{id, question});
}

void TillMachine::ask_lead(const sync::Reserve& question, OnPoints on_answer) {
    world_.shop_network.ask(*this, program_->desk->lead().url, sync::encode_question(question), lead_patience,
                            [on_answer = std::move(on_answer)](const Result<std::string>& frame) {
                                if (!frame) return on_answer(tl::make_unexpected(frame.error()));
                                on_answer(sync::decode_reserve_answer(*frame));
                            });
}

void TillMachine::lend(const std::string& frame, std::function<void(std::string)> on_reply) {
    enter([this, frame, on_reply = std::move(on_reply)] {
        message();
        const auto question = sync::decode_question(frame);
        const auto answer = question ? program_->desk->lend(*question, clock.wall())
                                     : Result<sync::ReserveAnswer>(tl::make_unexpected(question.error()));
        if (dying()) return;
        if (answer && answer->granted) world_.outcome.marks.hit("points lent to a neighbour");
        world_.note("lend", {number(), answer && answer->granted ? 1 : 0});
        on_reply(sync::encode_answer(answer));
    });
}

void TillMachine::hand_over_captured() {
    if (dying()) return;
    const EventSeq last = program_->desk->last_captured();
    if (last == std::exchange(program_->handed_over, last)) return;
    // A new life may have numbered what is kept anew since.
    feed(sync::till_in::Captured{std::min(last, program_->store->replica().state().last)});
}

void TillMachine::tidy() {
    const auto more = program_->desk->tidy(clock.wall());
    if (!dying()) hand_over_captured();
    if (!dying()) settle_questions();
    if (!dying()) look_at_lead();
    later(more && *more ? tidy_on_ms : tidy_every_ms, [this] { tidy(); });
}

void TillMachine::settle_questions() {
    till::Desk& desk = *program_->desk;
    if (desk.lead().url.empty() || desk.is_lead()) return;
    std::size_t asked = 0;
    for (const sync::Reserve& question : desk.unsettled()) {
        if (++asked > questions_at_once) break;
        ask_lead(question, [this, hold = question.hold](const Result<sync::ReserveAnswer>& answer) {
            const bool refused = !answer && answer.error().code == Code::denied;
            if (!answer && !refused) return;
            (void)program_->desk->settled(hold, answer ? *answer : sync::ReserveAnswer{}, clock.wall())
                .has_value();
            world_.outcome.marks.hit("question to the lead settled later");
            hand_over_captured();
        });
    }
}

void TillMachine::look_at_lead() { program_->lends = program_->desk->is_lead(); }

// ---- what a customer does ----

/// Rung up, and then asked whether it is to be points.
void TillMachine::pay_with_points() {
    Deed deed;
    deed.till = number();
    const Serial serial = world_.oracle.begin(deed);
    auto customer = std::make_shared<Redeeming>();
    customer->serial = serial;
    customer->document = new_document(serial);
    const till::SaleDocument& document = customer->document;
    customer->begun_ms = world_.timeline.now_ms();
    till::Desk& desk = *program_->desk;
    const Time now = clock.wall();
    const auto opened = desk.begin({document.name, {}, document.host, document.training}, now);
    if (dying()) return;
    if (!opened || !document.customer) return complete(serial, document);
    const auto known = desk.identify(document.name, *document.customer, now);
    if (dying()) return;
    (void)desk.set_basket(document.name, *document.lines, document.total, now).has_value();
    if (dying()) return;
    const std::int64_t most =
        known ? std::min(known->points.value, document.total->minor / desk.loyalty().point_value.minor) : 0;
    const std::int64_t least = desk.loyalty().redeem_min.value;
    if (most < least) return pay_cash(customer);
    // All they have, or some of it.
    const auto some = static_cast<std::int64_t>(shop_.below(static_cast<std::uint64_t>(most - least + 1)));
    customer->points = {shop_.below(2) == 0 ? most : least + some};
    redeem(customer);
}

void TillMachine::redeem(const Customer& customer) {
    if (!program_->linked) return redeem_without_server(customer);
    const auto asked = program_->desk->prepare_redeem(customer->document.name, customer->points,
                                                      till::AskedOf::server, clock.wall());
    if (dying()) return;
    if (!asked) return pay_cash(customer);
    customer->question = *asked;
    redeem_from_server(customer);
}

void TillMachine::redeem_from_server(const Customer& customer) {
    const till::RedeemQuestion& question = customer->question;
    auto sent = std::make_shared<bool>(false);
    ask_server({identity_.till, question.hold, question.profile, question.points},
               [this, customer, sent](const Result<sync::ReserveAnswer>& answer) {
                   server_answered(customer, answer, *sent);
               });
    *sent = true;
}

void TillMachine::server_answered(const Customer& customer, const Result<sync::ReserveAnswer>& answer,
                                  bool sent) {
    if (dying()) return;
    const bool line_taken = !answer && answer.error().name == "server.asked";
    std::int64_t again_ms = line_taken ? line_busy_ms : 0;
    if (answer && !answer->granted) again_ms = answer->again_after.count();
    const bool may_ask_again = world_.timeline.now_ms() - customer->begun_ms + again_ms <= ask_again_for_ms;
    if (again_ms > 0 && may_ask_again)
        return later(again_ms, [this, customer] { redeem_from_server(customer); });
    if (answer && answer->granted) {
        world_.outcome.marks.hit("hold granted online");
        return hold_granted(customer, answer->lender);
    }
    if (answer && again_ms > 0) world_.outcome.marks.hit("points not called back in time");
    const bool refused = answer || answer.error().code == Code::denied;
    if (!answer && answer.error().name == "points.settling")
        world_.outcome.marks.hit("points refused while settling");
    if (!drop(customer, sent && !refused)) return;
    if (answer || answer.error().name == "customer.unknown") return pay_cash(customer);
    redeem_without_server(customer);
}

void TillMachine::redeem_without_server(const Customer& customer) {
    till::Desk& desk = *program_->desk;
    const crm::LeadTill& lead = desk.lead();
    const bool others = lead.till.value != 0 && !desk.is_lead() && !lead.url.empty();
    if (desk.offline_points() != crm::OfflinePoints::escrow || !others) return redeem_alone(customer);
    const auto asked =
        desk.prepare_redeem(customer->document.name, customer->points, till::AskedOf::lead, clock.wall());
    if (dying()) return;
    if (!asked) return pay_cash(customer);
    customer->question = *asked;
    auto sent = std::make_shared<bool>(false);
    ask_lead({identity_.till, asked->hold, asked->profile, asked->points},
             [this, customer, sent](const Result<sync::ReserveAnswer>& answer) {
                 lead_answered(customer, answer, *sent);
             });
    *sent = true;
}

void TillMachine::lead_answered(const Customer& customer, const Result<sync::ReserveAnswer>& answer,
                                bool sent) {
    if (dying()) return;
    if (answer && answer->granted) {
        world_.outcome.marks.hit("hold granted by the lead");
        return hold_granted(customer, answer->lender);
    }
    const bool refused = answer || answer.error().code == Code::denied;
    const bool asked = sent && !(!answer && answer.error().name == "lead.unreachable");
    if (!answer && !refused) world_.outcome.marks.hit("lead away");
    if (drop(customer, asked && !refused)) redeem_alone(customer);
}

bool TillMachine::drop(const Customer& customer, bool doubtful) {
    till::Desk& desk = *program_->desk;
    const till::TransactionName& name = customer->document.name;
    const Status dropped = doubtful ? desk.hold_unanswered(name, customer->question, clock.wall())
                                    : desk.hold_refused(name, customer->question, clock.wall());
    if (dying()) return false;
    hand_over_captured();
    if (dropped || dropped.error().code == Code::unavailable) return true;
    pay_cash(customer);
    return false;
}

void TillMachine::redeem_alone(const Customer& customer) {
    till::Desk& desk = *program_->desk;
    const bool floor = desk.offline_points() == crm::OfflinePoints::floor_limit;
    auto hold = desk.redeem(customer->document.name, customer->points, clock.wall());
    if (dying()) return;
    if (!hold && (hold.error().name == "redeem.offline" || hold.error().name == "redeem.offline_cap")) {
        // Less would do, says the till.
        const auto own = desk.own_right(customer->document.name, clock.wall());
        if (own && *own >= desk.loyalty().redeem_min)
            hold = desk.redeem(customer->document.name, *own, clock.wall());
        if (dying()) return;
    }
    if (hold)
        world_.outcome.marks.hit(floor ? "hold within the floor limit" : "hold under the till's own right");
    points_held(customer, hold);
}

void TillMachine::hold_granted(const Customer& customer, RightsHolder lender) {
    const auto hold =
        program_->desk->hold_granted(customer->document.name, customer->question, lender, clock.wall());
    if (!dying()) points_held(customer, hold);
}

void TillMachine::points_held(const Customer& customer, const Result<till::HoldView>& hold) {
    hand_over_captured();
    if (dying()) return;
    if (!hold) return pay_cash(customer);
    Deed& deed = world_.oracle.deed(customer->serial);
    deed.granted_ms = world_.timeline.true_ms();
    deed.lender = hold->hold.lender;
    deed.by_server = hold->hold.asked == till::AskedOf::server;
    deed.profile = hold->hold.profile;
    world_.note("points held", {number(), customer->serial, hold->hold.points.value});
    const PointsPlan& plan = world_.swarm.points;
    if (shop_.below(100) < plan.walks_away) {
        world_.outcome.marks.hit("customer walked away");
        const std::uint64_t how = shop_.below(3);
        if (how == 0) return; // and nobody clears the screen
        later(static_cast<std::int64_t>(shop_.below(pays_ms_max)), [this, customer, how, id = hold->hold.id] {
            const till::TransactionName& name = customer->document.name;
            if (how == 1)
                (void)program_->desk->cancel(name, clock.wall()).has_value();
            else
                (void)program_->desk->release(name, id, clock.wall()).has_value();
            hand_over_captured();
        });
        return;
    }
    const bool dawdles = shop_.below(100) < plan.dawdles;
    const auto wait = static_cast<std::int64_t>(shop_.below(dawdles ? dawdles_ms_max : pays_ms_max));
    later(wait, [this, customer, held = hold->hold] { pay(customer, held); });
}

void TillMachine::pay(const Customer& customer, const till::Hold& hold) {
    if (pending_ && !ask_again()) {
        if (!dying()) later(cashier_busy_ms, [this, customer, hold] { pay(customer, hold); });
        return;
    }
    if (dying()) return;
    till::SaleDocument document = customer->document;
    document.hold = hold.id;
    document.end = std::max(*document.begin, clock.wall()); // it may have been set back
    const Money rest{document.total->minor - hold.amount.minor, document.total->currency};
    document.tenders = {{crm::TenderKind::loyalty_points, hold.amount, {}}};
    if (rest.minor != 0) document.tenders->push_back({crm::TenderKind::cash, rest, {}});
    Deed& deed = world_.oracle.deed(customer->serial);
    deed.redeemed = hold.points.value;
    deed.beyond = world_.people->revoked(identity_.till);
    deed.paid_ms = world_.timeline.true_ms();
    complete(customer->serial, document);
}

void TillMachine::pay_cash(const Customer& customer) {
    if (pending_ && !ask_again()) {
        if (!dying()) later(cashier_busy_ms, [this, customer] { pay_cash(customer); });
        return;
    }
    if (!dying()) complete(customer->serial, customer->document);
}

} // namespace mudi::sim
