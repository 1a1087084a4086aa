#include "name_key.hpp"

#include <algorithm>
#include <memory>
#include <unordered_map>

#include <unicode/translit.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <mudi/base/assert.hpp>
#include <mudi/base/text.hpp>
#include <mudi/crm/identity.hpp>

namespace mudi::crm {
namespace {

/// Names repeat: a shop has far fewer words than customers. Emptied when full, which costs less than
/// choosing.
constexpr std::size_t cached_words_max = 16'384;
constexpr std::size_t word_bytes_max = 96;

enum class CharKind { letter, ignored, separator };

CharKind kind_of(UChar32 c) {
    if (c == U'\'' || c == U'\u2019' || u_charType(c) == U_FORMAT_CHAR)
        return CharKind::ignored; // D'Souza; ZWNJ
    constexpr std::uint32_t marks = U_GC_MN_MASK | U_GC_MC_MASK | U_GC_ME_MASK;
    return u_isalpha(c) || (U_GET_GC_MASK(c) & marks) != 0 ? CharKind::letter : CharKind::separator;
}

struct Word {
    std::string text; ///< letters and marks only, as written
    int letters{};    ///< marks are none
    bool latin{true}; ///< ASCII
};

std::vector<Word> words_of(std::string_view name) {
    std::vector<Word> words;
    bool inside = false;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(name.data());
    const auto size = static_cast<std::int32_t>(name.size());
    for (std::int32_t i = 0; i < size;) {
        const std::int32_t start = i;
        UChar32 c = 0;
        U8_NEXT(bytes, i, size, c);
        const CharKind kind = c < 0 ? CharKind::separator : kind_of(c);
        if (kind == CharKind::ignored) continue;
        if (kind == CharKind::separator) {
            inside = false;
            continue;
        }
        if (!inside && words.size() == name_tokens_max) break;
        if (!inside) words.emplace_back();
        inside = true;
        Word& word = words.back();
        if (word.text.size() + static_cast<std::size_t>(i - start) > word_bytes_max) continue;
        word.text += name.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(i - start));
        word.letters += u_isalpha(c) ? 1 : 0;
        word.latin = word.latin && c < 0x80;
    }
    return words;
}

/// Making one takes milliseconds and one must not be shared: each thread has its own, for good.
const icu::Transliterator& any_latin() {
    thread_local const std::unique_ptr<icu::Transliterator> transliterator = [] {
        UErrorCode error = U_ZERO_ERROR;
        std::unique_ptr<icu::Transliterator> made(
            icu::Transliterator::createInstance("Any-Latin; NFD; Lower", UTRANS_FORWARD, error));
        MUDI_ASSERT(U_SUCCESS(error) && made != nullptr); // part of every ICU
        return made;
    }();
    return *transliterator;
}

bool is_latin_script(std::string_view text) {
    const auto size = static_cast<std::int32_t>(text.size());
    for (std::int32_t i = 0; i < size;) {
        UChar32 c = 0;
        U8_NEXT(reinterpret_cast<const std::uint8_t*>(text.data()), i, size, c);
        constexpr UChar32 latin_last = 0x024F; // Latin Extended-B
        const bool mark = c >= 0x0300 && c <= 0x036F;
        if (c > latin_last && !mark && !(c >= 0x1E00 && c <= 0x1EFF)) return false;
    }
    return true;
}

std::string ascii_lower(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c >= 'a' && c <= 'z') out.push_back(c);
        if (c >= 'A' && c <= 'Z') out.push_back(static_cast<char>(c - 'A' + 'a'));
    }
    return out;
}

std::string fold_of(const Word& word) {
    if (word.latin) return fold_latin(ascii_lower(word.text));
    icu::UnicodeString text = icu::UnicodeString::fromUTF8(word.text);
    any_latin().transliterate(text);
    const std::u16string_view decomposed(text.getBuffer(), static_cast<std::size_t>(text.length()));
    if (!is_latin_script(word.text)) return fold_transliterated(decomposed);
    std::string plain; // "Müller": its letters without the marks
    for (const char16_t unit : decomposed)
        if (unit >= u'a' && unit <= u'z') plain.push_back(static_cast<char>(unit));
    return fold_latin(plain);
}

const NameToken& token_of(const Word& word) {
    thread_local std::unordered_map<std::string, NameToken> cache;
    if (const auto found = cache.find(word.text); found != cache.end()) return found->second;
    if (cache.size() >= cached_words_max) cache.clear();
    NameToken token;
    token.fold = usual_fold(fold_of(word));
    token.skeleton = skeleton_of(token.fold);
    token.initial = word.letters == 1;
    return cache.emplace(word.text, std::move(token)).first->second;
}

bool initial_stands_for(const NameToken& initial, const NameToken& word) {
    return initial.initial && !initial.skeleton.empty() && initial.skeleton.front() == word.skeleton.front();
}

bool same_word(const NameToken& a, const NameToken& b) {
    return a.skeleton == b.skeleton && vowels_agree(a.fold, b.fold);
}

/// Pairs each of `shorter` with another of `longer`: whole words first, then initials with what is left.
bool all_found(const std::vector<NameToken>& shorter, const std::vector<NameToken>& longer) {
    std::vector<bool> taken(longer.size(), false);
    const auto take = [&](const auto& matches) {
        for (std::size_t i = 0; i < longer.size(); ++i) {
            if (taken[i] || !matches(longer[i])) continue;
            taken[i] = true;
            return true;
        }
        return false;
    };
    std::vector<const NameToken*> open;
    for (const NameToken& token : shorter)
        if (!take([&](const NameToken& other) { return same_word(token, other); })) open.push_back(&token);
    if (open.size() == shorter.size()) return false; // initials alone name nobody
    return std::ranges::all_of(open, [&](const NameToken* token) {
        return take([&](const NameToken& other) {
            return initial_stands_for(*token, other) || initial_stands_for(other, *token);
        });
    });
}

} // namespace

std::vector<NameToken> name_tokens(std::string_view name) {
    if (!is_utf8(name)) return {};
    std::vector<NameToken> tokens;
    std::vector<NameToken> said_to;
    for (const Word& word : words_of(name.substr(0, name_bytes_max))) {
        const NameToken& token = token_of(word);
        if (!token.fold.empty()) (is_title(token.fold) ? said_to : tokens).push_back(token);
    }
    return tokens.empty() ? said_to : tokens;
}

std::vector<std::string> name_keys(std::string_view name) {
    std::vector<std::string> keys;
    for (NameToken& token : name_tokens(name)) keys.push_back(std::move(token.skeleton));
    return keys;
}

bool names_compatible(std::string_view a, std::string_view b) {
    const std::vector<NameToken> first = name_tokens(a);
    const std::vector<NameToken> second = name_tokens(b);
    if (first.empty() || second.empty()) return false;
    return first.size() <= second.size() ? all_found(first, second) : all_found(second, first);
}

} // namespace mudi::crm
