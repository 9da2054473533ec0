#!/usr/bin/env python3
"""Checks the rules of the source tree that no compiler knows: which folder may include which, which
library may link which, and that nothing is left out of the build. Prints one line for each offence;
exits 1 when there is any."""

import argparse
import re
import sys
from pathlib import Path

# Lowest first: a folder of src/ includes only itself and folders before it in this list, and its
# libraries link only libraries of such folders. Sub-folders are ranked for themselves.
RANKS = """base tensor record image graph graph/zoo engine engine/torch wire net link bundle
attest attest/dcap attest/tpm attest/snp attest/azure attest/simulated attest/verify attest/produce
profile data train audit audit/attack audit/protocol plan trust serving tee worker client keyserver report
cli app/options app/audit app/cloisterd app/keyserver app/preprocess app/profile app/train app/worker
app app/demo""".split()

# What a folder never sees, not even through others: the parties of the protocol share no code but
# what lies below all of them, and the trusted server holds nothing that only others need.
_TEE = """worker client keyserver trust audit audit/attack audit/protocol graph graph/zoo engine/torch
attest/verify data train plan profile report image""".split()
NEVERS = {
    "tee": _TEE,
    "app/cloisterd": _TEE,
    "worker": "tee client keyserver trust audit attest".split(),
    "client": "tee worker keyserver engine/torch graph".split(),
    "keyserver": "tee worker client engine/torch graph".split(),
    "attest/produce": "attest/verify trust".split(),
}

# Public headers are the outside of this folder: those below know nothing of them.
PUBLIC_RANK = "client"

MAX_LINES = 600
EXCUSE = "Long because"  # in a file's first lines, with the reason

INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')
CONDITIONAL = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif|else|endif)\b")
REGISTRY_HOST = re.compile(
    r"(https?://\S*(npmjs|debian|ubuntu|pypi)|\b(npmjs\.|deb\.debian\.|debian\.org|pypi\.org))"
)
SCRIPT_NAMES = re.compile(r"(CMakeLists\.txt|.*\.(sh|py|cmake|mk|yml|yaml)|Dockerfile.*)$")
# Tests that are not of one file: whole programs, helpers of tests, and data or peers from outside
# that go through everything below them.
UNMIRRORED = ("e2e", "support", "attest/mutation_test.cpp", "attest/vectors_test.cpp",
              "engine/onnx_backend_test.cpp", "engine/random_graphs_test.cpp",
              "engine/real_models_test.cpp", "engine/torch/onnx_backend_test.cpp",
              "graph/wild_test.cpp", "report/browser_test.cpp",
              "serving/hostile_request_test.cpp", "tee/golden_test.cpp",
              "tee/hostile_worker_test.cpp", "tee/stand_in_test.cpp")


def lines_of(path):
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def sources(folder, *patterns):
    return sorted(path for pattern in patterns for path in folder.rglob(pattern))


