#include <string>

#include <mudi/http/json.hpp>

#include "border.hpp"
#include "documents.hpp"
#include "handles.hpp"
#include "structs.hpp"
#include "system.hpp"

/// The border, second part: transactions.
namespace mudi::pos {
namespace {

Deadline usual(const mudi_pos& pos) { return Deadline(timeout_within_limits(0, pos.timeout_ms)); }

Outcome<Txn*> txn_of(mudi_txn* txn) {
    if (txn == nullptr) return null_argument("txn");
    return txn->txn.get();
}

/// Runs `body` on the transaction.
template <class Body>
mudi_rc on(mudi_txn* handle, const Body& body) {
    return guarded([&]() -> Outcome<mudi_rc> {
        const auto txn = txn_of(handle);
        if (!txn) return tl::make_unexpected(txn.error());
        return body(**txn, *handle->pos);
    });
}

Outcome<TxnHead> head_in(const mudi_pos& pos, const char* host_txn, const mudi_txn_info* given) {
    mudi_txn_info info{};
    if (given != nullptr) {
        const auto read = struct_in(given, "info");
        if (!read) return tl::make_unexpected(read.error());
        info = *read;
    }
    TxnHead head;
    head.begin_us = info.begin_us != 0 ? info.begin_us : now_us();
    auto number = number_in(host_txn);
    if (!number) return tl::make_unexpected(number.error());
    auto day = day_in(info.business_day, head.begin_us, pos.utc_offset_minutes);
    if (!day) return tl::make_unexpected(day.error());
    auto operator_id = text_in(info.operator_id, 200, "operator_id");
    if (!operator_id) return tl::make_unexpected(operator_id.error());
    auto currency = text_in(info.currency, 3, "currency");
    if (!currency) return tl::make_unexpected(currency.error());
    head.number = *std::move(number);
    head.business_day = *std::move(day);
    head.operator_id = *std::move(operator_id);
    head.currency = *std::move(currency);
    head.host = pos.host;
    head.training = info.training != 0;
    head.event_id = random_id();
    return head;
}

mudi_pos::Key key_of(const TxnHead& head) { return {head.business_day, head.number}; }

/// A handle for it, known from now on.
mudi_txn* adopt(mudi_pos& pos, std::unique_ptr<Txn> txn) {
    const mudi_pos::Key key = key_of(txn->head());
    auto handle = std::make_unique<mudi_txn>();
    handle->pos = &pos;
    handle->txn = std::move(txn);
    mudi_txn* raw = handle.get();
    const std::lock_guard lock(pos.txns_mutex);
    pos.txns.emplace(raw, std::move(handle));
    pos.open[key] = raw;
    return raw;
}

mudi_txn* known(mudi_pos& pos, const mudi_pos::Key& key) {
    const std::lock_guard lock(pos.txns_mutex);
    const auto found = pos.open.find(key);
    return found == pos.open.end() ? nullptr : found->second;
}

std::unique_ptr<Txn> take_aside(mudi_pos& pos, const mudi_pos::Key& key) {
    const std::lock_guard lock(pos.txns_mutex);
    auto node = pos.aside.extract(key);
    return node.empty() ? nullptr : std::move(node.mapped());
}

tl::unexpected<Fault> completed() {
    return fault(MUDI_E_STATE, "txn.completed", "the transaction of this number is completed");
}

/// Suspended here, whether its handle is closed or not. Empty when it is not ours.
Outcome<std::optional<mudi_rc>> resume_own(mudi_pos& pos, const mudi_pos::Key& key, const Deadline& deadline,
                                           mudi_txn** out) {
    mudi_txn* handle = known(pos, key);
    if (handle == nullptr) {
        auto aside = take_aside(pos, key);
        if (!aside) return std::optional<mudi_rc>{};
        handle = adopt(pos, std::move(aside));
    }
    switch (handle->txn->state()) {
    case Txn::State::open: break;
    case Txn::State::suspended: {
        const auto rc = handle->txn->resume(deadline);
        if (!rc) return tl::make_unexpected(rc.error());
        *out = handle;
        return std::optional<mudi_rc>(*rc);
    }
    case Txn::State::cancelled: return std::optional<mudi_rc>{};
    default: return completed();
    }
    *out = handle;
    return std::optional<mudi_rc>(MUDI_OK);
}

Outcome<mudi_rc> begin_new(mudi_pos& pos, TxnHead head, const Deadline& deadline, mudi_txn** out) {
    auto txn = std::make_unique<Txn>(pos.link, pos.spool, std::move(head));
    const auto rc = txn->begin(deadline);
    if (rc) *out = adopt(pos, std::move(txn));
    return rc;
}

Outcome<mudi_rc> begin(mudi_pos* pos, const char* host_txn, const mudi_txn_info* info, mudi_txn** out) {
    if (out != nullptr) *out = nullptr;
    if (pos == nullptr) return null_argument("pos");
    if (out == nullptr) return null_argument("out");
    const Deadline deadline = usual(*pos);
    auto head = head_in(*pos, host_txn, info);
    if (!head) return tl::make_unexpected(head.error());
    const auto own = resume_own(*pos, key_of(*head), deadline, out);
    if (!own) return tl::make_unexpected(own.error());
    if (*own) return **own;
    return begin_new(*pos, *std::move(head), deadline, out);
}

Outcome<mudi_rc> resume(mudi_pos* pos, const char* host_txn, mudi_txn** out) {
    if (out != nullptr) *out = nullptr;
    if (pos == nullptr) return null_argument("pos");
    if (out == nullptr) return null_argument("out");
    const Deadline deadline = usual(*pos);
    auto head = head_in(*pos, host_txn, nullptr);
    if (!head) return tl::make_unexpected(head.error());
    const auto own = resume_own(*pos, key_of(*head), deadline, out);
    if (!own) return tl::make_unexpected(own.error());
    if (*own) return **own;
    const std::string target =
        "/v1/txn/" + http::percent_encode(head->number) + "?business_day=" + head->business_day;
    const auto there = pos->link.ask({"GET", target, nullptr, {}}, deadline);
    if (!there) return tl::make_unexpected(there.error());
    if (!flag_of(*there, "open")) return completed();
    return begin_new(*pos, *std::move(head), deadline, out);
}

void close(mudi_txn* handle) {
    mudi_pos& pos = *handle->pos;
    const mudi_pos::Key key = key_of(handle->txn->head());
    const std::lock_guard lock(pos.txns_mutex);
    if (handle->txn->state() == Txn::State::suspended) {
        // Beyond that many, the agent's own memory of suspended sales has to do.
        if (pos.aside.size() >= mudi_pos::aside_max) pos.aside.erase(pos.aside.begin());
        pos.aside[key] = std::move(handle->txn);
    }
    if (const auto found = pos.open.find(key); found != pos.open.end() && found->second == handle)
        pos.open.erase(found);
    pos.txns.erase(handle);
}

/// The one customer whose name begins so; nobody is attached, because a name proves nothing.
Outcome<nlohmann::json> by_name(mudi_pos& pos, const char* raw, const Deadline& deadline) {
    auto name = text_in(raw, 200, "raw");
    if (!name) return tl::make_unexpected(name.error());
    const auto answer =
        pos.link.ask({"GET", "/v1/customers?q=" + http::percent_encode(*name), nullptr, {}}, deadline);
    if (!answer) return answer;
    const auto& customers = list_of(*answer, "customers");
    if (customers.empty()) return fault(MUDI_NOT_FOUND, "customer.unknown", "no customer of this name");
    if (customers.size() > 1)
        return fault(MUDI_E_ARG, "customer.ambiguous", "several customers have this name");
    return customers.front();
}

Outcome<mudi_rc> identify(Txn& txn, mudi_pos& pos, mudi_id_kind kind, const char* raw, mudi_customer* out,
                          int timeout_ms) {
    if (raw == nullptr) return null_argument("raw");
    if (out != nullptr) {
        const auto size = size_of(out, "out");
        if (!size) return tl::make_unexpected(size.error());
        struct_out(mudi_customer{}, out);
    }
    const Deadline deadline(timeout_within_limits(timeout_ms, pos.timeout_ms));
    Outcome<nlohmann::json> answer{nlohmann::json()};
    if (kind == MUDI_ID_NAME) {
        answer = by_name(pos, raw, deadline);
    } else {
        const auto presented = presented_in(kind, raw);
        if (!presented) return tl::make_unexpected(presented.error());
        answer = txn.identify(*presented, deadline);
    }
    if (!answer) return tl::make_unexpected(answer.error());
    const auto customer = customer_out(*answer);
    if (!customer) return tl::make_unexpected(customer.error());
    struct_out(*customer, out);
    return customer->stale != 0 ? MUDI_STALE : MUDI_OK;
}

Outcome<std::string> id_in(const char* text, const char* name) {
    if (text == nullptr) return null_argument(name);
    auto id = text_in(text, 63, name);
    if (id && id->empty()) return fault(MUDI_E_ARG, "arg.text", std::string(name) + " is empty");
    return id;
}

Outcome<mudi_rc> set_line(Txn& txn, mudi_pos& pos, const char* line_id, const mudi_line* line) {
    const auto id = id_in(line_id, "line_id");
    if (!id) return tl::make_unexpected(id.error());
    const auto read = struct_in(line, "line");
    if (!read) return tl::make_unexpected(read.error());
    return txn.set_line(*id, *read, usual(pos));
}

Outcome<mudi_rc> set_basket(Txn& txn, mudi_pos& pos, const mudi_line* lines, size_t n, std::int64_t total) {
    const auto structs = structs_in(lines, n, MUDI_LINES_MAX, "lines");
    if (!structs) return tl::make_unexpected(structs.error());
    auto read = lines_in(*structs);
    if (!read) return tl::make_unexpected(read.error());
    return txn.set_basket(*std::move(read), total, usual(pos));
}

Outcome<mudi_rc> offers(Txn& txn, mudi_pos& pos, mudi_offer* out, size_t* n, int timeout_ms) {
    auto room = Room<mudi_offer>::of(out, n, "out");
    if (!room) return tl::make_unexpected(room.error());
    const auto answer = txn.offers(Deadline(timeout_within_limits(timeout_ms, pos.timeout_ms)));
    if (!answer) return tl::make_unexpected(answer.error());
    const auto list = offers_out(*answer);
    if (!list) return tl::make_unexpected(list.error());
    room->fill(*list);
    return MUDI_OK;
}

Outcome<mudi_rc> apply(Txn& txn, mudi_pos& pos, const char* offer_id, mudi_effect* out, size_t* n) {
    const auto id = id_in(offer_id, "offer_id");
    if (!id) return tl::make_unexpected(id.error());
    auto room = Room<mudi_effect>::of(out, n, "out");
    if (!room) return tl::make_unexpected(room.error());
    const auto answer = txn.apply_offer(*id, usual(pos));
    if (!answer) return tl::make_unexpected(answer.error());
    const auto effects = effects_out(*answer, txn.lines());
    if (!effects) return tl::make_unexpected(effects.error());
    room->fill(*effects);
    return MUDI_OK;
}

Outcome<mudi_rc> redeem(Txn& txn, std::int64_t points, mudi_effect* out, size_t* n) {
    auto room = Room<mudi_effect>::of(out, n, "out");
    if (!room) return tl::make_unexpected(room.error());
    // The server, or a neighbour, may have to be asked.
    const auto answer = txn.redeem(points, Deadline(MUDI_TIMEOUT_MAX_MS));
    if (!answer) return tl::make_unexpected(answer.error());
    const auto hold = hold_out(*answer);
    if (!hold) return tl::make_unexpected(hold.error());
    room->fill({*hold});
    return flag_of(*answer, "stale") ? MUDI_STALE : MUDI_OK;
}

Outcome<mudi_rc> tender(Txn& txn, mudi_pos& pos, const mudi_tender_info* given) {
    const auto info = struct_in(given, "tender");
    if (!info) return tl::make_unexpected(info.error());
    auto document = tender_in(*info);
    if (!document) return tl::make_unexpected(document.error());
    return txn.add_tender(*std::move(document), usual(pos));
}

Outcome<mudi_rc> complete(Txn& txn, const mudi_totals* given, mudi_receipt* out) {
    const auto totals = struct_in(given, "totals");
    if (!totals) return tl::make_unexpected(totals.error());
    if (out != nullptr) {
        const auto size = size_of(out, "out");
        if (!size) return tl::make_unexpected(size.error());
    }
    mudi_totals known = *totals;
    known.size = sizeof known;
    const auto delivered = txn.complete(known, Deadline(MUDI_TIMEOUT_MAX_MS));
    if (!delivered) return tl::make_unexpected(delivered.error());
    struct_out(delivered->receipt, out);
    return delivered->rc == MUDI_OK ? MUDI_OK : remember(delivered->why, delivered->rc);
}

} // namespace
} // namespace mudi::pos

