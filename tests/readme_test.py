#!/usr/bin/env python3
"""README.md and HACKING.md must stay true: their commands run, the files that they name exist."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
BIN = REPO / "build/release/bin"  # --bin
PAGES = ("README.md", "HACKING.md")
# What only the build makes is looked up by name in CMake's files.
BUILT = "build/release/bin/"


def text_of(page):
    return (REPO / page).read_text()


def blocks(page, info):
    """The fenced blocks with this info string, each as its commands."""
    found = re.findall(rf"^```{re.escape(info)}\n(.*?)^```$", text_of(page), re.M | re.S)
    return [[line for line in block.splitlines() if line.strip()] for block in found]


def paths(page):
    """Files of the repository that are named in backticks; globs and NAME stand for any."""
    spans = re.findall(r"`([^`\n]+)`", text_of(page))
    words = [word for span in spans for word in span.split()]
    prefixes = ("docs/", "tools/", "src/", "tests/", "fuzz/", "bench/", "graph/", "app/", "engine/", BUILT)
    return sorted({word.rstrip(".,:;") for word in words if word.startswith(prefixes)})


def cmake_targets():
    """Programs, also by the file names of bench/ and fuzz/, from the build's CMakeLists.txt."""
    names = set()
    for folder in ("src", "tests", "bench", "fuzz"):
        text = (REPO / folder / "CMakeLists.txt").read_text()
        names |= set(re.findall(r"(?:add_executable|cloister_\w+)\(\s*([\w-]+)", text))
    return names


def exists(path):
    if path.startswith(BUILT):
        name = path.removeprefix(BUILT)
        return name == "" or name in cmake_targets()
    # `graph/model.cpp` in HACKING.md is below src/.
    pattern = re.sub(r"NAME|COMMAND", "*", path)
    return any(any(root.glob(pattern)) for root in (REPO, REPO / "src"))


class Readme(unittest.TestCase):
    def test_commands_run(self):
        commands = [line for block in blocks("README.md", "sh run") for line in block]
        self.assertGreater(len(commands), 0)
        environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
        with tempfile.TemporaryDirectory() as folder:
            for command in commands:
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment,
                    stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=500,
                )  # fmt: skip
                self.assertEqual(done.returncode, 0, f"{command}\n{done.stderr}")

    def test_scripts_exist(self):
        for block in blocks("README.md", "sh"):
            for command in block:
                script = REPO / command.split()[0]
                self.assertTrue(script.is_file(), f"README.md: no {command}")
                self.assertTrue(os.access(script, os.X_OK), f"README.md: {command} is not executable")

    def test_every_shell_block_is_checked(self):
        kinds = set(re.findall(r"^```(\w.*)$", text_of("README.md"), re.M))
        self.assertLessEqual(kinds, {"sh", "sh run"})

    def test_paths_exist(self):
        for page in PAGES:
            named = paths(page)
            self.assertGreater(len(named), 0, page)
            for path in named:
                self.assertTrue(exists(path), f"{page} names {path}, which does not exist")

    def test_commands_exist(self):
        text = subprocess.run([BIN / "cloister", "--help"], check=True, capture_output=True, text=True)
        known = set(re.findall(r"^  ([a-z]\w*) ", text.stdout, re.M))
        self.assertIn("inspect", known)
        for page in PAGES:
            # In blocks and in backticks; "Cloister is" in the prose is no command.
            named = set(re.findall(r"(?:^|`)cloister ([a-z]\w*)", text_of(page), re.M))
            self.assertLessEqual(named, known, page)


class Harness(unittest.TestCase):
    """The look-ups above must fail on purpose."""

    def test_missing_things_are_noticed(self):
        for path in ("docs/none.md", "tools/none", "src/none/", BUILT + "none", "app/none.cpp"):
            self.assertFalse(exists(path), path)
        for path in ("docs/zoo.md", "graph/model.cpp", "docs/formats/", BUILT, BUILT + "split_bench"):
            self.assertTrue(exists(path), path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, default=BIN)
    known, rest = parser.parse_known_args()
    BIN = known.bin.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
