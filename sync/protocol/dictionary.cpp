#include "dictionary.hpp"

#include <algorithm>
#include <charconv>

#include <zdict.h>

#include <mudi.pb.h>

#include <mudi/base/assert.hpp>
#include <mudi/base/hash.hpp>

#include "dictionary_goods.hpp"
#include "frames.hpp"

namespace mudi::sync {
namespace {

constexpr std::size_t items_max = 8192;
constexpr std::size_t events_per_push = 50; ///< looked at, spread over the push
constexpr std::size_t item_bytes_max = 400;
// Measured: a thousand lines know the everyday goods, sixteen thousand nearly all of a small shop.
constexpr std::size_t lines_first = 1000;
constexpr std::size_t lines_last = 64'000;
constexpr std::size_t lines_growth = 4;
constexpr std::size_t lines_at_most_per_event = 50;
constexpr std::size_t heads_max = 200;
constexpr std::size_t samples_max = 400;
constexpr std::size_t learned_content_bytes = 32 * 1024;

/// The line as an everyday sale has it: only what the catalogue says.
wire::Line item_of(const wire::Line& line) {
    wire::Line item;
    item.set_item_id(line.item_id());
    item.set_description(line.description());
    item.set_category(line.category());
    item.set_unit(line.unit());
    if (line.has_unit_price()) item.set_unit_price(line.unit_price());
    item.set_tax_rate(line.tax_rate());
    return item;
}

void append_line(std::string& out, const wire::Line& line) {
    wire::RetailTransaction only;
    *only.add_lines() = line;
    only.AppendToString(&out);
}

/// What surrounds the lines, without anything of anybody: it stands last, where a match costs least.
std::string outline() {
    wire::RetailTransaction out;
    out.set_store("S01");
    out.set_workstation("T1");
    out.set_host("mudi");
    out.set_operator_id("101");
    out.set_currency(inr.number);
    out.set_day(20'270'101);
    out.set_begin(40'000'000);
    out.set_duration(60'000);
    out.set_number("1000");
    out.mutable_member()->set_identifier("2990000000");
    out.mutable_member()->set_profile(1000);
    out.add_tenders()->set_kind(2);
    out.add_ledger()->set_points(5);
    return out.SerializeAsString();
}

std::string built_in_bytes() {
    std::string bytes;
    for (const DictionaryGoods& group : dictionary_goods) {
        std::string_view rest = group.goods;
        int number = 10;
        while (!rest.empty()) {
            const std::string_view good = rest.substr(0, rest.find(';'));
            rest.remove_prefix(std::min(rest.size(), good.size() + 1));
            const std::size_t colon = good.find(':');
            std::int64_t price = 0;
            std::from_chars(good.data() + colon + 1, good.data() + good.size(), price);
            wire::Line line;
            line.set_item_id(std::string(group.prefix) + "00" + std::to_string(number++) + "00");
            line.set_description(std::string(good.substr(0, colon)));
            line.set_category(std::string(group.category));
            line.set_unit(std::string(group.unit));
            line.set_unit_price(price);
            line.set_tax_rate(group.tax_rate);
            append_line(bytes, line);
        }
    }
    return bytes + outline();
}

/// The head of a sale as this workstation writes it today.
std::string head_of(const wire::RetailTransaction& transaction) {
    wire::RetailTransaction head;
    head.set_store(transaction.store());
    head.set_workstation(transaction.workstation());
    head.set_host(transaction.host());
    head.set_currency(transaction.currency());
    head.set_day(transaction.day());
    return head.SerializeAsString();
}

} // namespace

const Dictionary& built_in() {
    static const Dictionary dictionary = *Dictionary::make(built_in_number, built_in_bytes());
    return dictionary;
}

DictionaryLearner::DictionaryLearner() : lines_wanted_(lines_first) {}

void DictionaryLearner::take(const Event& event) {
    if (event.kind != static_cast<std::uint32_t>(EventKind::retail_transaction) ||
        event.schema != event_schema)
        return;
    wire::RetailTransaction transaction;
    if (!transaction.ParseFromString(event.body)) return;
    std::size_t taken = 0;
    for (const wire::Line& line : transaction.lines()) {
        if (++taken > lines_at_most_per_event) break;
        std::string item = item_of(line).SerializeAsString();
        if (item.size() > item_bytes_max) continue;
        const auto found = items_.find(item);
        if (found != items_.end()) {
            ++found->second;
        } else if (items_.size() < items_max) {
            items_.emplace(std::move(item), 1);
        }
        ++lines_;
    }
    if (taken == 0) return;
    std::string head = head_of(transaction);
    if (heads_.size() < heads_max && head.size() <= item_bytes_max) heads_.insert(std::move(head));
    samples_.resize(std::min(samples_max, sales_ + 1));
    samples_[sales_++ % samples_max] = pack_content({&event, 1});
}

std::optional<Dictionary> DictionaryLearner::observe(std::span<const Event> events) {
    if (lines_wanted_ == 0) return std::nullopt;
    // The same goods come again and again: a part of a large push tells nearly as much as all of it, and a
    // backlog does not wait for the learning.
    const std::size_t step = std::max<std::size_t>(events.size() / events_per_push, 1);
    for (std::size_t i = 0; i < events.size(); i += step) take(events[i]);
    // Making one takes as long as some thousand sales. Only small pushes use it, so a backlog does not wait
    // for that either.
    if (lines_ < lines_wanted_ || events.size() > events_per_push) return std::nullopt;
    while (lines_wanted_ <= lines_) lines_wanted_ *= lines_growth;
    ++number_;
    std::optional<Dictionary> learned = build();
    if (lines_wanted_ > lines_last) { // it will not get better
        items_ = {};
        heads_ = {};
        samples_ = {};
        lines_wanted_ = 0;
    }
    return learned;
}

std::optional<Dictionary> DictionaryLearner::build() const {
    std::vector<std::pair<std::uint32_t, std::string>> ranked;
    ranked.reserve(items_.size());
    for (const auto& [item, times] : items_) ranked.emplace_back(times, item);
    std::sort(ranked.begin(), ranked.end(), std::greater<>{});
    // The commonest go last, where a reference to them is shortest.
    std::string content = outline();
    for (const std::string& head : heads_) content += head;
    std::size_t used = 0;
    for (; used < ranked.size() && content.size() + ranked[used].second.size() + 8 <= learned_content_bytes;
         ++used) {
        wire::Line line;
        if (!line.ParseFromString(ranked[used].second)) continue;
        std::string piece;
        append_line(piece, line);
        content.insert(0, piece);
    }
    std::string samples;
    std::vector<std::size_t> sizes;
    for (const std::string& sample : samples_) {
        samples += sample;
        sizes.push_back(sample.size());
    }
    std::string bytes(dictionary_bytes_max, '\0');
    ZDICT_params_t parameters{};
    parameters.compressionLevel = 19;
    parameters.dictID = 0;
    const std::size_t size =
        ZDICT_finalizeDictionary(bytes.data(), bytes.size(), content.data(), content.size(), samples.data(),
                                 sizes.data(), static_cast<unsigned>(sizes.size()), parameters);
    if (ZDICT_isError(size) != 0)
        return std::nullopt; // too uniform to be worth one: the built-in one goes on
    bytes.resize(size);
    return Dictionary::make(number_, std::move(bytes));
}

} // namespace mudi::sync
