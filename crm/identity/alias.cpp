#include "name_key.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace mudi::crm {
namespace {

struct Alias {
    std::string_view from;
    std::string_view to; ///< fold
};

constexpr std::string_view mohammad = "mohamad";

// Shortened first names, by fold: md, mohd, মোঃ, মোহাঃ, মুঃ and the like.
constexpr std::array short_forms{
    Alias{"md", mohammad},    Alias{"mo", mohammad},  Alias{"mohd", mohammad}, Alias{"moh", mohammad},
    Alias{"mohah", mohammad}, Alias{"muh", mohammad}, Alias{"muhd", mohammad}, Alias{"mohamd", mohammad},
    Alias{"mohmd", mohammad}, Alias{"mhd", mohammad}, Alias{"sk", "sek"},      Alias{"kr", "kumar"},
};

// One family, two names: the spoken form and the Sanskrit one. By skeleton, which all spellings of each
// share.
constexpr std::array family_names{
    Alias{"mkrj", "mukopadiai"},  // Mukherjee, Mukhopadhyay
    Alias{"bnrj", "bandopadiai"}, // Banerjee, Bandyopadhyay
    Alias{"ctrj", "catopadiai"},  // Chatterjee, Chattopadhyay
    Alias{"knkl", "gangopadiai"}, // Ganguly, Gangopadhyay
    Alias{"btcrj", "batacaria"},  // Bhattacharjee, Bhattacharya
};

constexpr std::array<std::string_view, 22> titles{
    "mr",  "mrs",     "ms",      "mis",   "mister", "misis", "dr",    "dah", "daktar", "prop",    "sri",
    "smt", "srimati", "srimoti", "srimt", "janab",  "haji",  "alhaj", "ji",  "mst",    "mosamat", "mosamt"};

std::string_view target(std::span<const Alias> aliases, std::string_view from) {
    const auto found = std::ranges::find(aliases, from, &Alias::from);
    return found == aliases.end() ? std::string_view{} : found->to;
}

} // namespace

std::string usual_fold(std::string fold) {
    if (const std::string_view name = target(short_forms, fold); !name.empty()) return std::string(name);
    if (const std::string_view name = target(family_names, skeleton_of(fold)); !name.empty())
        return std::string(name);
    return fold;
}

bool is_title(std::string_view fold) { return std::ranges::find(titles, fold) != titles.end(); }

} // namespace mudi::crm
