#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mudi::crm {

/// One word of a name in the forms that survive script and spelling.
struct NameToken {
    std::string fold;     ///< a to z: one letter for each sound, doubled letters once
    std::string skeleton; ///< the fold's consonants, at most `skeleton_chars_max`
    bool initial{false};  ///< a single letter stands for a whole word
};

inline constexpr std::size_t skeleton_chars_max = 8;
inline constexpr std::size_t name_bytes_max = 400;
inline constexpr std::size_t name_tokens_max = 12;

/// The words of `name` in its order, without titles ("Shri", "Mrs") unless it has nothing else; what is no
/// letter separates. Not well-formed UTF-8: no words. What goes beyond the two maxima is cut off.
std::vector<NameToken> name_tokens(std::string_view name);

/// Fold of a word written in Latin letters: lower case, a to z only.
std::string fold_latin(std::string_view word);
/// Fold of what ICU's Any-Latin makes of a word in another script, decomposed (NFD), lower case.
std::string fold_transliterated(std::u16string_view decomposed);
std::string skeleton_of(std::string_view fold);

/// False when an i of one stands where the other has no front vowel: Sunil is not Sonali, Dev not Devi,
/// though their skeletons agree. Other vowels are written too freely to say anything (Ahmed, Ahmad). For
/// folds with equal skeletons.
bool vowels_agree(std::string_view a, std::string_view b);

/// One fold for all spellings that no rule of sound can join: "md" is Mohammad, "mukherjee" Mukhopadhyay.
/// Else `fold`.
std::string usual_fold(std::string fold);
/// "Shri", "Mrs", "Haji": said to a person, no part of the name.
bool is_title(std::string_view fold);

} // namespace mudi::crm
