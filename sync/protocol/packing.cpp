#include "packing.hpp"

#include <array>

#include <zstd.h>

#include <mudi/base/assert.hpp>
#include <mudi/base/hash.hpp>

namespace mudi::sync {
namespace {

// Measured on batches of 500 sales of 8 lines, of a shop that sells everything alike: level 5 103 bytes a
// sale, 6 100, 7 98, 9 97; the till's time for it 2.7, 3.3, 4.3 and 4.9 us.
constexpr int level_batch = 7;
// A lone sale is a few hundred bytes: with a dictionary the strongest search still takes microseconds.
constexpr int level_lone = 19;
constexpr std::size_t lone_bytes_max = 4 * 1024;
// In between, when a till is busy, its time counts more than bytes: level 19 took a fifth of it.
constexpr int level_busy = 3;
constexpr std::size_t busy_bytes_max = 64 * 1024;

int level_for(std::size_t bytes) {
    if (bytes <= lone_bytes_max) return level_lone;
    return bytes <= busy_bytes_max ? level_busy : level_batch;
}

constexpr std::string_view magic{"\x28\xb5\x2f\xfd", 4};

struct FreeContext {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

/// Making one costs more than using it on a lone sale, so each thread keeps one of each. A large batch has
/// its own, because its tables are large and should not stay.
ZSTD_CCtx* kept_compressor() {
    thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context{ZSTD_createCCtx()};
    MUDI_ASSERT(context != nullptr);
    ZSTD_CCtx_reset(context.get(), ZSTD_reset_session_and_parameters);
    return context.get();
}

ZSTD_DCtx* kept_decompressor() {
    thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context{ZSTD_createDCtx()};
    MUDI_ASSERT(context != nullptr);
    ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_and_parameters);
    return context.get();
}

} // namespace

void Dictionary::FreeCompress::operator()(ZSTD_CDict_s* dictionary) const { ZSTD_freeCDict(dictionary); }
void Dictionary::FreeDecompress::operator()(ZSTD_DDict_s* dictionary) const { ZSTD_freeDDict(dictionary); }

Dictionary::Dictionary(std::uint8_t number, std::string bytes)
    : number_(number), fingerprint_(hash128(static_cast<char>(number) + bytes).low | 1),
      bytes_(std::move(bytes)), compress_(ZSTD_createCDict(bytes_.data(), bytes_.size(), level_lone)),
      decompress_(ZSTD_createDDict(bytes_.data(), bytes_.size())) {}

std::optional<Dictionary> Dictionary::make(std::uint8_t number, std::string bytes) {
    if (number == 0 || bytes.empty()) return std::nullopt;
    Dictionary dictionary{number, std::move(bytes)};
    if (dictionary.compress_ == nullptr || dictionary.decompress_ == nullptr) return std::nullopt;
    return dictionary;
}

Dictionary::Dictionary(Dictionary&&) noexcept = default;
Dictionary& Dictionary::operator=(Dictionary&&) noexcept = default;
Dictionary::~Dictionary() = default;

std::string pack(std::string_view raw, const Dictionary* dictionary) {
    const bool lone = raw.size() <= lone_bytes_max;
    const std::unique_ptr<ZSTD_CCtx, FreeContext> own{lone ? nullptr : ZSTD_createCCtx()};
    ZSTD_CCtx* const context = lone ? kept_compressor() : own.get();
    MUDI_ASSERT(context != nullptr);
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level_for(raw.size()));
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0); // the frame around it has one
    ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0);   // likewise
    // A prepared dictionary brings its own level along, so it is for what that level is for. Reading with a
    // dictionary takes both.
    if (dictionary != nullptr && lone) ZSTD_CCtx_refCDict(context, dictionary->compress_.get());
    std::string packed(ZSTD_compressBound(raw.size()), '\0');
    const std::size_t size = ZSTD_compress2(context, packed.data(), packed.size(), raw.data(), raw.size());
    MUDI_ASSERT(ZSTD_isError(size) == 0 && packed.starts_with(magic));
    packed.resize(size);
    packed.erase(0, magic.size());
    return packed;
}

Result<std::string> unpack(std::string_view packed, const Dictionary* dictionary, std::size_t raw_bytes_max) {
    std::string frame;
    frame.reserve(magic.size() + packed.size());
    frame.append(magic).append(packed);
    const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ||
        ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) {
        return fail(Code::corrupt, "wire.corrupt", "the packed part is no whole frame of declared size");
    }
    if (size > raw_bytes_max)
        return fail(Code::invalid, "wire.too_large", "the packed part is larger than allowed");
    ZSTD_DCtx* const context = kept_decompressor();
    if (dictionary != nullptr) ZSTD_DCtx_refDDict(context, dictionary->decompress_.get());
    std::string raw(static_cast<std::size_t>(size), '\0');
    const std::size_t done = ZSTD_decompressDCtx(context, raw.data(), raw.size(), frame.data(), frame.size());
    if (ZSTD_isError(done) != 0 || done != raw.size()) {
        return fail(Code::corrupt, "wire.corrupt", "the packed part is damaged");
    }
    return raw;
}

} // namespace mudi::sync
