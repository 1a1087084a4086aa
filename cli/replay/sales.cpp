#include "cli/replay/sales.hpp"

#include <functional>
#include <unordered_map>

namespace mudi::cli {
namespace {

struct SoldLine {
    std::size_t sale;
    int line;
    std::int64_t left; ///< thousandths not yet taken back
};

/// Customer, item and price a return must share with its sale.
std::string link_key(const ReplaySale& sale, const ReplayLine& line) {
    const std::int64_t price = line.unit_price ? *line.unit_price : -1;
    return sale.customer + '\n' + line.item + '\n' + std::to_string(price);
}

} // namespace

std::int64_t ReplaySale::total() const {
    std::int64_t sum = 0;
    for (const ReplayLine& line : lines) sum += line.amount;
    return kind == ReplayKind::return_ ? -sum : sum;
}

ReplayFigures figures_of(const std::vector<ReplaySale>& sales) {
    ReplayFigures figures;
    std::unordered_set<std::string_view> customers;
    for (const ReplaySale& sale : sales) {
        ++figures.transactions;
        figures.lines += static_cast<std::int64_t>(sale.lines.size());
        if (!sale.customer.empty()) customers.insert(sale.customer);
        if (sale.kind == ReplayKind::return_) {
            ++figures.returns;
            figures.return_minor -= sale.total();
        } else if (sale.kind == ReplayKind::adjustment) {
            ++figures.adjustments;
        } else {
            figures.value_minor += sale.total();
        }
    }
    figures.customers = static_cast<std::int64_t>(customers.size());
    return figures;
}

void link_returns(ReplayFile& file) {
    std::unordered_map<std::string, std::vector<SoldLine>> sold;
    for (std::size_t index = 0; index < file.sales.size(); ++index) {
        ReplaySale& sale = file.sales[index];
        if (sale.customer.empty() || sale.kind == ReplayKind::adjustment) continue;
        for (std::size_t i = 0; i < sale.lines.size(); ++i) {
            ReplayLine& line = sale.lines[i];
            auto& candidates = sold[link_key(sale, line)];
            if (sale.kind == ReplayKind::sale) {
                candidates.push_back({index, static_cast<int>(i) + 1, line.quantity});
                continue;
            }
            for (auto candidate = candidates.rbegin(); candidate != candidates.rend(); ++candidate) {
                if (candidate->left < line.quantity || !line.unit_price) continue;
                candidate->left -= line.quantity;
                line.original_sale = candidate->sale;
                line.original_line = candidate->line;
                ++file.returns_linked;
                break;
            }
        }
    }
}

void spread_over_tills(ReplayFile& file, std::size_t tills) {
    std::size_t turn = 0;
    for (ReplaySale& sale : file.sales)
        sale.till = sale.customer.empty() ? turn++ % tills : std::hash<std::string>{}(sale.customer) % tills;
}

} // namespace mudi::cli
