#include "till_sync_impl.hpp"

namespace mudi::sync {

void TillSync::Impl::take(const till_in::Ask& in, TillOut& out) {
    if (ask_.flight) {
        out.push_back(
            till_out::Answered{in.id, fail(Code::busy, "server.asked", "another question is under way")});
        return;
    }
    if (!link_ || !linked_) {
        out.push_back(till_out::Answered{
            in.id, fail(Code::unavailable, "server.unreachable", "there is no link to the server")});
        return;
    }
    question_ = in.id;
    send(ask_, Question::points, encode(in.question), out);
}

void TillSync::Impl::answer_question(Result<ReserveAnswer> answer, TillOut& out) {
    ask_.flight.reset();
    out.push_back(till_out::Answered{question_, std::move(answer)});
}

} // namespace mudi::sync
