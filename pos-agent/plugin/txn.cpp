#include "txn.hpp"

#include <algorithm>
#include <utility>

#include "border.hpp"
#include "system.hpp"

namespace mudi::pos {

using nlohmann::json;

Outcome<bool> Txn::must_be_open() const {
    switch (state_) {
    case State::open: return true;
    case State::suspended: return fault(MUDI_E_STATE, "txn.suspended", "the transaction is suspended");
    case State::cancelled: return fault(MUDI_E_STATE, "txn.cancelled", "the transaction is cancelled");
    default: return fault(MUDI_E_STATE, "txn.completed", "the transaction of this number is completed");
    }
}

std::string Txn::target(const std::string& suffix) const {
    return "/v1/txn/" + http::percent_encode(head_.number) + suffix + "?business_day=" + head_.business_day;
}

AgentCall Txn::call(std::string method, const std::string& suffix, json body, std::string key) const {
    return {std::move(method), target(suffix), std::move(body), std::move(key)};
}

Outcome<json> Txn::ask(AgentCall call, const Deadline& deadline) {
    for (bool again = false;; again = true) {
        const auto level = catch_up(deadline);
        auto answer = level ? link_.ask(call, deadline) : Outcome<json>(tl::make_unexpected(level.error()));
        if (answer || answer.error().code != "txn.unknown" || again) return answer;
        agent_forgot();
        // Under its old key the agent would repeat its "unknown".
        if (!call.idempotency_key.empty()) call.idempotency_key += "-again";
    }
}

void Txn::agent_forgot() {
    told_ = {false, customer_.is_null(), lines_.empty() && !total_, offers_.empty()};
    for (Tender& tender : tenders_) {
        tender.told = false;
        tender.key = random_id();
    }
}

Outcome<json> Txn::tell_begin(const Deadline& deadline) {
    json body{{"business_day", head_.business_day}, {"training", head_.training}};
    if (!head_.operator_id.empty()) body["operator"] = head_.operator_id;
    if (!head_.host.empty()) body["host"] = head_.host;
    auto open =
        link_.ask({"PUT", "/v1/txn/" + http::percent_encode(head_.number), std::move(body), {}}, deadline);
    if (open) told_.begun = true;
    return open;
}

Outcome<bool> Txn::tell_customer(const Deadline& deadline) {
    const auto answer = customer_.is_null() ? link_.ask(call("DELETE", "/customer"), deadline)
                                            : link_.ask(call("POST", "/identify", customer_), deadline);
    if (!answer && (!answer.error().refused() || answer.error().code == "txn.unknown"))
        return tl::make_unexpected(answer.error());
    told_.customer = true;
    if (answer || answer.error().rc == MUDI_NOT_FOUND) {
        customer_sure_ = true;
        profile_ = answer ? integer_of(*answer, "profile") : 0;
    } else {
        customer_ = nullptr; // scanned while nobody could say that it is none
        changed();
    }
    return true;
}

/// What is refused here was taken by the host before; complete is where it is told.
Outcome<bool> Txn::tell_rest(const Deadline& deadline) {
    const auto heard = [](const Outcome<json>& answer) {
        return answer || (answer.error().refused() && answer.error().code != "txn.unknown");
    };
    if (!told_.basket) {
        const auto answer = link_.ask(call("PUT", "/basket", basket_document()), deadline);
        if (!heard(answer)) return tl::make_unexpected(answer.error());
        told_.basket = true;
    }
    for (const std::string& offer : told_.offers ? std::vector<std::string>() : offers_) {
        const auto answer =
            link_.ask(call("POST", "/offers/" + http::percent_encode(offer) + "/apply"), deadline);
        if (!heard(answer)) return tl::make_unexpected(answer.error());
    }
    told_.offers = true;
    for (Tender& tender : tenders_) {
        if (tender.told) continue;
        const auto answer = link_.ask(call("POST", "/tenders", tender.document, tender.key), deadline);
        if (!heard(answer)) return tl::make_unexpected(answer.error());
        tender.told = true;
    }
    return true;
}

Outcome<bool> Txn::catch_up(const Deadline& deadline) {
    if (!told_.begun) {
        const auto open = tell_begin(deadline);
        if (!open) return tl::make_unexpected(open.error());
    }
    if (!told_.customer) {
        const auto told = tell_customer(deadline);
        if (!told) return told;
    }
    return tell_rest(deadline);
}

Outcome<mudi_rc> Txn::settled(const Outcome<json>& answer) {
    if (answer) return MUDI_OK;
    if (!answer.error().refused()) return remember(answer.error(), MUDI_PENDING);
    return tl::make_unexpected(answer.error());
}

Outcome<mudi_rc> Txn::begin(const Deadline& deadline) {
    const auto open = tell_begin(deadline);
    if (open) adopt(*open);
    return settled(open);
}

/// An earlier process of the host began this transaction. Who the customer is, the agent knows and we need
/// not.
void Txn::adopt(const json& open) {
    lines_ = lines_from(list_of(open, "lines"));
    if (open.contains("total") && open["total"].is_number_integer()) total_ = integer_of(open, "total");
    for (const json& tender : list_of(open, "tenders")) tenders_.push_back({tender, random_id(), true});
    for (const json& applied : list_of(open, "applied")) offers_.push_back(text_of(applied, "offer"));
    if (open.contains("hold")) hold_ = text_of(open["hold"], "hold");
    if (const auto begin = integer_of(open, "begin_us"); begin > 0)
        head_.begin_us = std::min(head_.begin_us, begin);
}

Outcome<mudi_rc> Txn::suspend(const Deadline& deadline) {
    const auto open = must_be_open();
    if (!open) return tl::make_unexpected(open.error());
    const auto rc = settled(ask(call("POST", "/suspend"), deadline));
    if (rc) state_ = State::suspended;
    return rc;
}

Outcome<mudi_rc> Txn::resume(const Deadline& deadline) {
    // Whether the agent still has it, or opens it anew, it is told everything again: nothing of that counts
    // twice but tenders.
    agent_forgot();
    const auto open = tell_begin(deadline);
    const auto rc = settled(open);
    if (!rc) return rc;
    if (open && list_of(*open, "tenders").size() >= tenders_.size()) {
        for (Tender& tender : tenders_) tender.told = true;
    }
    state_ = State::open;
    changed();
    return rc;
}

Outcome<json> Txn::offers(const Deadline& deadline) {
    const auto open = must_be_open();
    if (!open) return tl::make_unexpected(open.error());
    return ask(call("GET", "/offers"), deadline);
}

Outcome<mudi_rc> Txn::cancel(const std::string& reason, const Deadline& deadline) {
    if (state_ == State::cancelled) return MUDI_OK;
    const auto open = must_be_open();
    if (!open) return tl::make_unexpected(open.error());
    // Not through ask(): a transaction that the agent does not know need not be opened to be cancelled.
    const auto answer = link_.ask(
        call("POST", "/cancel", reason.empty() ? json::object() : json{{"reason", reason}}), deadline);
    if (answer || answer.error().code == "txn.unknown") {
        state_ = State::cancelled;
        return MUDI_OK;
    }
    if (!answer.error().refused()) state_ = State::cancelled;
    return tl::make_unexpected(answer.error());
}

} // namespace mudi::pos
