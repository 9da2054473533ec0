#!/usr/bin/env python3
"""Runs clang-tidy-16 over every .cpp file of src/, or those that changed, on all cores. A file that
passed is remembered until it, a header of src/, .clang-tidy or its compile command changes."""

import argparse
import concurrent.futures
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

TIDY = "clang-tidy-16"
MOST_CHANGED = 25  # files that an ordinary run looks at


def digest(*parts):
    hash_ = hashlib.sha256()
    for part in parts:
        hash_.update(hashlib.sha256(part).digest())
    return hash_.hexdigest()


def configure(root, build):
    done = subprocess.run(
        ["cmake", "--preset", "tidy", "-B", str(build)],
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
        sys.exit(1)


def tidy(path, build, stamp):
    """None when the file passes, otherwise what clang-tidy says."""
    done = subprocess.run(
        [TIDY, "--quiet", "-p", str(build), str(path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    if done.returncode == 0:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()
        return None
    return done.stdout or done.stderr


def git(root, *arguments):
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True)
    return done.stdout.split("\n") if done.returncode == 0 else []


def files_since(root, base):
    """.cpp files of src/ that differ from `base`, or whose header does."""
    names = git(root, "diff", "--name-only", "--find-renames", "--diff-filter=d", base, "--", "src")
    names += git(root, "ls-files", "--others", "--exclude-standard", "--", "src")
    found = {(root / name).with_suffix(".cpp").resolve() for name in names if name}
    return {path for path in found if path.exists()}


def changed_files(root, base):
    """Files since `base`. Without one: since this branch left origin/main, or over as many of the last
    five commits as do not come to more than an ordinary run looks at."""
    if base:
        return files_since(root, base)
    head = git(root, "rev-parse", "HEAD")
    fork = next(iter(git(root, "merge-base", "HEAD", "origin/main")), "")
    bases = [fork] if fork and fork != head[0] else []
    bases += [f"HEAD~{commits}" for commits in range(5, 0, -1)]
    for since in bases:
        files = files_since(root, since)
        if len(files) <= MOST_CHANGED:
            return files
        print(f"{len(files)} files changed since {since}: too many here, "
              "`tools/check tidy-all` looks at all")  # fmt: skip
    return sorted(files)[:MOST_CHANGED]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changed", action="store_true", help="only files that changed")
    parser.add_argument("--base", default="", help="with --changed: since this commit (default: "
                        "where the branch left origin/main, or five commits ago)")  # fmt: skip
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--build", type=Path, help="folder of compile_commands.json; without it, "
                        "preset tidy is configured in build/tidy")  # fmt: skip
    jobs = int(os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", 0)) or len(os.sched_getaffinity(0))
    parser.add_argument("--jobs", type=int, default=jobs)
    args = parser.parse_args()
    root = args.root.resolve()
    build = (args.build or root / "build" / "tidy").resolve()
    if not args.build:
        configure(root, build)

    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        commands[(Path(entry["directory"]) / entry["file"]).resolve()] = entry
    files = sorted((root / "src").rglob("*.cpp"))
    if args.changed:
        changed = changed_files(root, args.base)
        files = [path for path in files if path in changed]
    headers = sorted((root / "src").rglob("*.h"))
    version = subprocess.run([TIDY, "--version"], check=True, capture_output=True).stdout
    common = digest(
        version, (root / ".clang-tidy").read_bytes(), *(h.read_bytes() for h in headers)
    )

    stamps = build / "passed"
    todo, keep = {}, set()
    for path in files:
        if path not in commands:
            # The twin of a file that this configuration builds, such as no_torch.cpp.
            print(f"{path.relative_to(root)}: skipped, not built in this configuration")
            continue
        command = json.dumps(commands[path], sort_keys=True).encode()
        stamp = stamps / digest(common.encode(), command, path.read_bytes())
        keep.add(stamp.name)
        if not stamp.exists():
            todo[path] = stamp
    for old in stamps.glob("*"):
        if not args.changed and old.name not in keep:
            old.unlink()

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        running = {pool.submit(tidy, path, build, stamp): path for path, stamp in todo.items()}
        for done in concurrent.futures.as_completed(running):
            if complaint := done.result():
                failed += 1
                print(f"{running[done].relative_to(root)}:\n{complaint}", file=sys.stderr)
    print(f"{len(todo)} files checked, {failed} failed; {len(keep) - len(todo)} had passed before")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
