#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "golden/databases.hpp"
#include "golden/samples.hpp"

using namespace mudi::golden;

namespace {

void write(const std::filesystem::path& path, const std::string& content) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out{path, std::ios::binary};
    out << content;
    if (!out.flush()) {
        std::fprintf(stderr, "%s: cannot be written\n", path.c_str());
        std::exit(1);
    }
}

Json write_all(const std::filesystem::path& folder, const std::string& part,
               const std::vector<Sample>& samples) {
    Json entries = Json::object();
    for (const Sample& sample : samples) {
        write(folder / part / (sample.name + ".bin"), sample.bytes);
        entries[sample.name] = sample.words;
    }
    return entries;
}

/// One line per sample: people read it, and version control compares it.
std::string text_of(const Json& manifest) {
    std::string text = "{";
    for (const auto& [part, entries] : manifest.items()) {
        text += (text.size() > 1 ? ",\n" : "\n") + Json(part).dump() + ": ";
        if (!entries.is_object()) {
            text += entries.dump();
            continue;
        }
        std::string between = "{";
        for (const auto& [name, words] : entries.items()) {
            text += between + "\n " + Json(name).dump() + ": " + words.dump();
            between = ",";
        }
        text += "\n}";
    }
    return text + "\n}\n";
}

} // namespace

/// make-golden FOLDER: what this version writes, and in manifest.json what it means.
int main(int count, char** arguments) {
    if (count != 2) {
        std::fputs("usage: make-golden FOLDER\n", stderr);
        return 2;
    }
    const std::filesystem::path folder = arguments[1];
    std::filesystem::create_directories(folder);
    Json manifest;
    manifest["version"] = MUDI_VERSION;
    manifest["events"] = write_all(folder, "events", event_samples());
    manifest["feed"] = write_all(folder, "feed", feed_samples());
    manifest["requests"] = write_all(folder, "requests", request_samples());
    manifest["answers"] = write_all(folder, "answers", answer_samples());
    write(folder / "learned.dictionary", learned_dictionary());
    std::filesystem::copy_file(MUDI_SOURCE_DIR "/sync/protocol/mudi.proto", folder / "mudi.proto",
                               std::filesystem::copy_options::overwrite_existing);
    make_databases(folder.string());
    OpenServer server = open_server(folder.string());
    OpenTill till = open_till(folder.string());
    manifest["server"] = server_words(server);
    manifest["till"] = till_words(till, server.keys.identifier_key);
    write(folder / "manifest.json", text_of(manifest));
    return 0;
}
