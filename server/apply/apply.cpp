#include <mudi/server/apply.hpp>

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include <mudi/base/hash.hpp>
#include <mudi/base/mutant.hpp>
#include <mudi/server/phone.hpp>

#include "books.hpp"
#include "readable.hpp"
#include "sales.hpp"

namespace mudi::server {

namespace {

enum class Outcome { applied, duplicate };

/// The event's own fault, or the database's?
bool is_poison(const Error& error) {
    if (!error.name.starts_with("db.")) return true;
    return error.name == "db.constraint" || error.name == "db.value";
}

struct Opened {
    const WaitingEvent* event{};
    Result<sync::EventBody> body;
    bool duplicate{false};
};

} // namespace

struct Apply::Impl {
    Impl(db::Connection& connection, ApplyRules given)
        : writer(connection), rules(std::move(given)), books(connection, rules.identifier_key),
          sales(books, rules) {}

    void forget() {
        books.forget();
        sales.forget();
    }
    std::vector<Opened> open(const std::vector<WaitingEvent>& events) const;
    Result<std::unordered_set<std::int64_t>> claim_keys(const std::vector<Opened>& opened);
    Result<Outcome> apply_record(const WaitingEvent& event, crm::SourceRecord record, Time now);
    Result<Outcome> apply_one(const Opened& opened, bool contested, Time now);
    Result<Outcome> apply_again(const Opened& opened, Time now);
    /// All of them inside the caller's transaction; an error of any is an error of all.
    Status apply_all(const std::vector<Opened>& opened, ApplyReport& report, Time now);
    Result<ApplyReport> apply_chunk(const std::vector<WaitingEvent>& events, Time now);
    Result<ApplyReport> apply_singly(const std::vector<WaitingEvent>& events, Time now);
    Status set_aside(const WaitingEvent& event, const Error& reason, Time now);
    Result<bool> retry(std::int64_t id, Time now);
    Result<bool> retry_in_transaction(std::int64_t id, Time now);
    /// `next` gives some numbers above the one it gets, none at the end.
    template <class Next>
    Result<RetryReport> retry_each(Next next, Time now);

