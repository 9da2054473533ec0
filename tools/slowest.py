#!/usr/bin/env python3
"""Prints what took longest in a build folder: compilations and links (.ninja_log), and tests
(junit.xml, which `ctest --output-junit` writes). Times are elapsed seconds beside other jobs."""

import argparse
import xml.etree.ElementTree
from pathlib import Path


def built(build):
    """(seconds, output) of everything that the build has made, each the last time it was."""
    made = {}
    for line in (build / ".ninja_log").read_text().splitlines()[1:]:
        start, end, _, output, *_ = line.split("\t")
        made[output] = ((int(end) - int(start)) / 1000, output)
    return sorted(made.values(), reverse=True)


def tested(build):
    root = xml.etree.ElementTree.parse(build / "junit.xml").getroot()
    times = ((float(case.get("time", 0)), case.get("name")) for case in root.iter("testcase"))
    return sorted(times, reverse=True)


def show(what, rows, most):
    print(f"{what}: {len(rows)}, {sum(time for time, _ in rows):.0f} s in all; the slowest:")
    for time, name in rows[:most]:
        print(f"{time:8.1f} s  {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--most", type=int, default=15, metavar="N", help="rows of each (15)")
    args = parser.parse_args()
    if (args.build / ".ninja_log").exists():
        show("built", built(args.build), args.most)
    if (args.build / "junit.xml").exists():
        show("tests", tested(args.build), args.most)


if __name__ == "__main__":
    main()
