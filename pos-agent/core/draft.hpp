#pragma once

#include <optional>

#include <mudi/base/hash.hpp>
#include <mudi/till/desk.hpp>
#include <mudi/till/storage.hpp>

namespace mudi::till {

/// A document with everything it left out filled in, before we add anything of our own.
struct Draft {
    crm::RetailTransaction transaction;
    GivenByHost given;
    bool id_from_host{false};
    std::optional<HoldId> hold;
    Bits128 content_hash;
};

/// Where a document's gaps are filled from: the open transaction, or, when the document comes again, the
/// stored one.
struct DraftSources {
    const OpenTransaction* open{};
    const StoredTransaction* stored{};
    std::optional<crm::Identifier> customer; ///< as the document names it, in its normal form
};

/// Refuses what crm::validate refuses, and sale.kind for a kind that has no document. The content hash covers
/// what the host said and nothing that we made: the same document gives the same hash on every till and at
/// every time.
Result<Draft> make_draft(const SaleDocument& document, const crm::BusinessKey& key,
                         const DraftSources& sources, Currency shop, Time now);

/// Line numbers, unit and links filled in; links without store and workstation mean those of `key`.
void fill_lines(std::vector<crm::LineItem>& lines, const crm::BusinessKey& key);

/// Times count only where given.
Bits128 content_hash(crm::RetailTransaction& transaction, const GivenByHost& given);

/// Sum of the lines' tax, returns taken off.
Money tax_of(std::span<const crm::LineItem> lines, Currency currency);

/// True for a text that may be stored: short, UTF-8, no control characters, no bank card.
bool is_storable(std::string_view text, std::size_t bytes_max);

} // namespace mudi::till
