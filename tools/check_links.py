#!/usr/bin/env python3
"""Compares the shared libraries that a program asks for with a committed list, so that a new
dependency is seen in review, and with --hardened asserts how it was built. Versions and the loader are
left out: they differ between systems."""

import argparse
import re
import subprocess
import sys
from pathlib import Path


def needed(binary):
    """Names of the NEEDED entries of an ELF file, as 'libcrypto.so'."""
    dump = subprocess.run(
        ["readelf", "--dynamic", "--wide", str(binary)], check=True, capture_output=True, text=True
    ).stdout
    names = re.findall(r"\(NEEDED\).*\[(.+?)\]", dump)
    return sorted({re.sub(r"\.so[.\d]*$", ".so", n) for n in names if not n.startswith("ld-")})


def readelf(binary, *options):
    return subprocess.run(
        ["readelf", "--wide", *options, str(binary)], check=True, capture_output=True, text=True
    ).stdout


def unhardened(binary):
    """What an ELF file lacks of the hardening that cmake/CloisterTargets.cmake asks for."""
    headers = readelf(binary, "--file-header", "--program-headers")
    dynamic = readelf(binary, "--dynamic")
    symbols = readelf(binary, "--dyn-syms")
    stack = re.search(r"GNU_STACK.*", headers)
    lacks = {
        "PIE (a position-independent program)": re.search(r"Type:\s+DYN", headers),
        "relro": "GNU_RELRO" in headers,
        "binding at start (-z now)": re.search(r"BIND_NOW|FLAGS.*\bNOW\b", dynamic),
        "a stack that is not executable": stack and "E" not in stack[0].split("GNU_STACK")[1],
        "stack protector": "__stack_chk_fail" in symbols,
        "_FORTIFY_SOURCE": re.search(r"__(memcpy|memmove|memset|read|snprintf|strn?cpy)_chk", symbols),
        "_GLIBCXX_ASSERTIONS": "__glibcxx_assert_fail" in symbols,
    }
    return [name for name, has in lacks.items() if not has]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=Path)
    parser.add_argument("list", type=Path, help="one library a line; '#' starts a comment")
    parser.add_argument("--update", action="store_true", help="write the list instead")
    parser.add_argument("--hardened", action="store_true", help="assert the hardening, too")
    args = parser.parse_args()

    name = args.binary.name
    if not args.update and not args.list.exists():
        print(f"{name}: skipped, it has no list {args.list}")
        return 0
    if not args.binary.exists():
        print(f"{name}: skipped, it is not built")
        return 0
    try:
        got = needed(args.binary)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{name}: readelf failed: {error}", file=sys.stderr)
        return 1
    lacking = unhardened(args.binary) if args.hardened else []
    for what in lacking:
        print(f"{name}: built without {what}", file=sys.stderr)
    if args.update:
        head = f"# Shared libraries of {name}; tools/check_links.py --update writes this.\n"
        args.list.parent.mkdir(parents=True, exist_ok=True)
        args.list.write_text(head + "".join(f"{library}\n" for library in got))
        return 0
    lines = (line.split("#")[0].strip() for line in args.list.read_text().splitlines())
    want = {line for line in lines if line}
    for library in sorted(set(got) - want):
        print(f"{name}: links {library}, which {args.list} does not allow", file=sys.stderr)
    for library in sorted(want - set(got)):
        print(f"{name}: no longer links {library}: update {args.list}", file=sys.stderr)
    return 0 if set(got) == want and not lacking else 1


if __name__ == "__main__":
    sys.exit(main())
