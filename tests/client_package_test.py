#!/usr/bin/env python3
"""The client library as its users get it: installed, found by CMake and pkg-config, linked with a
program of theirs that knows nothing of the source tree, and asked against a running cloisterd."""

import argparse
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
EXAMPLE = REPO / "examples" / "client"
OPTIONS = argparse.Namespace()


def run(*command, want=0, **more):
    """stdout and stderr of a command that has to end with `want`."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=300, **more
    )
    if done.returncode != want:
        raise AssertionError(f"{command}: {done.returncode}, want {want}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="cloister-package-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.root = Path(cls.folder.name)
        # Moved once it is there, since whoever unpacks an archive does that.
        for component in ("client", "client-development"):
            run("cmake", "--install", OPTIONS.build, "--prefix", cls.root / "at-first",
                "--component", component)  # fmt: skip
        cls.prefix = cls.root / "prefix"
        (cls.root / "at-first").rename(cls.prefix)
        (cls.library,) = cls.prefix.glob("lib*/**/libcloister-client.so")

    def package_config(self):
        (found,) = self.prefix.glob("lib*/**/cloister-client.pc")
        environment = os.environ | {"PKG_CONFIG_PATH": str(found.parent)}
        words, _ = run("pkg-config", "--cflags", "--libs", "cloister-client", env=environment)
        return words.split()

    def test_it_shows_nothing_but_the_interface(self):
        symbols, _ = run("nm", "--dynamic", "--defined-only", "--demangle", self.library)
        names = [line.split(" ", 2)[2] for line in symbols.splitlines()]
        self.assertGreater(len(names), 20)
        for name in names:
            bare = name.removeprefix("typeinfo for ").removeprefix("typeinfo name for ")
            bare = bare.removeprefix("vtable for ")
            self.assertTrue(bare.startswith("cloister::client::v1::"), name)
            self.assertNotIn("Impl", name)

    def test_it_needs_what_the_list_says(self):
        links = REPO / "tools" / "links" / "libcloister-client.so.txt"
        run(sys.executable, REPO / "tools" / "check_links.py", self.library, links)
        self.assertNotIn("onnxruntime", links.read_text())

    def test_the_header_stands_alone(self):
        header = self.prefix / "include" / "cloister" / "client.h"
        for more in ([], ["-fno-exceptions", "-fno-rtti"]):
            run("c++", "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror",
                "-fsyntax-only", *more, "-include", header, "-x", "c++", os.devnull)  # fmt: skip

    def test_what_the_guide_shows_compiles(self):
        text = (REPO / "docs" / "client.md").read_text()
        snippets = re.findall(r"^```cpp\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        self.assertGreaterEqual(len(snippets), 2)
        for snippet in snippets:
            run("c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                f"-I{self.prefix / 'include'}", "-x", "c++", "-", input=snippet)  # fmt: skip

    def build_with_cmake(self):
        source = shutil.copytree(EXAMPLE, self.root / "source")
        build = self.root / "build"
        run("cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
            "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Werror")
        run("cmake", "--build", build)
        return build / "classify"

    def build_by_hand(self):
        program = self.root / "by-hand"
        run("c++", "-std=c++20", EXAMPLE / "main.cpp", "-o", program, *self.package_config(),
            f"-Wl,-rpath,{self.library.parent}")  # fmt: skip
        return program

    def start_server(self):
        run(OPTIONS.make_bundle, self.root)
        server = subprocess.Popen(
            [OPTIONS.cloisterd, "--bundle", self.root / "m.cloister", "--identity",
             self.root / "identity.txt", "--signer", self.root / "owner.pub", "--listen",
             "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

        def stop():
            server.terminate()
            server.communicate(timeout=60)

        self.addCleanup(stop)
        return f"https://127.0.0.1:{json.loads(server.stdout.readline())['port']}"

    def test_an_application_asks(self):
        url = self.start_server()
        one = self.root / "input.f32"
        one.write_bytes(struct.pack("<4f", 0.1, -0.2, 0.3, 0.4))
        owner = self.root / "owner.pub"
        tee = self.root / "tee.json"
        tee.write_text(json.dumps({"sgx": {"mr_enclaves": ["e" * 64]}}))
        answers = set()
        for program in (self.build_with_cmake(), self.build_by_hand()):
            out, err = run(program, url, owner, "simulated", one)
            self.assertIn(out, ("one\n", "two\n", "three\n"))
            self.assertEqual(err, "small version 1, evidence: simulated\n")
            answers.add(out)
            out, err = run(program, url, owner, tee, one, want=3)
            self.assertEqual(out, "")
            self.assertIn("simulated", err)
        self.assertEqual(len(answers), 1)
        one.write_bytes(b"1234")
        _, err = run(program, url, owner, "simulated", one, want=1)
        self.assertIn("invalid argument: input 'x': f32 [1,4] has 4 bytes, want 16", err)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--build", "--cloisterd", "--make-bundle"):
        parser.add_argument(name, type=Path, required=True)
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
