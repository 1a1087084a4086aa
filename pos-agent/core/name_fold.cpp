#include <mudi/till/name_fold.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include <mudi/base/text.hpp>

namespace mudi::till {
namespace {

/// Sounds of U+0915..U+0939; Bengali has the same order 0x80 higher.
constexpr std::string_view consonants = "kkggnccjjnttddnttddnnppbbmjrrlllbsssh";
static_assert(consonants.size() == 0x25);

constexpr char32_t devanagari = 0x0900;
constexpr char32_t bengali = 0x0980;
constexpr char32_t block_size = 0x80;

constexpr char32_t anusvara = 0x02;
constexpr char32_t vowel_first = 0x05;
constexpr char32_t vowel_last = 0x14;
constexpr char32_t consonant_first = 0x15;
constexpr char32_t velar_nasal = 0x19;
constexpr char32_t ga = 0x17;
constexpr char32_t ja = 0x1C;
constexpr char32_t palatal_nasal = 0x1E;
constexpr char32_t dda = 0x21;
constexpr char32_t ddha = 0x22;
constexpr char32_t ya = 0x2F;
constexpr char32_t consonant_last = 0x39;
constexpr char32_t nukta = 0x3C;
constexpr char32_t virama = 0x4D;
constexpr char32_t rra = 0x5C; // letters with the dot built in
constexpr char32_t rha = 0x5D;
constexpr char32_t yya = 0x5F;

char32_t take_letter(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t letter = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i)
        letter = letter << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
    text.remove_prefix(length);
    return letter;
}

bool is_indic(char32_t letter) { return letter >= devanagari && letter < bengali + block_size; }
bool is_latin(char32_t letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}
bool is_vowel(char letter) { return std::string_view("aeiou").find(letter) != std::string_view::npos; }

/// Gathers the sounds of one word.
class Part {
public:
    void vowel() {
        if (out_.empty()) out_ = "a";
        after_consonant_ = false;
    }
    /// The next consonant stands apart: a vowel that is not written lies between.
    void part_from_last() { after_consonant_ = false; }
    void consonant(char sound) {
        // Aspirates are written or not, and so are doubled letters.
        const bool silent = after_consonant_ && (sound == 'h' || out_.back() == sound);
        after_consonant_ = true;
        if (!silent && out_.size() < name_part_letters_max) out_.push_back(sound);
    }
    /// y is a consonant only in front.
    void semivowel() {
        if (out_.empty())
            consonant('j');
        else
            after_consonant_ = false;
    }
    [[nodiscard]] bool empty() const { return out_.empty(); }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
    bool after_consonant_{false};
};

struct Spelling {
    std::string_view written;
    std::string_view sounds;
};
/// Longest first where one begins like another.
constexpr std::array spellings = std::to_array<Spelling>({{"chh", "c"},
                                                          {"ch", "c"},
                                                          {"dny", "g"},
                                                          {"jn", "g"},
                                                          {"gy", "g"},
                                                          {"ngh", "n"},
                                                          {"ng", "n"},
                                                          {"ck", "k"},
                                                          {"x", "ks"},
                                                          {"q", "k"},
                                                          {"c", "k"},
                                                          {"z", "j"},
                                                          {"f", "p"},
                                                          {"v", "b"}});

std::string latin_part(std::string_view word) {
    Part part;
    for (std::size_t i = 0; i < word.size();) {
        const std::string_view rest = word.substr(i);
        const char letter = rest[0];
        const char before = i > 0 ? word[i - 1] : '\0';
        const char after = rest.size() > 1 ? rest[1] : '\0';
        const auto* spelling =
            std::ranges::find_if(spellings, [&](const Spelling& s) { return rest.starts_with(s.written); });
        if (spelling != spellings.end()) {
            for (const char sound : spelling->sounds) part.consonant(sound);
            i += spelling->written.size();
            continue;
        }
        if (is_vowel(letter))
            part.vowel();
        else if (letter == 'y')
            part.semivowel();
        else if (letter == 'w' && is_vowel(before) && !is_vowel(after))
            part.vowel();
        else
            part.consonant(letter == 'w' ? 'b' : letter);
        ++i;
    }
    return part.take();
}

/// One letter within its block, with a dot below taken in.
char32_t with_dot(char32_t letter, bool dotted) {
    if (!dotted) return letter;
    if (letter == dda) return rra;
    if (letter == ddha) return rha;
    return letter == ya ? yya : letter;
}

std::string indic_part(const std::u32string& letters) {
    Part part;
    char32_t joined_to = 0; // the consonant before a virama
    for (std::size_t i = 0; i < letters.size(); ++i) {
        const bool dotted = i + 1 < letters.size() && letters[i + 1] == nukta;
        const char32_t letter = with_dot(letters[i], dotted);
        const char32_t after = std::exchange(joined_to, 0);
        if (letter >= vowel_first && letter <= vowel_last) {
            part.vowel();
        } else if (letter == anusvara) {
            part.consonant('n');
        } else if (letter == rra || letter == rha) {
            part.consonant('r');
        } else if (letter == yya || (letter == ya && !part.empty())) {
            part.semivowel();
        } else if ((letter == ga && after == velar_nasal) || (letter == palatal_nasal && after == ja)) {
            continue; // written ng and gy in Latin letters: one sound
        } else if (letter >= consonant_first && letter <= consonant_last) {
            // Without a joint the inherent vowel is spoken; after a nasal sign h is none of its own.
            if (after == 0 && (i == 0 || letters[i - 1] != anusvara)) part.part_from_last();
            const bool gya = letter == ja && i + 2 < letters.size() && letters[i + 1] == virama &&
                             letters[i + 2] == palatal_nasal;
            part.consonant(gya ? 'g' : consonants[letter - consonant_first]);
        } else if (letter == virama) {
            joined_to = i > 0 ? letters[i - 1] : 0;
        } else if (letter >= 0x3E && letter < virama) {
            part.vowel(); // a vowel sign
        }
    }
    return part.take();
}

std::string fold_word(std::string_view word) {
    std::string latin;
    std::u32string indic;
    for (std::string_view rest = word; !rest.empty();) {
        const char32_t letter = take_letter(rest);
        if (is_latin(letter))
            latin.push_back(static_cast<char>(letter | 0x20));
        else if (is_indic(letter))
            indic.push_back(letter & (block_size - 1));
    }
    std::string part = indic.empty() ? latin_part(latin) : indic_part(indic);
    if (!part.empty()) return part;
    return std::string(word.substr(0, name_part_letters_max));
}

bool is_separator(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || (byte < 0x80 && !is_latin(byte) && !(c >= '0' && c <= '9') && c != '\'');
}

} // namespace

std::vector<std::string> name_parts(std::string_view name) {
    std::vector<std::string> parts;
    if (!is_utf8(name)) return parts;
    while (!name.empty() && parts.size() < name_parts_max) {
        const auto* start = std::ranges::find_if_not(name, is_separator);
        const auto* end = std::find_if(start, name.end(), is_separator);
        const std::string_view word(start, end);
        name = std::string_view(end, name.end());
        if (!word.empty()) parts.push_back(fold_word(word));
    }
    return parts;
}

} // namespace mudi::till
