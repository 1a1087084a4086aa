#pragma once

#include <optional>

#include <boost/beast/http/basic_parser.hpp>

#include <mudi/http/message.hpp>

namespace mudi::http {

namespace beast = boost::beast;

inline std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

/// What requests and answers have in common: fields and body go straight into our own message, without the
/// library's field list between.
template <bool is_request, class Message>
class MessageParser : public beast::http::basic_parser<is_request> {
public:
    Message message;

protected:
    using Verb = beast::http::verb;
    using Text = beast::string_view;
    using Failure = beast::error_code;

    void on_field_impl(beast::http::field, Text name, Text value, Failure&) override {
        message.headers.add(std::string(view(name)), std::string(view(value)));
    }
    void on_header_impl(Failure& failure) override {
        // Any other coding would leave the end of the body unknown, and its bytes would be read as the next
        // message.
        if (message.headers.has("Transfer-Encoding") && !this->chunked()) {
            failure = beast::http::error::bad_transfer_encoding;
        }
    }
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, Failure&) override {
        constexpr std::uint64_t believed_max = 1024 * 1024;
        if (length) message.body.reserve(static_cast<std::size_t>(std::min(*length, believed_max)));
    }
    std::size_t on_body_impl(Text part, Failure&) override {
        message.body.append(part.data(), part.size());
        return part.size();
    }
    void on_chunk_header_impl(std::uint64_t, Text, Failure&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, Text part, Failure& failure) override {
        return on_body_impl(part, failure);
    }
    void on_finish_impl(Failure&) override {}
};

class RequestParser final : public MessageParser<true, Request> {
public:
    RequestParser(std::size_t header_limit_bytes, std::size_t body_limit_bytes);

    [[nodiscard]] bool wants_continue() const;
    [[nodiscard]] bool is_http_1_0() const { return version_ < 11; }

private:
    void on_request_impl(Verb, Text method, Text target, int version, Failure& failure) override;
    void on_response_impl(int, Text, int, Failure&) override {}
    void on_header_impl(Failure& failure) override;

    int version_{11};
};

class ResponseParser final : public MessageParser<false, Response> {
public:
    /// Without `body_limit_bytes` the body is endless; the caller takes it out of message.body as it comes.
    ResponseParser(std::size_t header_limit_bytes, std::optional<std::size_t> body_limit_bytes);

private:
    void on_request_impl(Verb, Text, Text, int, Failure&) override {}
    void on_response_impl(int status, Text, int, Failure&) override { message.status = status; }
    void on_header_impl(Failure& failure) override;
};

} // namespace mudi::http