class Checker:
    def __init__(self, root):
        self.root = root
        self.offences = []
        self.sees = {}  # file -> file that it includes -> line

    def complain(self, path, line, message):
        place = str(path.relative_to(self.root)) + (f":{line}" if line else "")
        self.offences.append(f"{place}: {message}")

    def check_source(self, path):
        """Rules for one file of src/."""
        folder = path.parent.relative_to(self.root / "src").as_posix()
        if folder not in RANKS:
            self.complain(path, 0, f"folder '{folder}' has no rank in tools/check_ranks.py")
            return
        for number, include in self.check_text(path):
            self.check_include(path, number, folder, include[1], include[2])

    def check_public(self, path):
        """Rules for one file of include/, which has to stand alone wherever it is installed."""
        for number, include in self.check_text(path):
            if include[1] == '"' or not re.fullmatch(r"[a-z_]+", include[2]):
                self.complain(path, number, f"'{include[2]}': the standard library only")

    def check_text(self, path):
        """Rules for any source file; gives its includes with their lines."""
        lines = lines_of(path)
        if path.suffix == ".h" and "#pragma once" not in lines:
            self.complain(path, 0, "no '#pragma once'")
        if len(lines) > MAX_LINES and not any(EXCUSE in line for line in lines[:10]):
            self.complain(path, 0, f"{len(lines)} lines: split it, or say '{EXCUSE} ...' at its top")
        includes = []
        for number, line in enumerate(lines, 1):
            if conditional := CONDITIONAL.match(line):
                self.complain(path, number, f"'#{conditional[1]}': let CMake pick files instead")
            if include := INCLUDE.match(line):
                includes.append((number, include))
        return includes

    def check_include(self, path, number, folder, quote, target):
        parts = target.split("/")
        if ".." in parts or "." in parts:
            self.complain(path, number, f"'{target}': name the file from src/")
        elif quote == "<":
            if (self.root / "src" / target).exists():
                self.complain(path, number, f"<{target}>: write Cloister's own files in quotes")
            elif (self.root / "include" / target).exists():
                if RANKS.index(folder) < RANKS.index(PUBLIC_RANK):
                    self.complain(path, number, f"{folder} may not include <{target}>: it ranks higher")
        elif "/".join(parts[:-1]) not in RANKS:
            self.complain(path, number, f'"{target}": quotes are for "folder/file.h" of src/')
        else:
            name = path.relative_to(self.root / "src").as_posix()
            self.sees.setdefault(name, {}).setdefault(target, number)
            other = "/".join(parts[:-1])
            if RANKS.index(other) > RANKS.index(folder):
                self.complain(path, number, f"{folder} may not include {other}: it ranks higher")

    def check_nevers(self):
        """What a folder's files reach over any chain of headers, and of the files that implement them."""
        for folder, nevers in NEVERS.items():
            todo = [f for f in self.sees if f.rpartition("/")[0] == folder]
            reached, complained = set(todo), set()
            while todo:
                name = todo.pop()
                for seen, number in self.sees.get(name, {}).items():
                    other = seen.rpartition("/")[0]
                    if other in nevers and other not in complained:
                        complained.add(other)
                        path = self.root / "src" / name
                        self.complain(path, number, f"{folder} must never see {other}, and reaches it here")
                    new = {seen, seen.removesuffix(".h") + ".cpp"} - reached
                    reached |= new
                    todo += new

    def check_libraries(self):
        """A library links only libraries of folders that its own folders may include."""
        folders, links = {}, {}
        for build in sources(self.root / "src", "CMakeLists.txt"):
            text = "\n".join(line.split("#")[0] for line in lines_of(build))
            top = build.parent.relative_to(self.root / "src").as_posix()
            for call in re.finditer(r"cloister(_shared)?_library\((\w+)([^)]*)\)", text):
                words = call[3].split()
                if "SOURCES" not in words:
                    continue
                end = words.index("LINKS") if "LINKS" in words else len(words)
                parents = {(Path(top) / word).parent.as_posix() for word in words[:end] if "." in word}
                folders[call[2]] = folders.get(call[2], set()) | parents
                links.setdefault(call[2], (build, []))[1].extend(words[end + 1 :])
        for name, (build, linked) in links.items():
            rank = max((RANKS.index(f) for f in folders[name] if f in RANKS), default=0)
            for other in (word.removeprefix("cloister_") for word in linked if "cloister_" in word):
                if other not in folders:
                    self.complain(build, 0, f"cloister_{name} links cloister_{other}, of no folder")
                elif min(RANKS.index(f) for f in folders[other] if f in RANKS) > rank:
                    self.complain(build, 0, f"cloister_{name} may not link cloister_{other}: it ranks higher")

    def check_registered(self, folder, *patterns):
        """Every matching file of a top folder is named in that folder's CMakeLists.txt."""
        top = self.root / folder
        if not (top / "CMakeLists.txt").exists():
            return
        build = "\n".join(line.split("#")[0] for line in lines_of(top / "CMakeLists.txt"))
        words = set(re.findall(r"[\w./-]+", build))
        # cloister_test(FOLDER SOURCES a_test.cpp ...) names tests/FOLDER/a_test.cpp.
        for call in re.finditer(r"\w+_test\s*\(\s*([\w./-]+)([^)]*)\)", build):
            words.update(f"{call[1]}/{word}" for word in call[2].split())
        # cloister_fuzz(NAME ...) names fuzz/NAME_fuzz.cpp.
        words.update(f"{name}_fuzz" for name in re.findall(r"cloister_fuzz\s*\(\s*(\w+)", build))
        for path in sources(top, *patterns):
            name = path.relative_to(top).as_posix()
            if not {name, name.removesuffix(path.suffix)} & words:
                self.complain(path, 0, f"not named in {folder}/CMakeLists.txt: it would never run")

    def check_mirrored(self):
        for path in sources(self.root / "tests", "*_test.cpp"):
            inner = path.relative_to(self.root / "tests").as_posix()
            if inner in UNMIRRORED or inner.split("/")[0] in UNMIRRORED:
                continue
            stem = self.root / "src" / inner.removesuffix("_test.cpp")
            if not any(stem.with_name(stem.name + end).exists() for end in (".h", ".cpp")):
                self.complain(path, 0, f"tests nothing: there is no {stem.relative_to(self.root)}.h")

    def check_scripts(self):
        """Mirrors come from the machine's configuration, never from a script."""
        folders = ("tools", ".ci", "cmake", "deploy", "src", "tests", "bench", "fuzz")
        found = [path for path in self.root.iterdir() if path.is_file()]
        for folder in folders:
            found += sources(self.root / folder, "*")
        for path in sorted(found):
            if not path.is_file() or not (SCRIPT_NAMES.match(path.name) or is_script(path)):
                continue
            for number, line in enumerate(lines_of(path), 1):
                if host := REGISTRY_HOST.search(line):
                    self.complain(path, number, f"names a package host: '{host[0]}'")

    def check(self):
        for path in sources(self.root / "src", "*.h", "*.cpp"):
            self.check_source(path)
        self.check_nevers()
        self.check_libraries()
        for path in sources(self.root / "include", "*"):
            if path.is_file():
                self.check_public(path)
        self.check_registered("tests", "*_test.cpp", "*_test.py")
        self.check_registered("bench", "*.cpp")
        self.check_registered("fuzz", "*_fuzz.cpp")
        self.check_mirrored()
        self.check_scripts()
        return self.offences


def is_script(path):
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    offences = Checker(parser.parse_args().root.resolve()).check()
    for offence in offences:
        print(offence, file=sys.stderr)
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