    db::Connection& writer;
    ApplyRules rules;
    Books books;
    Sales sales;
};

Apply::Apply(db::Connection& writer, ApplyRules rules)
    : impl_(std::make_unique<Impl>(writer, std::move(rules))) {}
Apply::~Apply() = default;

/// Reads and checks every event before any table is touched.
std::vector<Opened> Apply::Impl::open(const std::vector<WaitingEvent>& events) const {
    std::vector<Opened> opened;
    opened.reserve(events.size());
    std::unordered_set<Bits128> seen;
    for (const WaitingEvent& event : events) {
        opened.push_back({&event, read_event(event.event, rules), event.applied});
        Opened& last = opened.back();
        const bool is_sale = last.body && std::holds_alternative<crm::RetailTransaction>(*last.body);
        if (is_sale && !seen.insert(event.event.id.value).second) last.duplicate = true;
    }
    return opened;
}

Result<std::unordered_set<std::int64_t>> Apply::Impl::claim_keys(const std::vector<Opened>& opened) {
    std::vector<PurchaseBook::Claim> claims;
    for (const Opened& one : opened) {
        if (one.duplicate || !one.body) continue;
        const auto* sale = std::get_if<crm::RetailTransaction>(&*one.body);
        if (sale != nullptr) claims.push_back({key_hash(sale->key, sale->training), one.event->id});
    }
    MUDI_TRY(const auto late, books.purchases.claim(claims));
    return std::unordered_set<std::int64_t>(late.begin(), late.end());
}

Result<Outcome> Apply::Impl::apply_record(const WaitingEvent& event, crm::SourceRecord record, Time now) {
    MUDI_TRY(const bool known, books.records.knows_event(event.event.id));
    if (known) return Outcome::duplicate;
    std::string phone_raw;
    if (!record.phone.empty()) {
        auto phone = normal_phone(record.phone, rules.identifiers);
        if (phone) {
            record.phone = std::move(*phone);
        } else {
            // Never lose what was written: somebody may read it right.
            phone_raw = std::exchange(record.phone, {});
            record.phone_verified = false;
        }
    }
    MUDI_TRY(const auto admission, books.records.admit(record, phone_raw, now));
    MUDI_CHECK(books.records.note_event(event.event.id, admission.record));
    return Outcome::applied;
}

Result<Outcome> Apply::Impl::apply_one(const Opened& opened, bool contested, Time now) {
    if (opened.duplicate) {
        return mutant::planted(mutant::Bug::apply_twice) ? apply_again(opened, now) : Outcome::duplicate;
    }
    if (const auto* sale = std::get_if<crm::RetailTransaction>(&*opened.body)) {
        MUDI_TRY(const bool fresh, sales.apply(*opened.event, *sale, contested, now));
        return fresh ? Outcome::applied : Outcome::duplicate;
    }
    if (auto* record = std::get_if<crm::SourceRecord>(&*opened.body))
        return apply_record(*opened.event, *record, now);
    const auto& returned = std::get<sync::RightReturned>(*opened.body);
    MUDI_TRY(const bool fresh, books.rights.returned(opened.event->event.id, returned, now));
    return fresh ? Outcome::applied : Outcome::duplicate;
}

/// Mutant apply_twice: the event id keeps nothing out.
Result<Outcome> Apply::Impl::apply_again(const Opened& opened, Time now) {
    auto sale = std::get<crm::RetailTransaction>(*opened.body);
    sale.id = EventId{hash128(std::to_string(opened.event->id))};
    MUDI_CHECK(sales.apply(*opened.event, sale, false, now));
    return Outcome::applied;
}

Status Apply::Impl::apply_all(const std::vector<Opened>& opened, ApplyReport& report, Time now) {
    MUDI_CHECK(books.records.begin());
    MUDI_CHECK(sales.begin());
    MUDI_TRY(const auto contested, claim_keys(opened));
    for (const Opened& one : opened) {
        ++report.taken;
        if (!one.body) {
            if (mutant::planted(mutant::Bug::poison_stops_apply))
                return fail(Code::busy, "db.busy", "an event cannot be applied");
            if (!mutant::planted(mutant::Bug::poison_dropped))
                MUDI_CHECK(books.backlog.quarantine(one.event->id, one.body.error(), now));
            ++report.quarantined;
            continue;
        }
        MUDI_TRY(const Outcome outcome, apply_one(one, contested.contains(one.event->id), now));
        ++(outcome == Outcome::applied ? report.applied : report.duplicates);
    }
    MUDI_CHECK(books.flush());
    report.breached = books.rights.take_breached();
    return {};
}

Result<ApplyReport> Apply::Impl::apply_chunk(const std::vector<WaitingEvent>& events, Time now) {
    ApplyReport report;
    // The inbox has the events durably: what a power cut takes of this is applied again. Nothing of it has
    // reached a till before the feed's own, durable commit, which comes after it.
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer, db::Commit::relaxed));
    MUDI_CHECK(apply_all(open(events), report, now));
    MUDI_CHECK(books.backlog.took(events));
    MUDI_CHECK(transaction.commit());
    return report;
}

Status Apply::Impl::set_aside(const WaitingEvent& event, const Error& reason, Time now) {
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    if (!mutant::planted(mutant::Bug::poison_dropped))
        MUDI_CHECK(books.backlog.quarantine(event.id, reason, now));
    MUDI_CHECK(books.backlog.took({&event, 1}));
    return transaction.commit();
}

