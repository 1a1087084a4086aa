#include <algorithm>
#include <utility>

#include "server_machine.hpp"
#include "shop.hpp"
#include "till_machine.hpp"

namespace mudi::sim {
namespace {

constexpr std::size_t receipts_kept = 20;
constexpr std::int64_t hour_ms = 3'600'000;
/// A cashier tries again after so long.
constexpr std::int64_t ask_again_ms = 15'000;

bool may_pass(const Error& error) {
    return error.code == Code::io || error.code == Code::busy || error.code == Code::unavailable;
}

} // namespace

void TillMachine::open_shop() { next_customer(); }

void TillMachine::next_customer() {
    const std::int64_t mean = hour_ms / std::max<std::int64_t>(world_.swarm.shop.sales_per_till, 1);
    const auto wait = static_cast<std::int64_t>(shop_.below(static_cast<std::uint64_t>(2 * mean)));
    world_.timeline.after(wait, [this] {
        if (world_.calm_now()) return; // closing time
        enter([this] { serve(); });
        next_customer();
    });
}

void TillMachine::serve() {
    if (pending_ && !ask_again()) return; // the cashier is not through with the last one
    if (dying()) return;
    program_->recorder->newer = version > world_.server->version;
    const std::uint64_t what = shop_.below(100);
    if (what < 2) return join();
    if (what < 6) return give_back();
    if (what < 8) return undo();
    if (shop_.below(100) < world_.swarm.points.pays) return pay_with_points();
    sell(what < 16);
}

till::SaleDocument TillMachine::new_document(Serial serial) {
    const ShopPlan& plan = world_.swarm.shop;
    till::SaleDocument document;
    document.name.number = letter_ + "-" + std::to_string(next_number_++);
    document.name.day = business_day_at(clock.wall(), std::chrono::minutes{330});
    document.host = "sim";
    document.begin = clock.wall();
    document.end = clock.wall();
    std::vector<crm::LineItem> lines;
    Money total{0, inr};
    const std::uint64_t count = 1 + shop_.below(4);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto product = static_cast<int>(shop_.below(static_cast<std::uint64_t>(plan.products)));
        crm::LineItem line;
        line.item_id = item_of(product);
        line.description = i == 0 ? "sale " + std::to_string(serial) : std::string{};
        line.quantity = Quantity{1000 * (1 + static_cast<std::int64_t>(shop_.below(3)))};
        line.unit_price = Money{price_of(product), inr};
        line.amount = Money{price_of(product) * line.quantity.thousandths / 1000, inr};
        line.tax = Money{0, inr};
        total.minor += line.amount.minor;
        lines.push_back(std::move(line));
    }
    document.lines = std::move(lines);
    document.tenders = {{crm::TenderKind::cash, total, {}}};
    document.total = total;
    Deed& deed = world_.oracle.deed(serial);
    if (shop_.below(100) < plan.member_sales) {
        const auto customer = static_cast<int>(shop_.below(static_cast<std::uint64_t>(plan.customers)));
        deed.customer = customer;
        const bool by_card = shop_.below(4) != 0;
        document.customer = till::Presented{by_card ? till::PresentedKind::card : till::PresentedKind::phone,
                                            by_card ? card_of(customer) : phone_of(customer)};
    }
    document.training = shop_.below(100) == 0;
    deed.number = document.name.number;
    deed.training = *document.training;
    deed.total_minor = total.minor;
    if (deed.customer >= 0 && !deed.training) deed.earned = total.minor / world_.swarm.points.per_point_minor;
    return document;
}

void TillMachine::sell(bool later_on) {
    Deed deed;
    deed.till = number();
    const Serial serial = world_.oracle.begin(deed);
    const till::SaleDocument document = new_document(serial);
    if (later_on) {
        // Rung up step by step, and put aside for a moment.
        till::Desk& desk = *program_->desk;
        const Time now = clock.wall();
        auto opened = desk.begin({document.name, {}, document.host, document.training}, now);
        if (opened && document.customer)
            (void)desk.identify(document.name, *document.customer, now).has_value();
        if (opened && !dying()) {
            (void)desk.set_basket(document.name, *document.lines, document.total, now).has_value();
            (void)desk.suspend(document.name, now).has_value();
        }
        if (dying()) {
            pending_ = Pending{serial, document, false};
            return;
        }
    }
    complete(serial, document);
    // The host lost our answer, or does not believe it.
    if (shop_.below(40) != 0 || dying() || !known_ok(serial)) return;
    world_.outcome.marks.hit("POS asked twice");
    complete(serial, document);
}

bool TillMachine::known_ok(Serial serial) const { return world_.oracle.deed(serial).ok; }

void TillMachine::complete(Serial serial, const till::SaleDocument& document) {
    program_->recorder->doing = serial;
    pending_ = Pending{serial, document, false};
    auto receipt = program_->desk->complete(document, clock.wall());
    if (dying()) return; // nobody heard the answer
    if (!receipt) return refused(serial, document, receipt.error());
    if (receipt->repeated) world_.outcome.marks.hit("sale asked for again");
    told_ok(serial, receipt->event);
    if (!receipt->repeated) feed(sync::till_in::Captured{receipt->seq});
    if (document.kind == crm::TransactionKind::sale && !*document.training && !receipt->repeated) {
        if (receipts_.size() == receipts_kept) receipts_.erase(receipts_.begin());
        receipts_.emplace_back(serial, document);
    }
}

