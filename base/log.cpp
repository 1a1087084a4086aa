#include <mudi/base/log.hpp>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace mudi::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    }
    return spdlog::level::info;
}

void append(std::string& line, const Field& field) {
    line += ' ';
    line += field.key;
    line += '=';
    if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
        line += std::to_string(*number);
        return;
    }
    const auto& text = std::get<std::string>(field.value);
    const bool plain = !text.empty() && text.find_first_of(" \"\n\\") == std::string::npos;
    if (plain) {
        line += text;
        return;
    }
    line += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') line += '\\';
        line += c == '\n' ? ' ' : c;
    }
    line += '"';
}

void write(Level level, std::string_view event, Fields fields, const Error* error) {
    const auto spd_level = to_spdlog(level);
    if (!spdlog::should_log(spd_level)) return;
    std::string line(event);
    for (const Field& field : fields) append(line, field);
    if (error != nullptr) {
        append(line, {"error", std::string_view(error->name)});
        append(line, {"what", std::string_view(error->what)});
    }
    spdlog::log(spd_level, "{}", line);
}

} // namespace

void start(std::string_view program, Level level) {
    auto logger = spdlog::stderr_logger_mt(std::string(program));
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %n %v");
    logger->set_level(to_spdlog(level));
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
}

void debug(std::string_view event, Fields fields) { write(Level::debug, event, fields, nullptr); }
void info(std::string_view event, Fields fields) { write(Level::info, event, fields, nullptr); }
void warning(std::string_view event, Fields fields) { write(Level::warning, event, fields, nullptr); }
void error(std::string_view event, Fields fields) { write(Level::error, event, fields, nullptr); }
void error(std::string_view event, const Error& cause, Fields fields) {
    write(Level::error, event, fields, &cause);
}
void warning(std::string_view event, const Error& cause, Fields fields) {
    write(Level::warning, event, fields, &cause);
}

} // namespace mudi::log
