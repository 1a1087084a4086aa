#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/bytes.hpp>
#include <mudi/base/db/connection.hpp>
#include <mudi/base/hash.hpp>
#include <mudi/base/id.hpp>
#include <mudi/base/result.hpp>
#include <mudi/base/time.hpp>
#include <mudi/sync/server_sync.hpp>

namespace mudi::server {

/// A till as the operator added it.
struct EnrolledTill {
    TillId till;
    StoreId store;
    WorkstationId workstation;
    bool lead{false};               ///< keeps its store's rights; at most one of a store
    std::string public_key;         ///< DER; empty: no machine is enrolled yet
    std::string certificate_serial; ///< lower-case hex
    std::optional<Time> certificate_until;
    std::optional<Time> enrolled; ///< by which its present key came
    std::optional<Time> revoked;
    std::optional<Time> code_until; ///< a code that was not used waits

    friend bool operator==(const EnrolledTill&, const EnrolledTill&) = default;
};

struct NewTill {
    StoreId store;
    WorkstationId workstation;
    std::optional<TillId> till; ///< else the next free number
    bool lead{false};
};

/// What the server keeps of a code (sync::code_id, sync::code_key), never the code.
struct CodeFacts {
    Bits128 id;
    Key256 key;
};

/// The enrolment that a code opens.
struct OpenEnrolment {
    TillId till;
    StoreId store;
    WorkstationId workstation;
    Key256 key;
    Time until;
    bool used{false}; ///< only the key that used it may use it again: an answer may have been lost
};

/// Of the certificate that was made for a till.
struct MadeCertificate {
    std::string public_key; ///< DER
    std::string serial;     ///< lower-case hex
    Time until;
};

/// Which tills there are, and by which key each proves who it is. Every method is one durable transaction of
/// its own, or only reads. The writer's connection and thread.
class Enrolment {
public:
    /// True when `signature` is of `public_key` (DER) over `text`.
    using Verify =
        std::function<bool(std::string_view public_key, std::string_view text, std::string_view signature)>;
    static constexpr std::chrono::minutes code_life{60};

    explicit Enrolment(db::Connection& writer);
    Enrolment(const Enrolment&) = delete;
    Enrolment& operator=(const Enrolment&) = delete;
    ~Enrolment();

    /// It may not come before it is enrolled with a code. A new lead takes the place of the store's old one.
    /// till.store, till.workstation (invalid: 1 to 32 characters), till.number (invalid: not above 0),
    /// till.exists (conflict: this number, or a till in this place that is not revoked).
    Result<EnrolledTill> add_till(const NewTill& till, Time now);
    /// By number.
    Result<std::vector<EnrolledTill>> tills();
    /// till.unknown (not_found).
    Result<EnrolledTill> till(TillId till);
    /// The store's lead that is not revoked, if it has one.
    Result<std::optional<TillId>> lead_of(const StoreId& store);

    /// Good for one key, for code_life; every other code of this till dies. The till's present key, if any,
    /// stays good until the code is used. A till that came before tills were enrolled is taken over as it is.
    /// till.unknown (not_found). Gives when the code ends.
    Result<Time> make_code(TillId till, const CodeFacts& code, Time now);
    /// code.unknown (not_found), code.expired (denied: `now` is its end or later).
    Result<OpenEnrolment> code(Bits128 code_id, Time now);
    /// Uses the code up: from now on this key is the till, and an earlier one is nobody. A revocation ends.
    /// The same key may come again with the same code. code.used (denied: another key), and as of code().
    Result<EnrolledTill> enrol(Bits128 code_id, const MadeCertificate& certificate, Time now);
    /// A new certificate for the same key. till.unknown, till.revoked, till.key (denied: another key).
    Status renewed(TillId till, const MadeCertificate& certificate);
    /// From now on it is refused, until it is enrolled anew; its codes die. Again: nothing. till.unknown.
    Status revoke(TillId till, Time now);

    /// May it come? till.unknown (not_found), till.not_enrolled (denied), till.revoked (denied),
    /// till.signature (denied: no credentials, or not of its key), till.store (denied: its hello names
    /// another place than it was enrolled for).
    Status check(const sync::TillHello& hello, const std::optional<sync::Credentials>& credentials,
                 const Verify& verify);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mudi::server
