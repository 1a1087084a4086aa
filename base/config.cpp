#include <mudi/base/config.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#include <toml++/toml.h>

#include <mudi/base/text.hpp>

namespace mudi::config {
namespace {

constexpr std::size_t file_bytes_max = 256 * 1024;

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

std::string joined(Words words) {
    std::string out;
    for (const std::string_view word : words) {
        if (!out.empty()) out += ", ";
        out += quoted(word);
    }
    return out;
}

/// Takes the values out of a parsed file; remembers the first fault and every key it was asked for.
class Reader final : public Visitor {
public:
    Reader(const toml::table& root, std::string_view name) : root_(root), table_(&root), name_(name) {}

    void section(std::string_view name, std::string_view) override {
        section_ = name;
        known_.insert(section_);
        const toml::node* node = root_.get(name);
        table_ = node == nullptr ? nullptr : node->as_table();
        if (node != nullptr && table_ == nullptr)
            fault("type", *node, section_, "is a section: write [" + section_ + "]");
    }

    void text(std::string_view key, std::string& value, TextLimits limits, std::string_view) override {
        if (const toml::node* node = find(key)) take_text(*node, full(key), limits, value);
    }

    void texts(std::string_view key, std::vector<std::string>& value, ListLimits limits,
               std::string_view) override {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        const toml::array* array = node->as_array();
        if (array == nullptr) return fault("type", *node, full(key), "must be a list of texts");
        if (array->size() > limits.count_max) {
            return fault("range", *node, full(key),
                         "may have at most " + std::to_string(limits.count_max) + " entries");
        }
        std::vector<std::string> read(array->size());
        for (std::size_t i = 0; i < array->size(); ++i)
            take_text(*array->get(i), full(key), limits.each, read[i]);
        value = std::move(read);
    }

    void flag(std::string_view key, bool& value, std::string_view) override {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        if (const auto* boolean = node->as_boolean()) {
            value = boolean->get();
        } else {
            fault("type", *node, full(key), "must be true or false");
        }
    }

    void choice(std::string_view key, std::string& value, Words words, std::string_view) override {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        std::string read;
        take_text(*node, full(key), {}, read);
        if (std::find(words.begin(), words.end(), read) == words.end()) {
            return fault("range", *node, full(key), "must be one of " + joined(words));
        }
        value = std::move(read);
    }

    void number(std::string_view key, std::int64_t& value, IntegerLimits limits, std::string_view) override {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        const auto* integer = node->as_integer();
        if (integer == nullptr) return fault("type", *node, full(key), "must be a whole number");
        if (integer->get() < limits.min || integer->get() > limits.max) {
            return fault("range", *node, full(key),
                         "must be from " + std::to_string(limits.min) + " to " + std::to_string(limits.max));
        }
        value = integer->get();
    }

    Status outcome() {
        if (!error_) find_unknown(root_, "");
        if (error_) return tl::make_unexpected(*error_);
        return {};
    }

private:
    [[nodiscard]] std::string full(std::string_view key) const {
        return section_.empty() ? std::string(key) : section_ + "." + std::string(key);
    }

    const toml::node* find(std::string_view key) {
        known_.insert(full(key));
        return table_ == nullptr ? nullptr : table_->get(key);
    }

    void take_text(const toml::node& node, const std::string& key, TextLimits limits, std::string& value) {
        const auto* string = node.as_string();
        if (string == nullptr) return fault("type", node, key, "must be a text in quotes");
        const std::string& read = string->get();
        if (read.size() < limits.bytes_min || read.size() > limits.bytes_max) {
            return fault("range", node, key,
                         "must have " + std::to_string(limits.bytes_min) + " to " +
                             std::to_string(limits.bytes_max) + " bytes");
        }
        const bool control = std::any_of(read.begin(), read.end(),
                                         [](char c) { return static_cast<unsigned char>(c) < 0x20; });
        if (control) return fault("range", node, key, "may not contain control characters");
        value = read;
    }

    void find_unknown(const toml::table& table, const std::string& prefix) {
        const toml::node* first = nullptr;
        std::string first_name;
        for (const auto& [key, node] : table) {
            std::string name = prefix + std::string(key.str());
            if (known_.contains(name)) {
                if (const auto* inner = node.as_table()) find_unknown(*inner, name + ".");
            } else if (first == nullptr || node.source().begin < first->source().begin) {
                first = &node;
                first_name = std::move(name);
            }
        }
        if (first != nullptr) fault("unknown_key", *first, first_name, "is not a key of this program");
    }

    void fault(std::string_view what, const toml::node& node, const std::string& key,
               const std::string& rule) {
        if (error_) return;
        error_ = Error{Code::invalid, "config." + std::string(what),
                       name_ + " line " + std::to_string(node.source().begin.line) + ": " + key + " " + rule};
    }

    const toml::table& root_;
    const toml::table* table_;
    std::string name_;
    std::string section_;
    std::set<std::string> known_;
    std::optional<Error> error_;
};

class Printer final : public Visitor {
public:
    explicit Printer(std::string_view title) : out_("# " + std::string(title) + "\n") {}

    void section(std::string_view name, std::string_view comment) override {
        out_ += "\n# " + std::string(comment) + "\n[" + std::string(name) + "]\n";
        fresh_ = true;
    }
    void text(std::string_view key, std::string& value, TextLimits, std::string_view comment) override {
        line(key, quoted(value), comment);
    }
    void texts(std::string_view key, std::vector<std::string>& value, ListLimits,
               std::string_view comment) override {
        std::string list;
        for (const std::string& entry : value) list += (list.empty() ? "" : ", ") + quoted(entry);
        line(key, "[" + list + "]", comment);
    }
    void flag(std::string_view key, bool& value, std::string_view comment) override {
        line(key, value ? "true" : "false", comment);
    }
    void choice(std::string_view key, std::string& value, Words words, std::string_view comment) override {
        line(key, quoted(value), std::string(comment) + " One of " + joined(words) + ".");
    }
    void number(std::string_view key, std::int64_t& value, IntegerLimits, std::string_view comment) override {
        line(key, std::to_string(value), comment);
    }

    std::string take() { return std::move(out_); }

private:
    void line(std::string_view key, const std::string& value, std::string_view comment) {
        if (!fresh_) out_ += '\n';
        fresh_ = false;
        if (!comment.empty()) out_ += "# " + std::string(comment) + "\n";
        out_ += std::string(key) + " = " + value + "\n";
    }

    std::string out_;
    bool fresh_{false};
};

} // namespace

Status read_text(std::string_view toml, std::string_view name, const Visit& visit) {
    if (toml.size() > file_bytes_max)
        return fail(Code::invalid, "config.range", std::string(name) + ": the file is too large");
    if (!is_utf8(toml)) return fail(Code::invalid, "config.syntax", std::string(name) + ": not UTF-8");
    const toml::parse_result parsed = toml::parse(toml);
    if (!parsed) {
        return fail(Code::invalid, "config.syntax",
                    std::string(name) + " line " + std::to_string(parsed.error().source().begin.line) + ": " +
                        std::string(parsed.error().description()));
    }
    Reader reader(parsed.table(), name);
    visit(reader);
    return reader.outcome();
}

Status read_file(const std::string& path, const Visit& visit) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(Code::not_found, "config.missing", path + ": cannot be opened");
    std::string text(file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return fail(Code::io, "config.unreadable", path + ": cannot be read");
    text.resize(static_cast<std::size_t>(file.gcount()));
    return read_text(text, path, visit);
}

std::string print(std::string_view title, const Visit& visit) {
    Printer printer(title);
    visit(printer);
    return printer.take();
}

} // namespace mudi::config
