#include <unordered_set>

#include <mudi/http/json.hpp>

#include "context.hpp"

namespace mudi::till {
namespace {

using nlohmann::json;

/// The same figures as the server's purchases summary, so that the two can be laid side by side.
struct Figures {
    std::int64_t transactions{}, lines{}, returns{}, voids{}, adjustments{}, training{}, value{}, returned{};
    std::unordered_set<std::string> customers;

    void count(const crm::RetailTransaction& transaction) {
        if (transaction.training) {
            ++training;
            return;
        }
        ++transactions;
        lines += static_cast<std::int64_t>(transaction.lines.size());
        if (transaction.member) {
            const crm::Identifier& identifier = transaction.member->identifier;
            customers.insert(std::string(crm::to_string(identifier.kind)) + ":" + identifier.value);
        }
        switch (transaction.kind) {
        case crm::TransactionKind::sale: value += transaction.total.minor; break;
        case crm::TransactionKind::return_:
            ++returns;
            returned -= transaction.total.minor;
            break;
        case crm::TransactionKind::post_void: ++voids; break;
        case crm::TransactionKind::adjustment: ++adjustments; break;
        }
    }
};

/// Reads every event the till keeps: for reconciliation, not for a page that refreshes itself.
Result<Figures> count_all(Replica& replica) {
    Figures figures;
    const EventSeq last = replica.state().last;
    for (EventSeq at{0}; at < last;) {
        MUDI_TRY(const auto part, replica.read_outbox(at, OutboxLimits{}));
        if (part.events.empty()) break;
        for (const sync::Event& event : part.events) {
            MUDI_TRY(const auto body, sync::decode(event));
            if (const auto* transaction = std::get_if<crm::RetailTransaction>(&body))
                figures.count(*transaction);
        }
        at = part.events.back().seq;
    }
    return figures;
}

Result<http::Response> summary(const Context& context) {
    MUDI_TRY(const Figures figures, count_all(context.parts.replica));
    return http::json_response({{"transactions", figures.transactions},
                                {"lines", figures.lines},
                                {"returns", figures.returns},
                                {"voids", figures.voids},
                                {"adjustments", figures.adjustments},
                                {"training", figures.training},
                                {"customers", figures.customers.size()},
                                {"value_minor", figures.value},
                                {"return_minor", figures.returned}});
}

} // namespace

void add_summary_calls(Context& context) {
    context.add("GET", "/v1/summary", [&context](const Ask&) { return summary(context); });
}

} // namespace mudi::till
