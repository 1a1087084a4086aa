#include "bench/till_outbox.hpp"

#include <utility>

namespace mudi::bench {
namespace {

std::filesystem::path copy_of(std::filesystem::path file) { return file += "-copy"; }

} // namespace

till::StoreOptions TillOutbox::options(const std::filesystem::path& file) const {
    till::StoreOptions options;
    options.path = file.string();
    options.till = till_;
    options.store = store_of(till_.value);
    options.workstation = workstation_of(till_.value);
    options.data_key = SeededRandom{13}.key256();
    return options;
}

Result<TillOutbox> TillOutbox::fill(std::filesystem::path file, TillId till, const Outbox& events) {
    TillOutbox outbox(std::move(file), till);
    till::StoreOptions options = outbox.options(outbox.file_);
    options.durability = db::Durability::off;
    SeededRandom random{static_cast<std::uint64_t>(till.value)};
    MUDI_TRY(const auto store, till::Store::open(options, random));
    for (sync::Event& event : events.events_after({}, static_cast<std::size_t>(events.last().value))) {
        till::SaleToRecord sale;
        sale.captured = time_from_ms(event.hlc >> 16);
        sale.event = std::move(event);
        MUDI_CHECK(store->storage().record(sale));
    }
    return outbox;
}

Result<std::unique_ptr<till::Store>> TillOutbox::open_copy(Random& random) const {
    const auto copy = copy_of(file_);
    std::error_code error;
    for (const char* ending : {"-wal", "-shm"}) std::filesystem::remove(copy.string() + ending, error);
    std::filesystem::copy_file(file_, copy, std::filesystem::copy_options::overwrite_existing, error);
    if (error) return fail(Code::io, "bench.outbox", "the outbox could not be copied: " + error.message());
    return till::Store::open(options(copy), random);
}

} // namespace mudi::bench