void TillMachine::told_ok(Serial serial, EventId event) {
    pending_.reset();
    Deed& deed = world_.oracle.deed(serial);
    world_.note("sale", {number(), serial});
    if (deed.ok) {
        if (deed.event != event) world_.fail("I1", "one sale has two receipts");
        return;
    }
    ++world_.outcome.sales;
    deed.ok = true;
    deed.event = event;
    facts_.kept.push_back({serial, event});
    if (deed.redeemed == 0) return;
    world_.outcome.marks.hit(deed.by_server           ? "redeemed from the server"
                             : deed.lender.value == 0 ? "redeemed within the floor limit"
                             : deed.lender == program_->store->replica().state().holder
                                 ? "redeemed from own right"
                                 : "redeemed from lead");
    world_.check([&](Checker& checker) { checker.points_spent(*this, deed); });
}

void TillMachine::refused(Serial serial, const till::SaleDocument& document, const Error& error) {
    world_.note("sale refused", {number(), serial}, error.name);
    notice(error);
    if (facts_.lied && error.code == Code::corrupt) {
        pending_->unreadable = true;
        return;
    }
    if (may_pass(error)) {
        if (error.name == "db.full") world_.outcome.marks.hit("disk full");
        if (error.code == Code::io && error.name != "db.full")
            world_.outcome.marks.hit("disk error at a sale");
        if (std::exchange(program_->asks_later, true)) return;
        later(ask_again_ms, [this] {
            program_->asks_later = false;
            ask_again();
        });
        return;
    }
    pending_.reset();
    world_.outcome.marks.hit("refused at the till: " + error.name);
    // Asked for again, what is stored cannot be read, or reads otherwise.
    if (world_.oracle.deed(serial).spoilt) return;
    // Its number can be taken after the machine or its POS was put back; nothing else speaks against a sale.
    if (document.kind != crm::TransactionKind::sale || error.name == "sale.conflict") return;
    if (document.hold && error.name.starts_with("hold.")) {
        // The points are not to be had any more: the customer goes without.
        (void)program_->desk->cancel(document.name, clock.wall()).has_value();
        return hand_over_captured();
    }
    world_.fail("I7", name() + " refused a sale: " + error.name + " " + error.what);
}

bool TillMachine::ask_again() {
    if (!pending_ || dying()) return !pending_;
    const Pending pending = *pending_;
    complete(pending.serial, pending.document);
    return !pending_ && !dying();
}

void TillMachine::join() {
    const auto customer =
        static_cast<int>(shop_.below(static_cast<std::uint64_t>(world_.swarm.shop.customers)));
    Deed deed;
    deed.till = number();
    deed.is_join = true;
    const Serial serial = world_.oracle.begin(deed);
    program_->recorder->doing = serial;
    till::JoinDocument document;
    document.name = name_of(customer);
    document.card = card_of(customer);
    if (shop_.below(2) == 0) document.phone = phone_of(customer);
    document.phone_verified = true;
    const auto event = program_->desk->join(document, clock.wall());
    if (dying() || !event) return;
    told_ok(serial, *event);
    feed(sync::till_in::Captured{program_->desk->last_captured()});
}

void TillMachine::give_back() {
    if (receipts_.empty()) return;
    const auto& [sold, original] = receipts_[shop_.below(receipts_.size())];
    if (world_.oracle.deed(sold).spoilt) return; // what is made of it would be spoilt too
    Deed deed;
    deed.till = number();
    deed.kind = crm::TransactionKind::return_;
    const Serial serial = world_.oracle.begin(deed);
    till::SaleDocument document;
    document.name.number = letter_ + "-" + std::to_string(next_number_++);
    document.name.day = business_day_at(clock.wall(), std::chrono::minutes{330});
    document.kind = crm::TransactionKind::return_;
    document.host = "sim";
    document.begin = document.end = clock.wall();
    crm::LineItem line = original.lines->front();
    line.type = crm::LineType::return_;
    line.description = "return " + std::to_string(serial);
    line.link =
        crm::LineLink{{identity_.store, identity_.workstation, *original.name.day, original.name.number}, 1};
    const Money paid{-line.amount.minor, inr};
    document.lines = {line};
    document.tenders = {{crm::TenderKind::cash, paid, {}}};
    document.total = paid;
    document.training = false;
    world_.oracle.deed(serial).number = document.name.number;
    world_.oracle.deed(serial).total_minor = paid.minor;
    complete(serial, document);
}

void TillMachine::undo() {
    if (receipts_.empty()) return;
    const auto& [sold, original] = receipts_[shop_.below(receipts_.size())];
    if (world_.oracle.deed(sold).spoilt) return; // what is made of it would be spoilt too
    Deed deed;
    deed.till = number();
    deed.kind = crm::TransactionKind::post_void;
    deed.voids = sold;
    deed.number = letter_ + "-" + std::to_string(next_number_++);
    const Serial serial = world_.oracle.begin(deed);
    program_->recorder->doing = serial;
    till::Desk::Void request;
    request.original = original.name;
    request.name = {deed.number, business_day_at(clock.wall(), std::chrono::minutes{330})};
    const auto receipt = program_->desk->post_void(request, clock.wall());
    if (dying() || !receipt) return;
    told_ok(serial, receipt->event);
    feed(sync::till_in::Captured{receipt->seq});
}

} // namespace mudi::sim
