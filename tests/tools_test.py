#!/usr/bin/env python3
"""The checkers of tools/ must fail on purpose: each rule is broken in a small tree of its own."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
TOOLS = REPO / "tools"

# A tree that breaks no rule; each test changes one file of it.
GOOD = {
    "src/base/error.h": "#pragma once\n",
    "src/base/error.cpp": '#include "base/error.h"\n#include <vector>\n',
    "src/graph/model.h": '#pragma once\n#include "base/error.h"\n',
    "src/client/library.cpp": "#include <cloister/client.h>\n",
    "include/cloister/client.h": "#pragma once\n#include <string_view>\n",
    "tests/CMakeLists.txt": "cloister_test(base\n  SOURCES error_test.cpp\n  LINKS cloister_base)\n"
    "cloister_test(e2e SOURCES demo_test.cpp)\nadd_test(tools_test tools_test.py)\n",
    "tests/base/error_test.cpp": "",
    "tests/e2e/demo_test.cpp": "",
    "tests/tools_test.py": "",
    "bench/CMakeLists.txt": "add_executable(run_bench run_bench.cpp)\n",
    "bench/run_bench.cpp": "",
    "fuzz/CMakeLists.txt": "cloister_fuzz(model_fuzz)\n",
    "fuzz/model_fuzz.cpp": "",
    "tools/setup": "#!/usr/bin/env bash\ntrue\n",
}


class TreeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def write(self, files):
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def run_tool(self, name, *arguments):
        """Exit status, and stdout and stderr together."""
        done = subprocess.run(
            [str(TOOLS / name), *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        return done.returncode, done.stdout


class Ranks(TreeTest):
    def check(self, changed=None):
        self.write(GOOD | (changed or {}))
        return self.run_tool("check_ranks.py", "--root", self.root)

    def refuses(self, name, text, complaint):
        status, output = self.check({name: text})
        self.assertEqual(status, 1, output)
        self.assertEqual(output.count("\n"), 1, output)
        self.assertTrue(output.startswith(name), output)
        self.assertIn(complaint, output)

    def test_good_tree_passes(self):
        self.assertEqual(self.check(), (0, ""))

    def test_higher_rank(self):
        self.refuses("src/base/error.cpp", '#include "graph/model.h"\n', "may not include graph")

    def test_sub_folders_are_ranked(self):
        self.write(GOOD | {"src/attest/snp/a.h": "#pragma once\n"})
        self.refuses("src/attest/a.cpp", '#include "attest/snp/a.h"\n', "may not include attest/snp")
        (self.root / "src/attest/a.cpp").unlink()
        self.refuses("src/engine/a.cpp", '#include "engine/torch/a.h"\n', "may not include engine")
        (self.root / "src/engine/a.cpp").unlink()
        self.refuses("src/attest/new/a.h", "#pragma once\n", "no rank")

    def test_what_a_party_never_sees(self):
        self.write({"src/serving/a.h": "#pragma once\n",
                    "src/serving/a.cpp": '#include "trust/policy.h"\n',
                    "src/trust/policy.h": "#pragma once\n"})  # fmt: skip
        # Over a header and the file that implements it.
        status, output = self.check({"src/tee/a.cpp": '#include "serving/a.h"\n'})
        self.assertEqual(status, 1, output)
        self.assertIn("src/serving/a.cpp:1: tee must never see trust", output)

    def test_libraries_are_ranked(self):
        library = "cloister_library({}\n  SOURCES a.cpp\n  LINKS {})\n"
        good = {"src/base/CMakeLists.txt": library.format("base", "fmt::fmt"),
                "src/net/CMakeLists.txt": library.format("net", "cloister_base")}  # fmt: skip
        self.assertEqual(self.check(good), (0, ""))
        self.refuses("src/base/CMakeLists.txt", library.format("base", "cloister_net"),
                     "cloister_base may not link cloister_net")  # fmt: skip
        self.refuses("src/base/CMakeLists.txt", library.format("base", "cloister_none"),
                     "links cloister_none, of no folder")  # fmt: skip

    def test_image_lies_between_tensor_and_graph(self):
        self.assertEqual(self.check({"src/image/a.cpp": '#include "tensor/t.h"\n'})[0], 0)
        self.refuses("src/image/a.cpp", '#include "graph/model.h"\n', "may not include graph")

    def test_angle_brackets_do_not_hide_an_include(self):
        self.refuses("src/base/error.cpp", "#include <graph/model.h>\n", "in quotes")

    def test_parent_folder(self):
        self.refuses("src/base/error.cpp", '#include "../graph/model.h"\n', "name the file from")
        self.refuses("src/base/error.cpp", '#include "base/../graph/m.h"\n', "name the file from")

    def test_bare_name(self):
        self.refuses("src/base/error.cpp", '#include "error.h"\n', "quotes are for")

    def test_unknown_folder(self):
        self.refuses("src/util/a.h", "#pragma once\n", "no rank")

    def test_long_file(self):
        self.refuses("src/base/error.cpp", "\n" * 601, "601 lines")
        excused = "// Long because it is a table.\n" + "\n" * 600
        self.assertEqual(self.check({"src/base/error.cpp": excused})[0], 0)

    def test_conditionals(self):
        self.refuses("src/base/error.cpp", "# ifdef CUDA\n", "'#ifdef'")

    def test_header_without_pragma_once(self):
        self.refuses("src/graph/model.h", "\n", "#pragma once")

    def test_public_header(self):
        name = "include/cloister/client.h"
        self.refuses(name, '#pragma once\n#include "base/error.h"\n', "standard library only")
        self.refuses(name, "#pragma once\n#include <fmt/format.h>\n", "standard library only")
        self.refuses(name, "#pragma once\n#ifdef GPU\n", "'#ifdef'")
        self.refuses(name, "\n", "#pragma once")
        self.write(GOOD)
        self.refuses("src/graph/model.cpp", "#include <cloister/client.h>\n", "may not include <cl")

    def test_unregistered_files(self):
        self.write({"src/base/file.h": "#pragma once\n", "src/graph/error.h": "#pragma once\n"})
        self.refuses("tests/base/file_test.cpp", "", "never run")
        (self.root / "tests/base/file_test.cpp").unlink()
        # Registered under another folder is not registered here.
        self.refuses("tests/graph/error_test.cpp", "", "never run")
        (self.root / "tests/graph/error_test.cpp").unlink()
        self.refuses("tests/other_test.py", "", "never run")
        (self.root / "tests/other_test.py").unlink()
        self.refuses("bench/cut_bench.cpp", "", "never run")
        (self.root / "bench/cut_bench.cpp").unlink()
        self.refuses("fuzz/npy_fuzz.cpp", "", "never run")

    def test_commented_out_registration(self):
        status, output = self.check({"fuzz/CMakeLists.txt": "# cloister_fuzz(model_fuzz)\n"})
        self.assertEqual(status, 1)
        self.assertIn("fuzz/model_fuzz.cpp", output)

    def test_test_of_nothing(self):
        registered = "cloister_test(base SOURCES error_test.cpp gone_test.cpp)\n"
        rest = GOOD["tests/CMakeLists.txt"].split(")\n", 1)[1]
        self.write(GOOD)
        status, output = self.check(
            {"tests/CMakeLists.txt": registered + rest, "tests/base/gone_test.cpp": ""}
        )
        self.assertEqual(status, 1)
        self.assertIn("there is no src/base/gone.h", output)

    def test_package_host_in_a_script(self):
        for host in ("https://registry.npm" + "js.org", "http://ftp.debi" + "an.org/debian"):
            self.refuses("tools/setup", f"#!/bin/bash\ncurl {host}/x\n", "names a package host")


class Links(TreeTest):
    def test_hardening(self):
        binary, allowed = Path(sys.executable).resolve(), self.root / "allowed.txt"
        self.run_tool("check_links.py", "--update", binary, allowed)
        status, output = self.run_tool("check_links.py", "--hardened", binary, allowed)
        # No other program has our assertions.
        self.assertEqual(status, 1, output)
        self.assertIn("built without _GLIBCXX_ASSERTIONS", output)

    def test_added_missing_and_updated(self):
        allowed, binary = self.root / "links" / "python.txt", sys.executable
        status, output = self.run_tool("check_links.py", binary, allowed)
        self.assertEqual(status, 0)
        self.assertIn("skipped", output)
        self.assertEqual(self.run_tool("check_links.py", "--update", binary, allowed), (0, ""))
        self.assertEqual(self.run_tool("check_links.py", binary, allowed), (0, ""))
        good = allowed.read_text()
        self.assertIn("libc.so\n", good)

        allowed.write_text(good.replace("libc.so\n", ""))
        status, output = self.run_tool("check_links.py", binary, allowed)
        self.assertEqual(status, 1)
        self.assertIn("links libc.so, which", output)
        allowed.write_text(good + "libtorch.so  # not any more\n")
        status, output = self.run_tool("check_links.py", binary, allowed)
        self.assertEqual(status, 1)
        self.assertIn("no longer links libtorch.so", output)


class Scripts(TreeTest):
    def check(self, files):
        subprocess.run(["git", "init", "-q", str(self.root)], check=True)
        self.write(files)
        return self.run_tool("check_scripts", "--root", self.root)[0]

    def test_syntax(self):
        self.assertEqual(self.check({"a": "#!/usr/bin/env bash\ntrue\n", "b": "if then\n"}), 0)
        self.assertEqual(self.check({"a": "#!/usr/bin/env bash\nif then\n"}), 1)
        self.assertEqual(self.check({"a": "#!/usr/bin/env python3\ndef f(:\n"}), 1)


@unittest.skipUnless(shutil.which("clang-format-16"), "clang-format-16 is not installed")
class Format(TreeTest):
    def test_layout(self):
        subprocess.run(["git", "init", "-q", str(self.root)], check=True)
        self.write({".clang-format": (REPO / ".clang-format").read_text(), "a.h": "int a;\n"})
        self.assertEqual(self.run_tool("check_format", "--root", self.root), (0, ""))
        self.write({"a.h": "int  a ;\n"})
        status, output = self.run_tool("check_format", "--root", self.root)
        self.assertNotEqual(status, 0)
        self.assertIn("a.h:1", output)
        self.assertEqual(self.run_tool("check_format", "--fix", "--root", self.root)[0], 0)
        self.assertEqual((self.root / "a.h").read_text(), "int a;\n")


@unittest.skipUnless(shutil.which("clang-tidy-16"), "clang-tidy-16 is not installed")
class Tidy(TreeTest):
    def check(self, source, header):
        self.write({
            ".clang-tidy": (REPO / ".clang-tidy").read_text(),
            "src/base/a.cpp": source,
            "src/base/a.h": header,
            "build/compile_commands.json": f'[{{"directory": "{self.root}", '
            f'"file": "src/base/a.cpp", "command": "clang++-16 -I{self.root}/src -c src/base/a.cpp"}}]',
        })  # fmt: skip
        return self.run_tool(
            "check_tidy.py", "--root", self.root, "--build", self.root / "build", "--jobs", 1
        )

    def test_names_headers_and_memory(self):
        source, header = '#include "base/a.h"\n', "inline int f() { return 1; }\n"
        self.assertEqual(self.check(source, header)[0], 0)
        self.assertIn("0 files checked", self.check(source, header)[1])
        # A header counts as much as the file, and a failure is never remembered.
        for _ in range(2):
            status, output = self.check(source, "struct bad {};\n")
            self.assertEqual(status, 1, output)
            self.assertIn("invalid case style for struct 'bad'", output)
        broken = {
            "class A {\n  int a = 0;\n};\n": "private member 'a'",
            "enum class E { red };\n": "enum constant 'red'",
            "constexpr int limit = 1;\n": "constexpr variable 'limit'",
            "int GetIt() { return 1; }\n": "function 'GetIt'",
        }
        status, output = self.check(source + "".join(broken), header)
        self.assertEqual(status, 1)
        for complaint in broken.values():
            self.assertIn(complaint, output)


if __name__ == "__main__":
    unittest.main()
