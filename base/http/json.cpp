#include <mudi/http/json.hpp>

#include <optional>
#include <vector>

#include <mudi/base/text.hpp>

namespace mudi::http {

namespace {

using nlohmann::json;

/// Builds the document event by event, because the library's own builder neither bounds the depth (its
/// destructor and every walk recurse) nor notices that a key comes twice.
class Builder final : public nlohmann::json_sax<json> {
public:
    bool null() override { return put(nullptr); }
    bool boolean(bool value) override { return put(value); }
    bool number_integer(number_integer_t value) override { return put(value); }
    bool number_unsigned(number_unsigned_t value) override { return put(value); }
    bool number_float(number_float_t value, const string_t&) override { return put(value); }
    bool string(string_t& value) override { return put(std::move(value)); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(json::object()); }
    bool start_array(std::size_t) override { return open(json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override {
        auto [place, fresh] = open_.back()->get_ref<json::object_t&>().try_emplace(std::move(name));
        if (!fresh)
            error = Error{Code::invalid, "json.duplicate_key", "a key comes twice in one JSON object"};
        member_ = &place->second;
        return fresh;
    }

    bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
        // The library counts the byte it stumbled over; the offset of that byte is one less.
        const auto offset = position > 0 ? position - 1 : 0;
        error = Error{Code::invalid, "json.syntax", "not JSON at byte offset " + std::to_string(offset)};
        return false;
    }

    json document;
    std::optional<Error> error;

private:
    json* add(json value) {
        if (open_.empty()) {
            document = std::move(value);
            return &document;
        }
        if (open_.back()->is_object()) {
            *member_ = std::move(value);
            return member_;
        }
        return &open_.back()->get_ref<json::array_t&>().emplace_back(std::move(value));
    }

    bool put(json value) {
        add(std::move(value));
        return true;
    }

    bool open(json value) {
        if (open_.size() == json_depth_max) {
            error = Error{Code::invalid, "json.depth",
                          "JSON nested deeper than " + std::to_string(json_depth_max)};
            return false;
        }
        open_.push_back(add(std::move(value)));
        return true;
    }

    bool close() {
        open_.pop_back();
        return true;
    }

    std::vector<json*> open_;
    json* member_{nullptr};
};

} // namespace

Result<json> parse_json(std::string_view text) {
    if (!is_utf8(text)) return fail(Code::invalid, "json.utf8", "the JSON text is not well-formed UTF-8");
    Builder builder;
    if (json::sax_parse(text.begin(), text.end(), &builder)) return std::move(builder.document);
    if (builder.error) return tl::make_unexpected(std::move(*builder.error));
    return fail(Code::invalid, "json.syntax", "not JSON");
}

std::string to_text(const json& document) {
    return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

Response json_response(const json& document, int status) {
    return {status, "application/json", to_text(document), {}};
}

} // namespace mudi::http
