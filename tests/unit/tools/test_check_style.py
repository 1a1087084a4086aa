"""The style check finds what it is for: each case plants one breach in a small tree and expects its line."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else pathlib.Path("tools/check_style")


def run(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, str(CHECK), folder], capture_output=True, text=True)
        return done.returncode, done.stdout


class CheckStyle(unittest.TestCase):
    def breach(self, name, text, expected):
        code, out = run({name: text})
        self.assertEqual(code, 1, out)
        self.assertIn(expected, out)
        self.assertIn(name, out)

    def test_clean_tree_passes(self):
        code, out = run({"crm/a.cpp": "#include <mudi/base/money.hpp>\n\nint twice(int x) {\n    return 2 * x;\n}\n"})
        self.assertEqual((code, out.strip()), (0, "style: clean"))

    def test_till_may_not_include_server(self):
        self.breach("pos-agent/core/a.cpp", "#include <mudi/server/store.hpp>\n", "may not include server/store")

    def test_server_may_not_include_till(self):
        self.breach("server/apply/a.cpp", "#include <mudi/till/desk.hpp>\n", "may not include pos-agent/core")

    def test_rules_may_not_include_an_edge(self):
        self.breach("crm/a.cpp", "#include <mudi/base/db/statement.hpp>\n", "may not include base/db")

    def test_public_header_is_held_to_its_module(self):
        self.breach("include/mudi/crm/a.hpp", "#include <mudi/sync/event.hpp>\n", "crm may not include sync/protocol")

    def test_library_in_one_place(self):
        self.breach("server/store/a.cpp", "#include <soci/soci.h>\n", "may only be included in base/db")
        self.breach("pos-agent/api/a.cpp", "#include <nng/nng.h>\n", "may only be included in sync/transport")

    def test_pure_module_has_no_clock_or_thread(self):
        self.breach("crm/a.cpp", "auto t = std::chrono::system_clock::now();\n", "gets the time as an argument")
        self.breach("sync/protocol/a.cpp", "#include <thread>\n", "no threads")
        self.breach("pos-agent/core/a.cpp", "auto p = std::getenv(\"HOME\");\n", "no clock, environment")

    def test_long_file_line_and_function(self):
        self.breach("crm/a.cpp", "int x();\n" * 501, "file of 501 lines")
        self.breach("crm/b.cpp", "// " + "x" * 120 + "\n", "columns")
        self.breach("crm/c.cpp", "void f() {\n" + "    g();\n" * 61 + "}\n", "function of 62 lines")

    def test_unfinished_work_and_select_star(self):
        self.breach("crm/a.cpp", "// TO" + "DO later\n", "finish it")
        self.breach("server/store/sql/0001_a.sql", "SELECT * FROM x;\n", "name the columns")

    def test_global_state(self):
        self.breach("crm/a.cpp", "static int counter = 0;\n", "namespace scope")


unittest.main(verbosity=0)
