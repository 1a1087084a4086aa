#include <mudi/server/enrolment.hpp>

#include <algorithm>
#include <utility>

#include <mudi/base/db/statement.hpp>

namespace mudi::server {

namespace {

using db::Columns;
using db::Params;

constexpr std::size_t word_bytes_max = 32;

std::optional<Time> if_set(Time time) { return time == Time{} ? std::nullopt : std::optional{time}; }

tl::unexpected<Error> unknown_till() {
    return fail(Code::not_found, "till.unknown", "no till of this number was added");
}
tl::unexpected<Error> revoked_till() {
    return fail(Code::denied, "till.revoked", "this till was revoked; it may come back with a new code");
}

bool is_word(const std::string& word) { return !word.empty() && word.size() <= word_bytes_max; }

} // namespace

struct Enrolment::Impl {
    explicit Impl(db::Connection& connection)
        : writer(connection),
          one(connection, "SELECT till, store, workstation, lead, public_key, certificate_serial, "
                          "certificate_until_ms, enrolled_ms, revoked_ms FROM enrolled_till "
                          "WHERE till = :till"),
          all(connection, "SELECT till, store, workstation, lead, public_key, certificate_serial, "
                          "certificate_until_ms, enrolled_ms, revoked_ms FROM enrolled_till ORDER BY till"),
          open_codes(connection, "SELECT till, until_ms FROM enrolment_code WHERE used_ms = 0"),
          seen(connection, "SELECT store, workstation FROM till WHERE till = :till"),
          in_place(connection, "SELECT till FROM enrolled_till WHERE store = :store "
                               "AND workstation = :workstation AND revoked_ms = 0"),
          next_number(connection, "SELECT MAX(n) FROM (SELECT COALESCE(MAX(till), 0) + 1 AS n FROM "
                                  "enrolled_till UNION ALL SELECT COALESCE(MAX(till), 0) + 1 FROM till) "
                                  "AS numbers"),
          lead(connection, "SELECT till FROM enrolled_till WHERE store = :store AND lead = 1 "
                           "AND revoked_ms = 0"),
          no_lead(connection, "UPDATE enrolled_till SET lead = 0 WHERE store = :store"),
          insert(connection, "INSERT INTO enrolled_till (till, store, workstation, lead, public_key, "
                             "certificate_serial, certificate_until_ms, enrolled_ms, revoked_ms) "
                             "VALUES (:till, :store, :workstation, :lead, :key, '', 0, 0, 0)"),
          save_key(connection, "UPDATE enrolled_till SET public_key = :key, certificate_serial = :serial, "
                               "certificate_until_ms = :until, enrolled_ms = :now, revoked_ms = 0 "
                               "WHERE till = :till"),
          save_certificate(connection, "UPDATE enrolled_till SET certificate_serial = :serial, "
                                       "certificate_until_ms = :until WHERE till = :till"),
          save_revoked(connection, "UPDATE enrolled_till SET revoked_ms = :now WHERE till = :till"),
          drop_codes(connection, "DELETE FROM enrolment_code WHERE till = :till"),
          insert_code(connection, "INSERT INTO enrolment_code (code_id, till, mac_key, until_ms, used_ms) "
                                  "VALUES (:id, :till, :key, :until, 0)"),
          find_code(connection, "SELECT c.till, t.store, t.workstation, c.mac_key, c.until_ms, c.used_ms "
                                "FROM enrolment_code c JOIN enrolled_till t ON t.till = c.till "
                                "WHERE c.code_id = :id"),
          use_code(connection, "UPDATE enrolment_code SET used_ms = :now WHERE code_id = :id") {}

    using TillColumns = Columns<TillId, StoreId, WorkstationId, bool, Bytes, std::string, Time, Time, Time>;
    static EnrolledTill till_of(TillId till, StoreId store, WorkstationId workstation, bool is_lead,
                                Bytes key, std::string serial, Time until, Time enrolled, Time revoked) {
        return {till,          std::move(store),    std::move(workstation),
                is_lead,       std::move(key.data), std::move(serial),
                if_set(until), if_set(enrolled),    if_set(revoked),
                std::nullopt};
    }
    Result<EnrolledTill> find(TillId till);
    Result<TillId> number_for(const NewTill& till);
    Result<EnrolledTill> add(const NewTill& till);
    Status take_over(TillId till);