using namespace mudi::pos;

extern "C" {

mudi_rc mudi_txn_begin(mudi_pos* pos, const char* host_txn, const mudi_txn_info* info, mudi_txn** out) {
    return guarded([&] { return begin(pos, host_txn, info, out); });
}

void mudi_txn_close(mudi_txn* txn) {
    if (txn == nullptr) return;
    (void)guarded([&]() -> Outcome<mudi_rc> {
        close(txn);
        return MUDI_OK;
    });
}

mudi_rc mudi_txn_suspend(mudi_txn* txn) {
    return on(txn, [](Txn& t, mudi_pos& pos) { return t.suspend(usual(pos)); });
}

mudi_rc mudi_txn_resume(mudi_pos* pos, const char* host_txn, mudi_txn** out) {
    return guarded([&] { return resume(pos, host_txn, out); });
}

mudi_rc mudi_identify(mudi_txn* txn, mudi_id_kind kind, const char* raw, mudi_customer* out, int timeout_ms) {
    return on(txn, [&](Txn& t, mudi_pos& pos) { return identify(t, pos, kind, raw, out, timeout_ms); });
}

mudi_rc mudi_identify_clear(mudi_txn* txn) {
    return on(txn, [](Txn& t, mudi_pos& pos) { return t.forget_customer(usual(pos)); });
}

mudi_rc mudi_line_set(mudi_txn* txn, const char* line_id, const mudi_line* line) {
    return on(txn, [&](Txn& t, mudi_pos& pos) { return set_line(t, pos, line_id, line); });
}

mudi_rc mudi_line_void(mudi_txn* txn, const char* line_id) {
    return on(txn, [&](Txn& t, mudi_pos& pos) -> Outcome<mudi_rc> {
        const auto id = id_in(line_id, "line_id");
        if (!id) return tl::make_unexpected(id.error());
        return t.void_line(*id, usual(pos));
    });
}

mudi_rc mudi_basket_set(mudi_txn* txn, const mudi_line* lines, size_t n, int64_t total) {
    return on(txn, [&](Txn& t, mudi_pos& pos) { return set_basket(t, pos, lines, n, total); });
}

mudi_rc mudi_offers(mudi_txn* txn, mudi_offer* out, size_t* n, int timeout_ms) {
    return on(txn, [&](Txn& t, mudi_pos& pos) { return offers(t, pos, out, n, timeout_ms); });
}

mudi_rc mudi_offer_apply(mudi_txn* txn, const char* offer_id, mudi_effect* out, size_t* n) {
    return on(txn, [&](Txn& t, mudi_pos& pos) { return apply(t, pos, offer_id, out, n); });
}

mudi_rc mudi_offer_take_back(mudi_txn* txn, const char* offer_id) {
    return on(txn, [&](Txn& t, mudi_pos& pos) -> Outcome<mudi_rc> {
        const auto id = id_in(offer_id, "offer_id");
        if (!id) return tl::make_unexpected(id.error());
        return t.take_back_offer(*id, usual(pos));
    });
}

mudi_rc mudi_redeem(mudi_txn* txn, int64_t points, mudi_effect* out, size_t* n) {
    return on(txn, [&](Txn& t, mudi_pos&) { return redeem(t, points, out, n); });
}

mudi_rc mudi_release(mudi_txn* txn, const char* hold_id) {
    return on(txn, [&](Txn& t, mudi_pos& pos) -> Outcome<mudi_rc> {
        const auto id = id_in(hold_id, "hold_id");
        if (!id) return tl::make_unexpected(id.error());
        return t.release(*id, usual(pos));
    });
}

mudi_rc mudi_tender(mudi_txn* txn, const mudi_tender_info* given) {
    return on(txn, [&](Txn& t, mudi_pos& pos) { return tender(t, pos, given); });
}

mudi_rc mudi_tenders_clear(mudi_txn* txn) {
    return on(txn, [](Txn& t, mudi_pos&) { return t.clear_tenders(); });
}

mudi_rc mudi_complete(mudi_txn* txn, const mudi_totals* totals, mudi_receipt* out) {
    return on(txn, [&](Txn& t, mudi_pos&) { return complete(t, totals, out); });
}

mudi_rc mudi_cancel(mudi_txn* txn, const char* reason) {
    return on(txn, [&](Txn& t, mudi_pos& pos) -> Outcome<mudi_rc> {
        const auto text = text_in(reason, 200, "reason");
        if (!text) return tl::make_unexpected(text.error());
        return t.cancel(*text, usual(pos));
    });
}

} // extern "C"
