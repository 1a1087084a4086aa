#include "delivery.hpp"

#include <mudi/http/json.hpp>

#include "documents.hpp"

namespace mudi::pos {
namespace {

bool about_identifier(const std::string& code) {
    return code.starts_with("card.") || code.starts_with("phone.") || code.starts_with("qr.") ||
           code.starts_with("identify.");
}

} // namespace

Outcome<mudi_receipt> Delivery::send(Link& link, const std::string& target, const Deadline& deadline) const {
    const auto answer = link.ask({"POST", target, document_, {}}, deadline);
    if (!answer) return tl::make_unexpected(answer.error());
    return receipt_out(*answer);
}

Outcome<Delivery::Delivered> Delivery::go(Link& link, SpoolFolder& spool, const std::string& target,
                                          const Deadline& deadline) {
    auto receipt = send(link, target, deadline);
    if (!receipt && receipt.error().refused() && !sure_ && about_identifier(receipt.error().code)) {
        // Scanned while no agent could say what it was: the sale counts more.
        document_.erase("customer");
        sure_ = true;
        receipt = send(link, target, deadline);
    }
    if (receipt) return Delivered{MUDI_OK, *receipt, {}};
    Fault why = receipt.error();
    if (why.refused()) {
        why.rc = MUDI_E_ARG;
        return tl::make_unexpected(std::move(why));
    }
    if (!spooled_) {
        if (!sure_ && document_.contains("customer") && !is_beyond_doubt(document_["customer"]))
            document_.erase("customer");
        auto put = spool.put(http::to_text(document_));
        if (!put) return tl::make_unexpected(std::move(put).error());
        spooled_ = true;
    }
    return Delivered{MUDI_PENDING, pending_receipt(document_), std::move(why)};
}

} // namespace mudi::pos
