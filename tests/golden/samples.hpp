#pragma once

#include <string>
#include <vector>

#include "golden/describe.hpp"

/// What a release writes into its corpus: every kind of body and every type of frame, empty, full, at its
/// limits and in the scripts of the shops. All made up. The same program makes the same samples.
namespace mudi::golden {

struct Sample {
    std::string name; ///< of its file, without the ending
    std::string bytes;
    Json words; ///< what it must read as
};

/// `words` holds kind, schema and id beside the body.
std::vector<Sample> event_samples();
/// `words` holds the kind beside the body.
std::vector<Sample> feed_samples();
std::vector<Sample> request_samples();
std::vector<Sample> answer_samples();
/// The learned dictionary, number 2, with which some of the requests are packed.
std::string learned_dictionary();

} // namespace mudi::golden