    db::Connection& writer;
    db::Query<TillColumns, Params<TillId>> one;
    db::Query<TillColumns, Params<>> all;
    db::Query<Columns<TillId, Time>, Params<>> open_codes;
    db::Query<Columns<StoreId, WorkstationId>, Params<TillId>> seen;
    db::Query<Columns<TillId>, Params<StoreId, WorkstationId>> in_place;
    db::Query<Columns<TillId>, Params<>> next_number;
    db::Query<Columns<TillId>, Params<StoreId>> lead;
    db::Command<StoreId> no_lead;
    db::Command<TillId, StoreId, WorkstationId, bool, Bytes> insert;
    db::Command<Bytes, std::string, Time, Time, TillId> save_key;
    db::Command<std::string, Time, TillId> save_certificate;
    db::Command<Time, TillId> save_revoked;
    db::Command<TillId> drop_codes;
    db::Command<Bits128, TillId, Bytes, Time> insert_code;
    db::Query<Columns<TillId, StoreId, WorkstationId, Bytes, Time, Time>, Params<Bits128>> find_code;
    db::Command<Time, Bits128> use_code;
};

Enrolment::Enrolment(db::Connection& writer) : impl_(std::make_unique<Impl>(writer)) {}
Enrolment::~Enrolment() = default;

Result<EnrolledTill> Enrolment::Impl::find(TillId till) {
    MUDI_TRY(auto row, one.first(till));
    if (!row) return unknown_till();
    return std::apply([](auto&&... columns) { return till_of(std::move(columns)...); }, std::move(*row));
}

Result<TillId> Enrolment::Impl::number_for(const NewTill& till) {
    if (till.till) {
        if (till.till->value <= 0) return fail(Code::invalid, "till.number", "till numbers begin at 1");
        MUDI_TRY(const auto taken, one.first(*till.till));
        if (taken) return fail(Code::conflict, "till.exists", "there is a till of this number");
        return *till.till;
    }
    MUDI_TRY(const auto next, next_number.first());
    return next ? std::get<0>(*next) : TillId{1};
}

Result<EnrolledTill> Enrolment::Impl::add(const NewTill& till) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    MUDI_TRY(const TillId number, number_for(till));
    MUDI_TRY(const auto other, in_place.first(till.store, till.workstation));
    if (other) {
        return fail(Code::conflict, "till.exists",
                    "till " + std::to_string(std::get<0>(*other).value) +
                        " is at this workstation; a new code (mudi server till code) enrols another machine "
                        "for it");
    }
    if (till.lead) MUDI_CHECK(no_lead(till.store));
    MUDI_CHECK(insert(number, till.store, till.workstation, till.lead, Bytes{}));
    MUDI_CHECK(transaction.commit());
    return find(number);
}

Result<EnrolledTill> Enrolment::add_till(const NewTill& till, Time) {
    if (!is_word(till.store.value))
        return fail(Code::invalid, "till.store", "a store's word has 1 to 32 characters");
    if (!is_word(till.workstation.value))
        return fail(Code::invalid, "till.workstation", "a workstation's word has 1 to 32 characters");
    return impl_->add(till);
}

Result<std::vector<EnrolledTill>> Enrolment::tills() {
    std::vector<EnrolledTill> tills;
    MUDI_CHECK(
        impl_->all.each([&](auto... columns) { tills.push_back(Impl::till_of(std::move(columns)...)); }));
    MUDI_CHECK(impl_->open_codes.each([&](TillId till, Time until) {
        const auto found = std::ranges::find(tills, till, &EnrolledTill::till);
        if (found != tills.end()) found->code_until = until;
    }));
    return tills;
}

Result<EnrolledTill> Enrolment::till(TillId till) {
    MUDI_TRY(auto found, impl_->find(till));
    MUDI_CHECK(impl_->open_codes.each([&](TillId of, Time until) {
        if (of == till) found.code_until = until;
    }));
    return found;
}

