#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <mudi/base/bytes.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/random.hpp>

/// How a new till gets its certificate: whoever sets it up types a code that the server made. The code itself
/// never travels: it names the enrolment by a hash and authenticates what goes both ways, so that the
/// exchange is safe over plain HTTP (nothing in it is secret).
namespace mudi::sync {

/// 100 random bits as "ABCDE-FGHJK-MNPQR-STVWX" (Crockford's base 32: no I, L, O, U). `random` fit for
/// secrets.
std::string make_enrolment_code(Random& random);
/// The form above out of what somebody typed: any case, O for 0, I and L for 1, spaces and dashes anywhere.
/// Empty when it cannot be a code.
std::optional<std::string> normal_code(std::string_view typed);

/// By which the server finds the enrolment; says nothing about the code. `code`: normal form, as below.
Bits128 code_id(std::string_view code);
/// Keys the two MACs; all that a server needs to keep, besides the id.
Key256 code_key(std::string_view code);

struct EnrolRequest {
    Bits128 code_id;
    std::string csr_pem; ///< of the till's new key
    Bits128 mac;

    friend bool operator==(const EnrolRequest&, const EnrolRequest&) = default;
};

struct EnrolAnswer {
    TillId till;
    StoreId store;
    WorkstationId workstation;
    std::string certificate_pem; ///< the till's
    std::string ca_pem;
    std::string sync_url;
    std::string server_name; ///< that the server's certificate shows; may be empty: the host of sync_url
    Bits128 mac;

    friend bool operator==(const EnrolAnswer&, const EnrolAnswer&) = default;
};

/// Complete with its id and MAC.
EnrolRequest make_enrol_request(std::string_view code, std::string csr_pem);
/// Puts in the MAC. It covers the request too: an answer to another request is none.
EnrolAnswer authenticated(const Key256& key, const EnrolRequest& request, EnrolAnswer answer);

/// Both compare in constant time.
bool is_genuine(const Key256& key, const EnrolRequest& request);
bool is_genuine(const Key256& key, const EnrolRequest& request, const EnrolAnswer& answer);

} // namespace mudi::sync
