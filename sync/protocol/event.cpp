#include <mudi/sync/event.hpp>

#include "codec.hpp"

namespace mudi::sync {

Result<EventBody> decode(const Event& event) {
    if (event.schema > event_schema) {
        return fail(Code::unavailable, "event.newer_schema",
                    "the event is of a newer program: kept for after the upgrade");
    }
    if (event.schema == 0 || event.body.size() > event_body_bytes_max) {
        return fail(Code::corrupt, "event.corrupt", "schema or size out of range");
    }
    switch (static_cast<EventKind>(event.kind)) {
    case EventKind::retail_transaction: {
        MUDI_TRY(crm::RetailTransaction transaction, decode_transaction(event.body));
        transaction.id = event.id;
        return EventBody{std::move(transaction)};
    }
    case EventKind::source_record: {
        MUDI_TRY(crm::SourceRecord record, decode_source_record(event.body));
        return EventBody{std::move(record)};
    }
    case EventKind::right_returned: {
        MUDI_TRY(RightReturned returned, decode_right_returned(event.body));
        return EventBody{std::move(returned)};
    }
    }
    return fail(Code::unavailable, "event.unknown_kind", "an event of this kind is not known here");
}

} // namespace mudi::sync
