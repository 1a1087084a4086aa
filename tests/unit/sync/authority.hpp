#pragma once

#include <string>

namespace mudi::test {

struct Certificate {
    std::string pem;
    std::string key_pem;
};

/// A certificate authority for one test, P-256.
class Authority {
public:
    Authority();
    ~Authority();
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;

    [[nodiscard]] std::string pem() const;
    /// For a server of that name or a client.
    [[nodiscard]] Certificate issue(const std::string& name) const;

private:
    struct Impl;
    Impl* impl_;
};

} // namespace mudi::test
