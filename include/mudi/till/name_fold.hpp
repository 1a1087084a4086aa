#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mudi::till {

inline constexpr std::size_t name_parts_max = 8;
inline constexpr std::size_t name_part_letters_max = 12;

/// For the search while somebody types: each word of a name as its consonants, one Latin letter per sound,
/// the same for Bengali, Devanagari and Latin writing ("কমলা দাস", "Komola Das": kml ds). A vowel counts only
/// at the beginning, where all are "a". What is typed of a word gives a beginning of the word's part. Knows
/// no word, only letters, so that a till needs no ICU; whether two names are one person's is for
/// crm::names_compatible. Words of other scripts stay as they are. `name` is any bytes.
std::vector<std::string> name_parts(std::string_view name);

} // namespace mudi::till
