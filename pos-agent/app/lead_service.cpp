#include "lead_service.hpp"

#include <utility>

#include <boost/asio/post.hpp>

namespace mudi::till {

Result<std::unique_ptr<LeadService>> LeadService::start(boost::asio::io_context& io, const std::string& url,
                                                        const sync::TlsServer& tls, Lend lend) {
    std::unique_ptr<LeadService> service(new LeadService(std::move(lend)));
    const sync::Post post = [&io](std::function<void()> work) { boost::asio::post(io, std::move(work)); };
    MUDI_TRY(service->transport_,
             sync::ServerTransport::start(
                 url, tls, questions_max, post,
                 [raw = service.get()](sync::RequestToken token, sync::PipeId, const std::string& frame) {
                     raw->asked(token, frame);
                 }));
    return service;
}

void LeadService::asked(sync::RequestToken token, std::string_view frame) {
    const auto question = sync::decode_question(frame);
    transport_->reply(token, sync::encode_answer(question ? lend_(*question)
                                                          : Result<sync::ReserveAnswer>(
                                                                tl::make_unexpected(question.error()))));
}

} // namespace mudi::till
