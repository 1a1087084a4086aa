#include "name_key.hpp"

#include <algorithm>

namespace mudi::crm {
namespace {

bool is_vowel(char c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'; }
bool is_consonant(char c) { return c >= 'a' && c <= 'z' && !is_vowel(c); }

/// Reads a Latin word sound by sound. English spelling and Indian habit in one table: each step takes the
/// longest match.
struct Spelling {
    std::string_view written;
    std::string_view sound;
};
constexpr Spelling spellings[] = {
    {"dny", "g"}, {"gny", "g"}, {"jny", "g"}, {"jne", "ge"}, {"gne", "ge"}, {"cch", "c"},
    {"chh", "c"}, {"tch", "c"}, {"ngh", "n"}, {"gy", "g"},   {"ch", "c"},   {"sh", "s"},
    {"ph", "p"},  {"ck", "k"},  {"ee", "i"},  {"oo", "u"},   {"ou", "u"},   {"x", "ks"},
    {"q", "k"},   {"z", "j"},   {"f", "p"},   {"v", "b"},
};

/// A sound and what it means for the fold as a whole is decided here, for both scripts alike.
class Fold {
public:
    void add(std::string_view sounds) {
        for (const char sound : sounds) add(sound);
    }
    void add(char sound) {
        if (sound == 'h' && !out_.empty() && is_consonant(out_.back()))
            return; // aspirates are written or not
        if (sound == 'y') sound = out_.empty() ? 'j' : 'i';
        if (sound == 'r' && out_ == "h") out_.clear();                  // Hrishikesh is Rishikesh
        if (out_ == "i" && is_vowel(sound) && sound != 'i') out_ = "j"; // Bengali writes Yusuf as Iusuf
        if (!out_.empty() && out_.back() == sound) return;              // doubled letters once
        out_.push_back(sound);
    }
    bool empty() const { return out_.empty(); }
    char last() const { return out_.empty() ? '\0' : out_.back(); }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

/// "c" before e, i and y is s, else k; "w" is a vowel in "ow" and "aw" unless a vowel follows.
char sound_of_letter(char letter, char before, char after) {
    if (letter == 'c') return after == 'e' || after == 'i' || after == 'y' ? 's' : 'k';
    if (letter == 'w') return (before == 'o' || before == 'a') && !is_vowel(after) ? 'u' : 'b';
    return letter;
}

constexpr char16_t mark_first = 0x0300;
constexpr char16_t mark_last = 0x036F;
constexpr char16_t mark_macron = 0x0304;
constexpr char16_t mark_dot_above = 0x0307;
constexpr char16_t mark_candrabindu = 0x0310;
constexpr char16_t mark_ring_below = 0x0325;

/// The consonants that languages of the north write or hear alike.
char sound_of_base(char base) {
    switch (base) {
    case 'w':
    case 'v': return 'b';
    case 'f': return 'p';
    case 'z': return 'j';
    case 'q':
    case 'x': return 'k';
    default: return base;
    }
}

/// One letter of ISO 15919 with its marks.
struct Letter {
    char base{};
    bool is_long{};
    bool dot_above{};
    bool nasal{};
    bool vocalic{};
};

std::vector<Letter> letters_of(std::u16string_view decomposed) {
    std::vector<Letter> letters;
    for (const char16_t unit : decomposed) {
        if (unit >= u'a' && unit <= u'z') {
            letters.push_back({static_cast<char>(unit), false, false, false, false});
        } else if (!letters.empty() && unit >= mark_first && unit <= mark_last) {
            Letter& letter = letters.back();
            letter.is_long |= unit == mark_macron;
            letter.dot_above |= unit == mark_dot_above;
            letter.nasal |= unit == mark_candrabindu;
            letter.vocalic |= unit == mark_ring_below;
        }
    }
    return letters;
}

/// The vowels between two consonants.
struct VowelGap {
    bool i{};
    bool e{};
    bool other{};

    bool only_i() const { return i && !e && !other; }
    bool front() const { return i || e; }
};

} // namespace

std::string fold_latin(std::string_view word) {
    Fold fold;
    char before = '\0';
    for (std::size_t i = 0; i < word.size();) {
        const std::string_view rest = word.substr(i);
        const auto* found =
            std::ranges::find_if(spellings, [&](const Spelling& s) { return rest.starts_with(s.written); });
        if (found != std::end(spellings)) {
            fold.add(found->sound);
            i += found->written.size();
        } else {
            // Rao and Mahadeo are written with v at home.
            const bool ends_as_v = rest == "o" && (before == 'a' || before == 'e');
            fold.add(ends_as_v ? 'b' : sound_of_letter(rest[0], before, rest.size() > 1 ? rest[1] : '\0'));
            ++i;
        }
        before = word[i - 1];
    }
    return fold.take();
}

std::string fold_transliterated(std::u16string_view decomposed) {
    const std::vector<Letter> letters = letters_of(decomposed);
    Fold fold;
    for (std::size_t i = 0; i < letters.size(); ++i) {
        const Letter& letter = letters[i];
        const char next = i + 1 < letters.size() ? letters[i + 1].base : '\0';
        const bool last = i + 1 == letters.size();
        if (letter.base == 'j' && next == 'n') { // one conjunct, said gy, dny or jn
            fold.add('g');
            ++i;
        } else if (letter.base == 'a' && !letter.is_long && last && !fold.empty() &&
                   is_consonant(fold.last())) {
            break; // the inherent vowel is not said at the end
        } else if (letter.base == 'r' && letter.vocalic) {
            fold.add("ri");
        } else if (letter.base == 'm' && (letter.nasal || letter.dot_above)) {
            fold.add(next == 'p' || next == 'b' ? 'm' : 'n');
        } else if (letter.base == 'o' && i + 2 < letters.size() && next == 'y' && letters[i + 1].dot_above &&
                   is_vowel(letters[i + 2].base)) {
            fold.add('b'); // Bengali writes w so
            ++i;
        } else if (letter.base == 'o' && last && (fold.last() == 'a' || fold.last() == 'e')) {
            fold.add('b'); // as in Latin: Rao
        } else {
            fold.add(sound_of_base(letter.base));
        }
    }
    return fold.take();
}

std::string skeleton_of(std::string_view fold) {
    std::string out;
    for (std::size_t i = 0; i < fold.size() && out.size() < skeleton_chars_max; ++i) {
        char c = fold[i];
        if (i > 0 && (is_vowel(c) || c == 'h')) continue;
        if (is_vowel(c)) c = 'a';
        if (c == 'd') c = 't';
        if (c == 'g') c = 'k';
        // Letters that became alike only here count as doubled too.
        if (i > 0 && out.back() == c && !is_vowel(fold[i - 1])) continue;
        out.push_back(c);
    }
    return out;
}

bool vowels_agree(std::string_view a, std::string_view b) {
    const auto next_vowels = [](std::string_view& rest) {
        VowelGap gap;
        while (!rest.empty() && (is_vowel(rest.front()) || rest.front() == 'h')) {
            gap.i |= rest.front() == 'i';
            gap.e |= rest.front() == 'e';
            gap.other |= rest.front() != 'i' && rest.front() != 'e' && rest.front() != 'h';
            rest.remove_prefix(1);
        }
        if (!rest.empty()) rest.remove_prefix(1);
        return gap;
    };
    a.remove_prefix(std::min<std::size_t>(1, a.size()));
    b.remove_prefix(std::min<std::size_t>(1, b.size()));
    bool more = true;
    while (more) {
        more = !a.empty() || !b.empty();
        const VowelGap x = next_vowels(a);
        const VowelGap y = next_vowels(b);
        if ((x.only_i() && !y.front()) || (y.only_i() && !x.front())) return false;
    }
    return true;
}

} // namespace mudi::crm