/// One of them broke something that could not be seen before: each in a transaction of its own, so that only
/// it stays behind.
Result<ApplyReport> Apply::Impl::apply_singly(const std::vector<WaitingEvent>& events, Time now) {
    ApplyReport total;
    for (const WaitingEvent& event : events) {
        // `applied` was read before the chunk; an earlier one of it may have been the same sale.
        std::vector<WaitingEvent> alone{event};
        if (!alone.front().applied) {
            MUDI_TRY(const auto known, books.purchases.arrival_of(event.event.id));
            alone.front().applied = known.has_value();
        }
        auto report = apply_chunk(alone, now);
        if (!report) {
            forget();
            if (!is_poison(report.error())) return report;
            MUDI_CHECK(set_aside(event, report.error(), now));
            report = ApplyReport{1, 0, 0, 1, false, {}};
        }
        total.taken += report->taken;
        total.applied += report->applied;
        total.duplicates += report->duplicates;
        total.quarantined += report->quarantined;
        total.breached.value += report->breached.value;
    }
    return total;
}

Result<ApplyReport> Apply::apply_some(std::size_t events_max, Time now) {
    const std::size_t limit = std::min(events_max, chunk);
    MUDI_TRY(const auto events, impl_->books.backlog.next(limit));
    if (events.empty()) return ApplyReport{};
    auto report = impl_->apply_chunk(events, now);
    if (!report) {
        impl_->forget();
        if (is_poison(report.error())) report = impl_->apply_singly(events, now);
    }
    if (!report) {
        impl_->forget();
        return report;
    }
    report->more = events.size() == limit;
    return report;
}

Result<bool> Apply::Impl::retry_in_transaction(std::int64_t id, Time now) {
    // Until it is applied for good the quarantine has it.
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer, db::Commit::relaxed));
    MUDI_TRY(auto event, books.backlog.one(id));
    if (!event) return fail(Code::corrupt, "quarantine.body", "the event's body is not in the inbox");
    const std::vector<WaitingEvent> alone{std::move(*event)};
    const auto opened = open(alone);
    if (!opened.front().body) return tl::make_unexpected(opened.front().body.error());
    ApplyReport report;
    MUDI_CHECK(apply_all(opened, report, now));
    MUDI_CHECK(books.backlog.release(id));
    MUDI_CHECK(transaction.commit());
    return true;
}

Result<bool> Apply::Impl::retry(std::int64_t id, Time now) {
    MUDI_TRY(const bool there, books.backlog.is_quarantined(id));
    if (!there)
        return fail(Code::not_found, "quarantine.unknown", "no event of this number is in quarantine");
    auto applied = retry_in_transaction(id, now);
    if (applied) return applied;
    forget();
    if (!is_poison(applied.error())) return applied;
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(writer));
    MUDI_CHECK(books.backlog.quarantine(id, applied.error(), now));
    MUDI_CHECK(transaction.commit());
    return false;
}

Result<bool> Apply::retry(std::int64_t quarantine_id, Time now) { return impl_->retry(quarantine_id, now); }

template <class Next>
Result<Apply::RetryReport> Apply::Impl::retry_each(Next next, Time now) {
    RetryReport report;
    std::int64_t after = 0;
    while (true) {
        MUDI_TRY(const std::vector<std::int64_t> ids, next(after));
        if (ids.empty()) return report;
        for (const std::int64_t id : ids) {
            MUDI_TRY(const bool applied, retry(id, now));
            ++report.retried;
            ++(applied ? report.applied : report.left);
        }
        after = ids.back();
    }
}

Result<Apply::RetryReport> Apply::retry_all(Time now) {
    return impl_->retry_each(
        [this](std::int64_t after) { return impl_->books.backlog.quarantined(after, 100); }, now);
}

Result<Apply::RetryReport> Apply::retry_after_upgrade(const std::string& program, Time now) {
    Backlog& backlog = impl_->books.backlog;
    MUDI_TRY(const std::string last, backlog.program());
    if (last == program) return RetryReport{};
    MUDI_TRY(const auto report,
             impl_->retry_each([&](std::int64_t after) { return backlog.not_understood(after, 100); }, now));
    MUDI_TRY(auto transaction, db::WriteTransaction::begin(impl_->writer));
    MUDI_CHECK(backlog.save_program(program));
    MUDI_CHECK(transaction.commit());
    return report;
}

} // namespace mudi::server
