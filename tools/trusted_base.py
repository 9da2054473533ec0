#!/usr/bin/env python3
"""Lists what cloisterd is made of, from the build's own data: every source file that is linked into
it and every header that these read, by folder, with their lines, and the shared libraries that it
asks for. Compares that with docs/trusted-base.txt, so that a change of the trusted base is seen in
review; --update writes the list instead."""

import argparse
import difflib
import subprocess
import sys
from pathlib import Path

PROGRAM = "cloisterd"


def ninja(build, *arguments):
    done = subprocess.run(
        ["ninja", "-C", str(build), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


def files_of(root, build):
    """Paths below src/ of all that goes into the program."""
    inputs = [line.strip() for line in ninja(build, "-t", "inputs", f"bin/{PROGRAM}")]
    objects = {line for line in inputs if line.endswith(".o")}
    found = {(build / line).resolve() for line in inputs if line.endswith(".cpp")}
    current = None
    for line in ninja(build, "-t", "deps"):
        if not line.startswith(" "):
            current = line.split(": #deps")[0]
        elif current in objects:
            found.add((build / line.strip()).resolve())
    source = root / "src"
    return sorted(path.relative_to(source) for path in found if path.is_relative_to(source))


def count(path):
    """Lines of a file, and those that are neither empty nor only a comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if line.strip() and not line.strip().startswith("//")]
    return len(lines), len(code)


def table(root, files, libraries):
    folders = {}
    for path in files:
        folders.setdefault(path.parent.as_posix(), []).append((path.name, *count(root / "src" / path)))
    rows = [(f, len(c), sum(x[1] for x in c), sum(x[2] for x in c)) for f, c in folders.items()]
    total = ("total", *(sum(row[i] for row in rows) for i in (1, 2, 3)))
    out = [f"# What {PROGRAM} is made of; tools/trusted_base.py --update writes this.",
           "# Code: lines that are neither empty nor only a comment.", "",
           f"{'folder':<24}{'files':>6}{'lines':>8}{'code':>8}"]  # fmt: skip
    out += [f"{name:<24}{n:>6}{lines:>8}{code:>8}" for name, n, lines, code in [*rows, total]]
    out += ["", "shared libraries", *(f"  {library}" for library in libraries)]
    for folder, contents in folders.items():
        out += ["", f"src/{folder}"]
        out += [f"  {name:<30}{lines:>6}{code:>6}" for name, lines, code in contents]
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build/release"))
    parser.add_argument("--update", action="store_true", help="write the list instead")
    args = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    build = (root / args.build).resolve()
    committed = root / "docs" / "trusted-base.txt"
    if not (build / "bin" / PROGRAM).exists():
        print(f"{PROGRAM}: skipped, it is not built in {build}")
        return 0
    links = (root / "tools" / "links" / f"{PROGRAM}.txt").read_text().splitlines()
    libraries = [line for line in links if line and not line.startswith("#")]
    made = table(root, files_of(root, build), libraries)
    if args.update:
        committed.write_text(made)
        return 0
    old = committed.read_text() if committed.exists() else ""
    if made == old:
        return 0
    diff = difflib.unified_diff(
        old.splitlines(), made.splitlines(), "committed", "built", lineterm="", n=0
    )
    print("\n".join(diff), file=sys.stderr)
    print("the trusted base has changed: review, then tools/trusted_base.py --update", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
