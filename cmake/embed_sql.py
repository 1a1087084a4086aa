"""Writes numbered SQL files into a C++ source: embed_sql.py NAMESPACE OUT FILE..."""
import pathlib
import re
import sys

namespace, out, *files = sys.argv[1:]
rows = []
for path in sorted(map(pathlib.Path, files)):
    match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)(?:\.(sqlite|postgresql))?\.sql", path.name)
    if not match:
        sys.exit(f"{path}: a migration is named NNNN_name.sql or NNNN_name.ENGINE.sql")
    number, name, engine = match.groups()
    text = path.read_text(encoding="utf-8")
    if ')sql"' in text:
        sys.exit(f'{path}: may not contain )sql"')
    rows.append(f'    {{{int(number)}, "{name}", R"sql({text})sql", "{engine or ""}"}},')
pathlib.Path(out).write_text(
    "#include <array>\n#include <span>\n#include <mudi/base/db/migrate.hpp>\n"
    f"namespace {namespace} {{\nstd::span<const mudi::db::Migration> migrations();\n"
    f"std::span<const mudi::db::Migration> migrations() {{\n"
    "  static constexpr auto all = std::to_array<mudi::db::Migration>({\n" + "\n".join(rows) +
    "\n  });\n  return all;\n}\n}\n", encoding="utf-8")
