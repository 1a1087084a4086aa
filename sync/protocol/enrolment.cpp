#include <mudi/sync/enrolment.hpp>

#include <initializer_list>
#include <utility>

namespace mudi::sync {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t symbols = 20;
constexpr std::size_t group = 5;
constexpr unsigned symbol_bits = 5;
/// More is no slip of the keyboard.
constexpr std::size_t typed_bytes_max = 100;

/// Each use of the code has its own word, so that no value serves for another.
constexpr std::string_view id_word = "mudi enrolment 1 id";
constexpr std::string_view key_words[] = {"mudi enrolment 1 key, first half",
                                          "mudi enrolment 1 key, second half"};
constexpr std::string_view request_word = "mudi enrolment 1 request";
constexpr std::string_view answer_word = "mudi enrolment 1 answer";

void put_size(std::string& out, std::uint64_t size) {
    for (int shift = 56; shift >= 0; shift -= 8)
        out += static_cast<char>(static_cast<unsigned char>(size >> shift));
}

/// One text for one list of fields: each with its length in front.
std::string joined(std::initializer_list<std::string_view> fields) {
    std::string out;
    for (const std::string_view field : fields) {
        put_size(out, field.size());
        out += field;
    }
    return out;
}

std::optional<char> symbol_of(char typed) {
    if (typed >= 'a' && typed <= 'z') typed = static_cast<char>(typed - 'a' + 'A');
    if (typed == 'O') typed = '0';
    if (typed == 'I' || typed == 'L') typed = '1';
    if (alphabet.find(typed) == std::string_view::npos) return std::nullopt;
    return typed;
}

void append(std::string& code, std::size_t at, char symbol) {
    if (at > 0 && at % group == 0) code += '-';
    code += symbol;
}

Bits128 mac_of(const Key256& key, const EnrolRequest& request) {
    return hash128(key, joined({request_word, to_bytes(request.code_id).data, request.csr_pem}));
}

Bits128 mac_of(const Key256& key, const EnrolRequest& request, const EnrolAnswer& answer) {
    return hash128(key,
                   joined({answer_word, to_bytes(mac_of(key, request)).data,
                           std::to_string(answer.till.value), answer.store.value, answer.workstation.value,
                           answer.certificate_pem, answer.ca_pem, answer.sync_url, answer.server_name}));
}

bool equal(Bits128 a, Bits128 b) { return equal_secret(to_bytes(a).data, to_bytes(b).data); }

} // namespace

std::string make_enrolment_code(Random& random) {
    constexpr std::size_t symbols_per_draw = 64 / symbol_bits;
    std::string code;
    std::uint64_t bits = 0;
    for (std::size_t at = 0; at < symbols; ++at, bits >>= symbol_bits) {
        if (at % symbols_per_draw == 0) bits = random.next();
        append(code, at, alphabet[bits % alphabet.size()]);
    }
    return code;
}

std::optional<std::string> normal_code(std::string_view typed) {
    if (typed.size() > typed_bytes_max) return std::nullopt;
    std::string code;
    std::size_t at = 0;
    for (const char c : typed) {
        if (c == ' ' || c == '-' || c == '\t' || c == '\r' || c == '\n') continue;
        const auto symbol = symbol_of(c);
        if (!symbol || at == symbols) return std::nullopt;
        append(code, at++, *symbol);
    }
    if (at != symbols) return std::nullopt;
    return code;
}

Bits128 code_id(std::string_view code) { return hash128(joined({id_word, code})); }

Key256 code_key(std::string_view code) {
    std::string bytes;
    for (const std::string_view word : key_words) bytes += to_bytes(hash128(joined({word, code}))).data;
    return key256_from_bytes(bytes).value_or(Key256{});
}

EnrolRequest make_enrol_request(std::string_view code, std::string csr_pem) {
    EnrolRequest request{.code_id = code_id(code), .csr_pem = std::move(csr_pem), .mac = {}};
    request.mac = mac_of(code_key(code), request);
    return request;
}

EnrolAnswer authenticated(const Key256& key, const EnrolRequest& request, EnrolAnswer answer) {
    answer.mac = mac_of(key, request, answer);
    return answer;
}

bool is_genuine(const Key256& key, const EnrolRequest& request) {
    return equal(request.mac, mac_of(key, request));
}

bool is_genuine(const Key256& key, const EnrolRequest& request, const EnrolAnswer& answer) {
    return equal(answer.mac, mac_of(key, request, answer));
}

} // namespace mudi::sync
