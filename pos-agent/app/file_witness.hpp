#pragma once

#include <string>

#include <mudi/till/store.hpp>

namespace mudi::till {

/// A small file that goes with the machine's running state: in a folder like /run, which a restart of the
/// machine empties and no image of its disk contains.
class FileWitness final : public RightsWitness {
public:
    explicit FileWitness(std::string path) : path_(std::move(path)) {}

    std::optional<Seen> read() override;
    void write(const Seen& seen) override;

private:
    std::string path_;
};

} // namespace mudi::till
