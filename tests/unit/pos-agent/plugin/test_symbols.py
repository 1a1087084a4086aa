#!/usr/bin/env python3
"""test_symbols.py LIBRARY HEADER: what libmudi-pos.so shows and needs."""
import pathlib
import re
import subprocess
import sys
import unittest

LIBRARY, HEADER = sys.argv[1:3]


def symbols(*options):
    lines = subprocess.run(["nm", "-D", *options, LIBRARY], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[-1].split("@")[0] for line in lines if line.strip()}


class Symbols(unittest.TestCase):
    def test_it_defines_the_functions_of_the_header_and_nothing_else(self):
        text = pathlib.Path(HEADER).read_text(encoding="utf-8")
        declared = set(re.findall(r"MUDI_API [^;(]*?\b(mudi_\w+)\(", text))
        self.assertGreater(len(declared), 25)
        self.assertEqual(symbols("--defined-only"), declared)

    def test_no_symbol_of_a_library_inside_is_seen_or_wanted(self):
        every = symbols()
        foreign = [name for name in every if re.search(r"boost|sqlite|soci|nlohmann|sodium|spdlog|nng", name, re.I)]
        self.assertEqual(foreign, [])

    def test_it_takes_nothing_of_the_process_for_itself(self):
        taken = {"setlocale", "signal", "sigaction", "pthread_create", "exit", "_exit", "fork", "printf", "puts", "_ZSt4cout", "_ZSt4cerr"}
        self.assertEqual(taken & symbols("--undefined-only"), set())

    def test_the_soname_carries_the_abi(self):
        dynamic = subprocess.run(["readelf", "-d", LIBRARY], capture_output=True, text=True, check=True).stdout
        self.assertIn("[libmudi-pos.so.1]", dynamic)
        needed = re.findall(r"NEEDED.*\[(.*?)\]", dynamic)
        allowed = r"lib(stdc\+\+|m|gcc_s|c|asan|ubsan|tsan)\.so\.\d+|ld-linux.*"
        self.assertEqual([name for name in needed if not re.fullmatch(allowed, name)], [])


unittest.main(argv=sys.argv[:1])
