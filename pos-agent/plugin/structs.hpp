#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "outcome.hpp"

/// The structs of mudi/pos.h on their way over the border: other versions of them have fewer or more fields.
namespace mudi::pos {

/// A size beyond this is memory that nobody has set.
inline constexpr std::uint32_t struct_bytes_max = 64 * 1024;

inline tl::unexpected<Fault> null_argument(const char* name) {
    return fault(MUDI_E_ARG, "arg.null", std::string(name) + " is NULL");
}

inline Outcome<std::uint32_t> size_of(const void* object, const char* name) {
    if (object == nullptr) return null_argument(name);
    std::uint32_t size = 0;
    std::memcpy(&size, object, sizeof size);
    if (size < sizeof size || size > struct_bytes_max) {
        return fault(MUDI_E_ARG, "arg.size", std::string(name) + ": size is not set");
    }
    return size;
}

/// What the caller's version of the struct has; 0 for what it does not.
template <class T>
Outcome<T> struct_in(const T* in, const char* name) {
    const auto size = size_of(in, name);
    if (!size) return tl::make_unexpected(size.error());
    T out{};
    std::memcpy(&out, in, std::min<std::size_t>(*size, sizeof out));
    return out;
}

/// Fills as much as the caller's version has. `out` has been checked with size_of, or is NULL.
template <class T>
void struct_out(T value, T* out) {
    if (out == nullptr) return;
    std::memcpy(&value.size, out, sizeof value.size);
    std::memcpy(out, &value, std::min<std::size_t>(value.size, sizeof value));
}

/// The elements' distance is the size of the first one.
template <class T>
Outcome<std::uint32_t> stride_of(const T* first, const char* name) {
    const auto size = size_of(first, name);
    if (size && *size % alignof(T) != 0)
        return fault(MUDI_E_ARG, "arg.size", std::string(name) + ": size is no size of such a struct");
    return size;
}

template <class T>
Outcome<std::vector<T>> structs_in(const T* first, std::size_t count, std::size_t count_max,
                                   const char* name) {
    std::vector<T> all;
    if (count == 0) return all;
    const auto stride = stride_of(first, name);
    if (!stride) return tl::make_unexpected(stride.error());
    if (count > count_max) return fault(MUDI_E_ARG, "arg.count", std::string(name) + ": too many");
    all.resize(count, T{});
    for (std::size_t i = 0; i < count; ++i) {
        std::memcpy(&all[i], reinterpret_cast<const char*>(first) + i * *stride,
                    std::min<std::size_t>(*stride, sizeof(T)));
    }
    return all;
}

/// Room that the caller has for an answer of several structs; checked before anything is done.
template <class T>
class Room {
public:
    static Outcome<Room> of(T* first, std::size_t* count, const char* name) {
        if (count == nullptr) return null_argument("n");
        Room room;
        room.first_ = first;
        room.count_ = count;
        if (*count == 0) return room;
        const auto stride = stride_of(first, name);
        if (!stride) return tl::make_unexpected(stride.error());
        room.stride_ = *stride;
        return room;
    }
    void fill(const std::vector<T>& values) {
        for (std::size_t i = 0; i < std::min(*count_, values.size()); ++i) {
            T value = values[i];
            value.size = stride_;
            std::memcpy(reinterpret_cast<char*>(first_) + i * stride_, &value,
                        std::min<std::size_t>(stride_, sizeof value));
        }
        *count_ = values.size();
    }

private:
    T* first_{nullptr};
    std::size_t* count_{nullptr};
    std::uint32_t stride_{0};
};

/// Cut between characters, NUL at the end. `text` is well-formed UTF-8.
template <std::size_t size>
void copy_text(char (&out)[size], std::string_view text) {
    text = text.substr(0, text.find('\0'));
    std::size_t length = std::min(text.size(), size - 1);
    const auto continues = [&](std::size_t at) {
        return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
    };
    while (length > 0 && length < text.size() && continues(length)) --length;
    std::memcpy(out, text.data(), length);
    std::memset(out + length, 0, size - length);
}

} // namespace mudi::pos
