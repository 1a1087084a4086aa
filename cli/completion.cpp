#include <cstdio>
#include <memory>

#include "cli/verbs.hpp"

namespace mudi::cli {
namespace {

std::string options_of(const CLI::App& verb) {
    std::string words;
    for (const CLI::Option* option : verb.get_options()) {
        for (const std::string& name : option->get_lnames()) words += " --" + name;
    }
    for (const CLI::App* inner : verb.get_subcommands([](const CLI::App*) { return true; }))
        words += " " + inner->get_name();
    return words;
}

/// One case for each verb, however deep: "server till add" offers the options of that one.
void add_cases(const CLI::App& verb, const std::string& path, std::string& paths, std::string& cases) {
    for (const CLI::App* inner : verb.get_subcommands([](const CLI::App*) { return true; })) {
        const std::string here = path + " " + inner->get_name();
        paths += (paths.empty() ? "" : "|") + ("\"" + here + "\"");
        cases += "    \"" + here + "\") words=\"" + options_of(*inner) + "\" ;;\n";
        add_cases(*inner, here, paths, cases);
    }
}

/// Verbs and options are read off the parser itself, so the script cannot fall behind it.
std::string bash_script(const CLI::App& app) {
    std::string paths, cases;
    add_cases(app, {}, paths, cases);
    return "_mudi() {\n  local current=${COMP_WORDS[COMP_CWORD]} path= words= i\n"
           "  for ((i = 1; i < COMP_CWORD; i++)); do\n    case \"$path ${COMP_WORDS[i]}\" in\n      " +
           paths +
           ") path=\"$path ${COMP_WORDS[i]}\" ;;\n    esac\n  done\n  case \"$path\" in\n    \"\") words=\"" +
           options_of(app) + "\" ;;\n" + cases +
           "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
           "  [ ${#COMPREPLY[@]} = 0 ] && COMPREPLY=($(compgen -f -- \"$current\"))\n}\ncomplete -o "
           "filenames -F _mudi mudi\n";
}

} // namespace

void add_completion(CLI::App& app, Context& context) {
    auto* verb = app.add_subcommand("completion", "Shell completion script");
    verb->footer("Examples:\n  source <(mudi completion bash)\n  mudi completion zsh >> ~/.zshrc");
    const auto shell = std::make_shared<std::string>();
    verb->add_option("shell", *shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
    verb->callback([&app, shell, &context] {
        if (*shell == "zsh") std::fputs("autoload -U +X bashcompinit && bashcompinit\n", stdout);
        std::fputs(bash_script(app).c_str(), stdout);
        context.exit_code = 0;
    });
}

} // namespace mudi::cli
