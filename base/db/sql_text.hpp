#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <mudi/base/db/column.hpp>
#include <mudi/base/result.hpp>

namespace mudi::db {

struct SqlToken {
    enum class Kind {
        blank, ///< white space or a comment
        quoted,
        word,
        name, ///< :like_this
        other,
    };
    Kind kind{};
    std::string_view text;
};

/// Cuts SQL text so that nothing inside quotes or comments is taken for a word or a name. "::" is no name.
std::vector<SqlToken> scan_sql(std::string_view sql);

/// Upper-case ASCII, for comparing words.
std::string upper(std::string_view word);

/// PostgreSQL's word for the kind of value a slot holds.
std::string_view postgresql_type(const Slot& slot);

/// `sql` in PostgreSQL's words, without comments, each parameter cast to the type of its slot. `names` gets
/// the parameters in the order in which they first appear. `db.sql` when these are more or fewer than the
/// slots.
Result<std::string> postgresql_statement_text(std::string_view sql, const std::vector<Slot>& parameters,
                                              std::vector<std::string>& names);

} // namespace mudi::db
