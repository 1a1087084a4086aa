#include "pipe_book.hpp"

namespace mudi::sync {

Pipe* PipeBook::find(PipeId pipe) {
    const auto found = pipes_.find(pipe);
    return found == pipes_.end() ? nullptr : &found->second;
}

const Speaker* PipeBook::speaker(PipeId pipe) const {
    const auto found = pipes_.find(pipe);
    return found == pipes_.end() || !found->second.speaker ? nullptr : &*found->second.speaker;
}

void PipeBook::prove(PipeId pipe, Speaker speaker) {
    unprove(pipe);
    by_till_[speaker.till].insert(pipe);
    pipes_[pipe].speaker = std::move(speaker);
}

void PipeBook::unprove(PipeId pipe) {
    const auto found = pipes_.find(pipe);
    if (found == pipes_.end() || !found->second.speaker) return;
    const auto till = by_till_.find(found->second.speaker->till);
    till->second.erase(pipe);
    if (till->second.empty()) by_till_.erase(till);
    found->second.speaker.reset();
}

void PipeBook::close(PipeId pipe) {
    unprove(pipe);
    const auto found = pipes_.find(pipe);
    if (found == pipes_.end()) return;
    promise(found->second, false);
    pipes_.erase(found);
}

void PipeBook::promise(Pipe& pipe, bool promised) {
    if (pipe.promised == promised) return;
    pipe.promised = promised;
    promised ? ++promised_ : --promised_;
}

std::vector<PipeId> PipeBook::of(TillId till) const {
    const auto found = by_till_.find(till);
    if (found == by_till_.end()) return {};
    return {found->second.begin(), found->second.end()};
}

} // namespace mudi::sync