Result<std::optional<TillId>> Enrolment::lead_of(const StoreId& store) {
    MUDI_TRY(const auto row, impl_->lead.first(store));
    return row ? std::optional{std::get<0>(*row)} : std::nullopt;
}

/// A till that came before tills were enrolled.
Status Enrolment::Impl::take_over(TillId till) {
    MUDI_TRY(const auto known, seen.first(till));
    if (!known) return unknown_till();
    MUDI_CHECK(insert(till, std::get<0>(*known), std::get<1>(*known), false, Bytes{}));
    return {};
}

Result<Time> Enrolment::make_code(TillId till, const CodeFacts& code, Time now) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(impl_->writer));
    MUDI_TRY(const auto found, impl_->one.first(till));
    if (!found) MUDI_CHECK(impl_->take_over(till));
    const Time until = now + code_life;
    MUDI_CHECK(impl_->drop_codes(till));
    MUDI_CHECK(impl_->insert_code(code.id, till, Bytes{std::string(view(code.key))}, until));
    MUDI_CHECK(transaction.commit());
    return until;
}

Result<OpenEnrolment> Enrolment::code(Bits128 code_id, Time now) {
    MUDI_TRY(auto row, impl_->find_code.first(code_id));
    if (!row) {
        return fail(Code::not_found, "code.unknown",
                    "there is no such enrolment code: mistyped, or a newer one was made for its till");
    }
    auto& [till, store, workstation, key, until, used] = *row;
    if (now >= until) {
        return fail(Code::denied, "code.expired",
                    "this enrolment code is too old; mudi server till code " + std::to_string(till.value) +
                        " makes another");
    }
    return OpenEnrolment{
        till,  std::move(store), std::move(workstation), key256_from_bytes(key.data).value_or(Key256{}),
        until, used != Time{}};
}

Result<EnrolledTill> Enrolment::enrol(Bits128 code_id, const MadeCertificate& certificate, Time now) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(impl_->writer));
    MUDI_TRY(const auto open, code(code_id, now));
    MUDI_TRY(const auto known, impl_->find(open.till));
    if (open.used && known.public_key != certificate.public_key) {
        return fail(Code::denied, "code.used",
                    "this enrolment code was used before, by another machine or for another key");
    }
    MUDI_CHECK(impl_->use_code(now, code_id));
    MUDI_CHECK(impl_->save_key(Bytes{certificate.public_key}, certificate.serial, certificate.until, now,
                               open.till));
    MUDI_CHECK(transaction.commit());
    return impl_->find(open.till);
}

Status Enrolment::renewed(TillId till, const MadeCertificate& certificate) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(impl_->writer));
    MUDI_TRY(const auto known, impl_->find(till));
    if (known.revoked) return revoked_till();
    if (known.public_key != certificate.public_key)
        return fail(Code::denied, "till.key", "a certificate is renewed for the same key only");
    MUDI_CHECK(impl_->save_certificate(certificate.serial, certificate.until, till));
    return transaction.commit();
}

Status Enrolment::revoke(TillId till, Time now) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(impl_->writer));
    MUDI_TRY(const auto known, impl_->find(till));
    if (!known.revoked) MUDI_CHECK(impl_->save_revoked(now, till));
    MUDI_CHECK(impl_->drop_codes(till));
    return transaction.commit();
}

Status Enrolment::check(const sync::TillHello& hello, const std::optional<sync::Credentials>& credentials,
                        const Verify& verify) {
    MUDI_TRY(const auto known, impl_->find(hello.till));
    if (known.revoked) return revoked_till();
    if (known.public_key.empty())
        return fail(Code::denied, "till.not_enrolled", "this till was added but has not been enrolled yet");
    if (!credentials || !verify(known.public_key, credentials->signed_text, credentials->signature))
        return fail(Code::denied, "till.signature", "the hello is not signed with this till's key");
    if (hello.store != known.store || hello.workstation != known.workstation)
        return fail(Code::denied, "till.store", "this till was enrolled for another place");
    return {};
}

} // namespace mudi::server
