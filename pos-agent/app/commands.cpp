#include "commands.hpp"

#include <csignal>
#include <iostream>

#include <unistd.h>

#include <boost/asio/signal_set.hpp>

#include <mudi/base/log.hpp>
#include <mudi/http/client.hpp>
#include <mudi/http/json.hpp>
#include <mudi/http/problem.hpp>

#include "agent.hpp"

namespace mudi::till {
namespace {

constexpr unsigned transport_stop_s_max = 3;

/// NNG 1.5 may wait for ever for a connection that ends while its data comes in: that must not keep the
/// process. Every sale that was answered is on the disk.
void end_in_time() {
    std::signal(SIGALRM, [](int) { ::_exit(0); });
    ::alarm(transport_stop_s_max);
}

Result<nlohmann::json> ask_agent(const Settings& settings, const std::string& method,
                                 const std::string& target) {
    http::Client client(http::Target::unix_socket(settings.socket_path()));
    http::Call call;
    call.method = method;
    call.target = target;
    const auto response = client.send(call);
    if (!response) {
        return fail(Code::unavailable, "agent.unreachable",
                    "no agent answers on " + settings.socket_path() + "; is mudi-till running?");
    }
    if (auto error = http::error_from(*response)) return tl::make_unexpected(*std::move(error));
    return http::parse_json(response->body);
}

} // namespace

Result<Settings> load_settings(const std::string& path) {
    MUDI_TRY(Settings settings, config::load<Settings>(path));
    const auto checked = check(settings);
    if (!checked) return fail(checked.error(), path);
    return settings;
}

int report(const Error& error) {
    std::cerr << "mudi-till: " << error.what << " (" << error.name << ")" << std::endl;
    return error.name.starts_with("config.") ? exit_usage : exit_problem;
}

int say_config_is_right(const std::string& path, const Settings& settings) {
    const auto whole = with_enrolment(settings);
    if (!whole) return report(whole.error());
    if (const auto complete = check_complete(*whole); !complete) return report(Error(complete.error()));
    std::cout << path << ": ok\n";
    return 0;
}

int run_agent(const Settings& settings) {
    // One loop thread: more helps nobody, and tells the libraries that locks are idle.
    boost::asio::io_context io(1);
    const SystemClock clock;
    boost::asio::signal_set signals(io, SIGTERM, SIGINT);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN); // a file size limit is an error of the write, like a full disk
    auto agent = Agent::start(io, settings, clock);
    if (!agent) return report(agent.error());
    signals.async_wait([&](boost::system::error_code, int) {
        end_in_time();
        (*agent)->stop();
        io.stop();
    });
    if (settings.durability == "off")
        log::warning("durability.off", {{"means", "a power cut may lose sales"}});
    std::cout << (*agent)->ready_line() << std::endl;
    io.run();
    agent->reset();
    ::alarm(0);
    return 0;
}

int ask_for_code(const Settings& settings) {
    const auto answer = ask_agent(settings, "POST", "/v1/pairing-codes");
    if (!answer) return report(answer.error());
    std::cout << answer->value("code", "") << "\n";
    return 0;
}

int show_status(const Settings& settings, bool json) {
    const auto answer = ask_agent(settings, "GET", "/v1/status");
    if (!answer) return report(answer.error());
    if (json) {
        std::cout << http::to_text(*answer) << "\n";
        return 0;
    }
    for (const auto& [key, value] : answer->items()) {
        std::cout << key << std::string(key.size() < 20 ? 20 - key.size() : 1, ' ')
                  << (value.is_string() ? value.get<std::string>() : http::to_text(value)) << "\n";
    }
    return 0;
}

} // namespace mudi::till
