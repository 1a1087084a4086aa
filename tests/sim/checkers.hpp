#pragma once

#include <memory>
#include <vector>

#include "checker.hpp"
#include "world.hpp"

namespace mudi::sim {

void add_till_checkers(World& world, std::vector<std::unique_ptr<Checker>>& out);
void add_inbox_checkers(World& world, std::vector<std::unique_ptr<Checker>>& out);
void add_book_checkers(World& world, std::vector<std::unique_ptr<Checker>>& out);
void add_points_checkers(World& world, std::vector<std::unique_ptr<Checker>>& out);
void add_feed_checkers(World& world, std::vector<std::unique_ptr<Checker>>& out);

} // namespace mudi::sim
