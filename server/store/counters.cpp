#include <mudi/server/counters.hpp>

#include <map>
#include <string>

#include <mudi/base/db/statement.hpp>

namespace mudi::server {

struct Counters::Impl {
    explicit Impl(db::Connection& writer)
        : add(writer, "INSERT INTO counter (name, value) VALUES (:name, :delta) "
                      "ON CONFLICT (name) DO UPDATE SET value = counter.value + excluded.value"),
          set(writer, "INSERT INTO counter (name, value) VALUES (:name, :value) "
                      "ON CONFLICT (name) DO UPDATE SET value = excluded.value"),
          get(writer, "SELECT value FROM counter WHERE name = :name") {}

    db::Command<std::string, std::int64_t> add;
    db::Command<std::string, std::int64_t> set;
    db::Query<db::Columns<std::int64_t>, db::Params<std::string>> get;
    std::map<std::string, std::int64_t, std::less<>> gathered;
};

Counters::Counters(db::Connection& writer) : impl_(std::make_unique<Impl>(writer)) {}
Counters::~Counters() = default;

void Counters::add(std::string_view name, std::int64_t delta) {
    if (const auto found = impl_->gathered.find(name); found != impl_->gathered.end()) {
        found->second += delta;
    } else {
        impl_->gathered.emplace(name, delta);
    }
}

Status Counters::set(std::string_view name, std::int64_t value) {
    MUDI_CHECK(impl_->set(std::string(name), value));
    return {};
}

Result<std::int64_t> Counters::get(std::string_view name) {
    MUDI_TRY(const auto row, impl_->get.first(std::string(name)));
    return row ? std::get<0>(*row) : 0;
}

Status Counters::flush() {
    for (auto& [name, delta] : impl_->gathered) {
        if (delta == 0) continue;
        MUDI_CHECK(impl_->add(name, delta));
        delta = 0;
    }
    return {};
}

void Counters::forget() { impl_->gathered.clear(); }

} // namespace mudi::server
