#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mudi/base/result.hpp>

struct ZSTD_CDict_s;
struct ZSTD_DDict_s;

namespace mudi::sync {

/// Bytes both sides know before a frame comes, so that a frame of one sale need not spell out what every sale
/// contains.
class Dictionary {
public:
    /// `number` > 0 names it in a frame. Empty when the bytes are no dictionary.
    static std::optional<Dictionary> make(std::uint8_t number, std::string bytes);
    Dictionary(Dictionary&&) noexcept;
    Dictionary& operator=(Dictionary&&) noexcept;
    ~Dictionary();

    [[nodiscard]] std::uint8_t number() const { return number_; }
    /// Of number and bytes, never 0. Goes into the check of every frame packed with it, so that a dictionary
    /// of the same number from another life of the server is found out.
    [[nodiscard]] std::uint64_t fingerprint() const { return fingerprint_; }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

private:
    Dictionary(std::uint8_t number, std::string bytes);
    friend std::string pack(std::string_view raw, const Dictionary* dictionary);
    friend Result<std::string> unpack(std::string_view packed, const Dictionary* dictionary,
                                      std::size_t raw_bytes_max);

    struct FreeCompress {
        void operator()(ZSTD_CDict_s* dictionary) const;
    };
    struct FreeDecompress {
        void operator()(ZSTD_DDict_s* dictionary) const;
    };

    std::uint8_t number_;
    std::uint64_t fingerprint_;
    std::string bytes_;
    std::unique_ptr<ZSTD_CDict_s, FreeCompress> compress_;
    std::unique_ptr<ZSTD_DDict_s, FreeDecompress> decompress_;
};

/// One zstd frame without its magic number, with the content size.
std::string pack(std::string_view raw, const Dictionary* dictionary);
/// Nothing is allocated before the declared size is known to be within `raw_bytes_max`. wire.corrupt
/// (corrupt), wire.too_large (invalid).
Result<std::string> unpack(std::string_view packed, const Dictionary* dictionary, std::size_t raw_bytes_max);

} // namespace mudi::sync
