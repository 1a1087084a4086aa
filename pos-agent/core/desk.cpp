#include <mudi/till/desk.hpp>

#include <utility>

#include "desk_impl.hpp"

namespace mudi::till {

void Desk::Impl::use_settings(const std::optional<crm::StoreSettings>& settings) {
    if (!settings) return;
    identifier_key = settings->identifier_key;
    loyalty = settings->loyalty;
    rules.member_code_key = settings->member_code_key;
    offline_points = settings->offline_points;
    lead = settings->lead;
}

Status Desk::Impl::take_up(DeskMemory memory) {
    rules.loyalty_ranges = options.loyalty_ranges;
    rules.country_code = options.country_code;
    hlc = sync::Hlc(memory.hlc);
    use_settings(memory.settings);
    heard = heard_kept = memory.server_heard;
    for (Hold& hold : memory.holds) holds.emplace(hold.id, std::move(hold));
    for (const Lent& each : memory.lent) lent.emplace(each.hold, LentUnder{each, memory.holder});
    for (crm::RetailTransaction& sale : memory.suspended) {
        OpenTransaction transaction;
        transaction.key = {sale.key.day, sale.key.number};
        transaction.operator_id = std::move(sale.operator_id);
        transaction.host = std::move(sale.host);
        transaction.training = sale.training;
        transaction.suspended = true;
        transaction.begin = sale.begin;
        transaction.touched = sale.end;
        transaction.member = std::move(sale.member);
        transaction.lines = std::move(sale.lines);
        transaction.total = sale.total;
        transaction.tenders = std::move(sale.tenders);
        suspended.insert(transaction.key);
        for (const auto& [id, hold] : holds) {
            if (hold.transaction == transaction.key && hold.granted) transaction.hold = hold;
        }
        auto& kept = open.emplace(transaction.key, std::move(transaction)).first->second;
        if (sale.redeemed_offers.empty() || !kept.member) continue;
        MUDI_TRY(const auto profile, held(kept.member->identifier));
        if (!profile) continue;
        for (const OfferId id : sale.redeemed_offers) {
            // What no longer applies is left out, as after a change of the basket.
            if (auto applied = apply_offer(kept, id, kept.touched);
                !applied && applied.error().code == Code::io) {
                return tl::make_unexpected(std::move(applied).error());
            }
        }
    }
    return {};
}

TransactionKey Desk::Impl::key_of(const TransactionName& name, Time now) const {
    const BusinessDay today = business_day_at(now, options.zone_offset);
    if (name.day) return {*name.day, name.number};
    if (open.contains({today, name.number})) return {today, name.number};
    // A sale begun before midnight ends under the day it began on.
    const BusinessDay yesterday = business_day_at(now - std::chrono::hours{24}, options.zone_offset);
    if (open.contains({yesterday, name.number})) return {yesterday, name.number};
    return {today, name.number};
}

bool Desk::Impl::is_stale(Time now) const {
    return !seen.level_at || now - *seen.level_at >= options.stale_after;
}

Desk::Desk(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Desk::~Desk() = default;

Result<std::unique_ptr<Desk>> Desk::open(DeskOptions options, Storage& storage, Random& random) {
    auto impl = std::make_unique<Impl>(std::move(options), storage, random);
    MUDI_TRY(auto memory, storage.load());
    MUDI_CHECK(impl->take_up(std::move(memory)));
    return std::unique_ptr<Desk>(new Desk(std::move(impl)));
}

Result<const OpenTransaction*> Desk::begin(const Begin& request, Time now) {
    return impl_->begin(request, now);
}

Result<const OpenTransaction*> Desk::find(const TransactionName& name, Time now) const {
    MUDI_TRY(const auto* open, impl_->opened(name, now));
    return open;
}

Result<CustomerView> Desk::identify(const TransactionName& name, const Presented& presented, Time now) {
    MUDI_TRY(auto* open, impl_->opened(name, now));
    open->touched = now;
    return impl_->identify(*open, presented, now);
}

Status Desk::forget_customer(const TransactionName& name, Time now) {
    MUDI_TRY(auto* open, impl_->opened(name, now));
    open->touched = now;
    return impl_->forget_customer(*open, now);
}

Result<std::optional<CustomerView>> Desk::customer(const TransactionName& name, Time now) {
    MUDI_TRY(auto* open, impl_->opened(name, now));
    if (!open->member) return std::optional<CustomerView>{};
    MUDI_TRY(const auto profile, impl_->held(open->member->identifier));
    if (!profile) return std::optional<CustomerView>{};
    MUDI_TRY(auto view, impl_->view(*profile, now, open));
    return std::optional{std::move(view)};
}

Result<BasketView> Desk::set_basket(const TransactionName& name, std::vector<crm::LineItem> lines,
                                    std::optional<Money> total, Time now) {
    MUDI_TRY(auto* open, impl_->opened(name, now));
    open->touched = now;
    return impl_->set_basket(*open, std::move(lines), total, now);
}

Result<std::vector<OfferView>> Desk::offers(const TransactionName& name, Time now) {
    MUDI_TRY(auto* open, impl_->opened(name, now));
    return impl_->offers(*open, now);
}

Result<std::vector<crm::OfferEffect>> Desk::apply_offer(const TransactionName& name, OfferId offer,
                                                        Time now) {
    MUDI_TRY(auto* open, impl_->opened(name, now));
    open->touched = now;
    return impl_->apply_offer(*open, offer, now);
}

Status Desk::take_back_offer(const TransactionName& name, OfferId offer, Time now) {
    MUDI_TRY(auto* open, impl_->opened(name, now));
    open->touched = now;
    const auto gone =
        std::erase_if(open->applied, [&](const AppliedOffer& applied) { return applied.offer.id == offer; });
    if (gone == 0)
        return fail(Code::not_found, "offer.unknown", "the offer was not applied to this transaction");
    return {};
}

Result<HoldView> Desk::redeem(const TransactionName& name, Points points, Time now) {
    MUDI_TRY(auto* open, impl_->opened(name, now));
    open->touched = now;
    return impl_->redeem(*open, points, now);
}

Status Desk::release(const TransactionName& name, HoldId hold, Time now) {
    MUDI_TRY(auto* open, impl_->opened(name, now));
    open->touched = now;
    if (!open->hold || open->hold->id != hold)
        return fail(Code::not_found, "hold.unknown", "no such hold on this transaction");
    return impl_->release(*open, now);
}

Result<RedeemQuestion> Desk::prepare_redeem(const TransactionName& name, Points points, AskedOf asked,
                                            Time now) {
    MUDI_TRY(auto* open, impl_->opened(name, now));
    open->touched = now;
    return impl_->prepare_redeem(*open, points, asked, now);
}

Result<HoldView> Desk::hold_granted(const TransactionName& name, const RedeemQuestion& question,
                                    RightsHolder lender, Time now) {
    return impl_->hold_granted(name, question, lender, now);
}

Status Desk::hold_refused(const TransactionName& name, const RedeemQuestion& question, Time now) {
    return impl_->hold_refused(name, question, now);
}

Status Desk::hold_unanswered(const TransactionName& name, const RedeemQuestion& question, Time now) {
    return impl_->hold_unanswered(name, question, now);
}

Result<Points> Desk::own_right(const TransactionName& name, Time now) {
    MUDI_TRY(const auto* open, impl_->opened(name, now));
    return impl_->own_right(*open, now);
}

Result<sync::ReserveAnswer> Desk::lend(const sync::Reserve& asked, Time now) {
    return impl_->lend(asked, now);
}

std::vector<sync::Reserve> Desk::unsettled() const { return impl_->unsettled(); }

Status Desk::settled(HoldId hold, const sync::ReserveAnswer& answer, Time now) {
    return impl_->settled(hold, answer, now);
}

Result<bool> Desk::tidy(Time now) { return impl_->tidy(now); }

Result<TenderView> Desk::add_tender(const TransactionName& name, crm::Tender tender, Time now) {
    MUDI_TRY(auto* open, impl_->opened(name, now));
    open->touched = now;
    return impl_->add_tender(*open, std::move(tender));
}

Status Desk::suspend(const TransactionName& name, Time now) {
    MUDI_TRY(auto* open, impl_->opened(name, now));
    open->touched = now;
    return impl_->suspend(*open);
}

Status Desk::cancel(const TransactionName& name, Time now) {
    MUDI_TRY(auto* open, impl_->opened(name, now));
    return impl_->cancel(*open, now);
}

Result<Receipt> Desk::complete(const SaleDocument& document, Time now) {
    return impl_->complete(document, now);
}

Result<Receipt> Desk::post_void(const Void& request, Time now) { return impl_->post_void(request, now); }

Result<Receipt> Desk::receipt(const TransactionName& name, Time now) {
    MUDI_TRY(auto stored, impl_->storage.find_transaction(impl_->key_of(name, now)));
    if (!stored) return fail(Code::not_found, "txn.unknown", "no such transaction is completed here");
    return impl_->receipt_of(*std::move(stored), false, now);
}

Result<EventId> Desk::join(const JoinDocument& document, Time now) { return impl_->join(document, now); }

Result<std::vector<CustomerView>> Desk::search(std::string_view typed, Time now) {
    return impl_->search(typed, now);
}

void Desk::server_seen(const ServerSeen& seen) { impl_->server_seen(seen); }

Result<std::vector<TransactionKey>> Desk::feed_applied(std::span<const ProfileId> changed,
                                                       bool settings_changed, Time now) {
    return impl_->feed_applied(changed, settings_changed, now);
}

const DeskOptions& Desk::options() const { return impl_->options; }
const crm::LoyaltyRules& Desk::loyalty() const { return impl_->loyalty; }
crm::OfflinePoints Desk::offline_points() const { return impl_->offline_points; }
const crm::LeadTill& Desk::lead() const { return impl_->lead; }
sync::OnHold Desk::on_hold(RightsHolder own) const { return impl_->held_now(own); }
bool Desk::is_lead() const { return impl_->is_lead(); }
std::size_t Desk::open_transactions() const { return impl_->open.size(); }
bool Desk::stale(Time now) const { return impl_->is_stale(now); }
EventSeq Desk::last_captured() const { return impl_->last_captured; }

} // namespace mudi::till
