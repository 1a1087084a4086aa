#include "frames_feed.hpp"

#include <algorithm>
#include <bit>

#include <mudi.pb.h>

#include <mudi/base/assert.hpp>

namespace mudi::sync {
namespace {

constexpr std::size_t feed_rows_max = 100'000;
/// What a row takes beyond key and body, at most: tags, lengths, version, kind, mark.
constexpr std::size_t row_bytes_beside = 48;
constexpr std::size_t packed_rows_bytes_max = 64 * 1024;

/// Rows of a part come in the order of their keys, changes in that of their versions.
wire::FeedRows rows_of(const PullAnswer& answer) {
    wire::FeedRows rows;
    std::int64_t before = 0;
    for (const FeedRow& row : answer.rows) {
        wire::FeedRow& to = *rows.add_rows();
        to.set_version(row.version - before);
        to.set_kind(row.kind);
        to.set_key(row.key);
        to.set_deleted(row.deleted);
        to.set_body(row.body);
        to.set_applied(row.applied);
        if (answer.parts == 0) before = row.version;
    }
    return rows;
}

Status read_rows(const wire::PullAnswer& in, const Dictionary* dictionary, std::vector<FeedRow>& rows) {
    MUDI_TRY(const std::string raw, unpack(in.rows(), dictionary, unpacked_bytes_max));
    wire::FeedRows from;
    MUDI_CHECK(parse(from, raw, "rows", {{1, feed_rows_max}}));
    rows.reserve(static_cast<std::size_t>(from.rows_size()));
    Checker check;
    const bool part = in.parts() > 0;
    std::int64_t version = 0;
    for (wire::FeedRow& row : *from.mutable_rows()) {
        const std::int64_t version_max = part ? INT64_MAX - 1 : in.version() - version;
        version = (part ? 0 : version) + check.range(row.version(), 1, version_max, "version");
        rows.push_back({version, row.kind(), check.text(row.key(), long_text_bytes_max, "key"), row.deleted(),
                        std::move(*row.mutable_body()),
                        check.range(row.applied(), 0, INT64_MAX - 1, "applied")});
        if (check.fault() != nullptr) return wire_corrupt(check.fault());
    }
    return {};
}

/// The dictionary follows from the size of `raw`, so equal bytes pack to equal bytes.
std::string packed_rows(const std::string& raw, const Dictionary* dictionary, PackedRows* before) {
    if (before == nullptr || raw.size() > packed_rows_bytes_max) return pack(raw, dictionary);
    if (before->raw != raw) *before = {raw, pack(raw, dictionary)};
    return before->packed;
}

} // namespace

bool are_parts(std::size_t parts) { return parts <= parts_max && std::has_single_bit(parts); }

std::uint32_t part_among(std::uint32_t parts, std::uint32_t kind, std::string_view key) {
    return part_of(kind, key) * parts / parts_max;
}

std::uint64_t digest_of(std::span<const FeedRow> rows) {
    std::uint64_t sum = 0;
    for (const FeedRow& row : rows) sum += row.deleted ? 0 : row_digest(row.kind, row.key, row.body);
    return sum;
}

bool fits_a_frame(const PullAnswer& answer) {
    std::size_t bytes = 0;
    for (const FeedRow& row : answer.rows) bytes += row.key.size() + row.body.size() + row_bytes_beside;
    return answer.rows.size() <= feed_rows_max && bytes <= unpacked_bytes_max;
}

Result<PullAnswer> read_pull_answer(const Payload& payload) {
    wire::PullAnswer in;
    MUDI_CHECK(parse(in, payload.message, "an answer to a pull",
                     {{8, parts_max, parts_max * sizeof(std::uint64_t)}}));
    Checker check;
    PullAnswer answer;
    answer.cursor = {in.generation(), check.range(in.version(), 0, INT64_MAX - 1, "version")};
    answer.replace = in.replace();
    answer.complete = in.complete();
    if (in.manifest_size() > 0) {
        check.require(are_parts(static_cast<std::size_t>(in.manifest_size())), "manifest");
        answer.manifest.digests.assign(in.manifest().begin(), in.manifest().end());
    }
    if (in.parts() > 0) {
        check.require(are_parts(in.parts()) && in.part() < in.parts(), "part");
        answer.parts = in.parts();
        answer.part = in.part();
        answer.part_digest = in.part_digest();
    }
    if (check.fault() != nullptr) return wire_corrupt(check.fault());
    if (!in.rows().empty()) MUDI_CHECK(read_rows(in, payload.dictionary, answer.rows));
    if (!in.learned().empty()) {
        MUDI_TRY(answer.learned, unpack(in.learned(), payload.dictionary, dictionary_bytes_max));
        answer.learned_number = static_cast<std::uint8_t>(
            check.range(in.learned_number(), built_in_number + 1u, 255u, "learned"));
    }
    return checked(std::move(answer), check);
}

std::string encode(const PullAnswer& answer, PackedRows* before) {
    MUDI_ASSERT(answer.manifest.digests.empty() || are_parts(answer.manifest.digests.size()));
    wire::PullAnswer out;
    out.set_generation(answer.cursor.generation);
    out.set_version(answer.cursor.version);
    out.set_replace(answer.replace);
    out.set_complete(answer.complete);
    out.mutable_manifest()->Add(answer.manifest.digests.begin(), answer.manifest.digests.end());
    out.set_parts(answer.parts);
    out.set_part(answer.part);
    out.set_part_digest(answer.part_digest);
    const std::string raw = rows_of(answer).SerializeAsString();
    const Dictionary* dictionary = raw.size() <= dictionary_helps_bytes_max ? &built_in() : nullptr;
    if (!raw.empty()) out.set_rows(packed_rows(raw, dictionary, before));
    if (!answer.learned.empty()) {
        out.set_learned(pack(answer.learned, dictionary));
        out.set_learned_number(answer.learned_number);
    }
    return frame_of(FrameType::pull_answer, out, dictionary);
}

} // namespace mudi::sync
