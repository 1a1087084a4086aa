"""Writes files into a C++ source as string views: embed_files.py NAMESPACE NAME OUT FILE..."""
import pathlib
import sys

namespace, name, out, *files = sys.argv[1:]
parts = []
lines = []
for index, path in enumerate(sorted(map(pathlib.Path, files))):
    data = path.read_bytes()
    # Octal escapes survive every byte; pieces keep within the compiler's limit for one literal.
    chunks = [data[i:i + 8000] for i in range(0, len(data), 8000)] or [b""]
    text = "\n".join('"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in chunk) + '"'
                     for chunk in chunks)
    parts.append(f"constexpr char file_{index}[] =\n{text};")
    lines.append(f'  if (file_name == "{path.name}") return {{file_{index}, sizeof file_{index} - 1}};')
pathlib.Path(out).write_text(
    "#include <string_view>\n"
    f"namespace {namespace} {{\nnamespace {{\n" + "\n".join(parts) + "\n}\n"
    f"std::string_view {name}(std::string_view file_name);\n"
    f"std::string_view {name}(std::string_view file_name) {{\n" + "\n".join(lines) +
    "\n  return {};\n}\n}\n", encoding="utf-8")
