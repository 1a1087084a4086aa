#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "outcome.hpp"

/// The structs of mudi/pos.h as the documents of the agent's API, and back. Pure.
namespace mudi::pos {

/// Checked text of the host. arg.utf8, arg.text (longer than bytes_max).
Outcome<std::string> text_in(const char* text, std::size_t bytes_max, const char* name);
/// A number of a transaction, 1..64 bytes. arg.number.
Outcome<std::string> number_in(const char* text);
/// The given day, else the one at `now_us` in a shop with this offset from UTC. arg.day.
Outcome<std::string> day_in(const char* day, std::int64_t now_us, int utc_offset_minutes);
/// "+05:30" (also for NULL and ""), "-03:00", "Z". arg.utc_offset.
Outcome<int> utc_offset_in(const char* text);

/// Who the customer says to be: {"kind","value"}. arg.kind; MUDI_ID_NAME is none of these.
Outcome<nlohmann::json> presented_in(std::int32_t kind, const char* raw);
/// True when no agent can refuse a sale for it: what was never checked by one is kept out of the spool
/// otherwise, because a sale is worth more than its customer, and because a bank card must never reach a
/// disk.
bool is_beyond_doubt(const nlohmann::json& presented);

std::optional<std::string_view> tender_word(std::int32_t kind);
Outcome<nlohmann::json> tender_in(const mudi_tender_info& tender);

/// One line of a basket or sale, under the host's own id.
struct Line {
    std::string id;
    std::int32_t number{};
    nlohmann::json document; ///< with `line`
};
Outcome<Line> line_in(const mudi_line& line, std::int32_t number);
/// By position; ids default to the position. arg.line_id (twice, or too long).
Outcome<std::vector<Line>> lines_in(const std::vector<mudi_line>& lines);
nlohmann::json documents_of(const std::vector<Line>& lines);
/// Lines of an open transaction, as the agent tells them.
std::vector<Line> lines_from(const nlohmann::json& documents);

/// Faults of these: agent.answer, when the document lacks what makes it one.
Outcome<mudi_customer> customer_out(const nlohmann::json& document);
Outcome<std::vector<mudi_offer>> offers_out(const nlohmann::json& document);
Outcome<std::vector<mudi_effect>> effects_out(const nlohmann::json& document, const std::vector<Line>& lines);
Outcome<mudi_effect> hold_out(const nlohmann::json& document);
Outcome<mudi_receipt> receipt_out(const nlohmann::json& document);
/// For a sale that went to the spool.
mudi_receipt pending_receipt(const nlohmann::json& sale);

/// Members of a document, whatever it really holds: "" and 0 where it is something else.
std::string text_of(const nlohmann::json& document, const char* key);
std::int64_t integer_of(const nlohmann::json& document, const char* key);
bool flag_of(const nlohmann::json& document, const char* key);
const nlohmann::json& list_of(const nlohmann::json& document, const char* key);

} // namespace mudi::pos
