#include "identity_folder.hpp"

namespace mudi::till {

void Enrolment::visit(config::Visitor& v) {
    v.integer("till", till, {1, 1'000'000'000}, "The till's number, unique in the chain.");
    v.text("store", store, {1, 32}, "The store's own short word.");
    v.text("workstation", workstation, {1, 32}, "The workstation's own short word.");
    v.text("server", server, {1, 300}, "Where the till syncs.");
    v.text("server_name", server_name, {0, 253}, "Name in the server's certificate.");
}

Result<std::optional<Enrolment>> read_enrolment(const IdentityFolder& folder) {
    auto enrolment = config::load<Enrolment>(folder.enrolment());
    if (!enrolment && enrolment.error().name == "config.missing") return std::optional<Enrolment>{};
    if (!enrolment) return tl::make_unexpected(std::move(enrolment).error());
    if (enrolment->till == 0 || enrolment->store.empty() || enrolment->workstation.empty()) {
        return fail(Code::invalid, "config.range",
                    folder.enrolment() + ": till, store or workstation is missing; enrol the till again");
    }
    return std::optional{*std::move(enrolment)};
}

} // namespace mudi::till
