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

/// Verbs and options are read off the parser itself, so the script cannot fall behind it.
std::string bash_script(const CLI::App& app) {
    std::string verbs, cases;
    for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
        verbs += " " + verb->get_name();
        cases += "    " + verb->get_name() + ") words=\"" + options_of(*verb) + "\" ;;\n";
    }
    return "_mudi() {\n  local current=${COMP_WORDS[COMP_CWORD]} words\n  if [ \"$COMP_CWORD\" = 1 ]; then "
           "words=\"" +
           verbs + " --help --version\"; else\n  case ${COMP_WORDS[1]} in\n" + cases +
           "  esac; fi\n  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
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
