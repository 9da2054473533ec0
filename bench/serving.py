"""What serve_bench.py and chaos_bench.py share: the servers and the load generator as processes.

Not a program.
"""

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def add_common(parser, model="efficientnet_b0", cut="13%"):
    parser.add_argument("--bin", type=Path, default=ROOT / "build/release/bin", metavar="DIR",
                        help="where cloister, cloisterd, cloister-worker, serve_load are")
    parser.add_argument("--model", default=model,
                        help="a network of the zoo (random weights), or an ONNX file "
                             "(default: %(default)s)")
    parser.add_argument("--cut", default=cut,
                        help="a single-tensor cut: id, tensor or share of the MACs "
                             "(default: %(default)s)")
    parser.add_argument("--max-batch", type=int, default=8)
    parser.add_argument("--verbose", action="store_true", help="show what the servers log")


def say(text):
    print(text, file=sys.stderr, flush=True)


class Child:
    """A process with a line of JSON on its stdout when it is ready, pinned to a core if asked."""

    def __init__(self, command, core=None, verbose=False, talks=False):
        command = [str(part) for part in command]
        if core is not None:
            command = ["taskset", "-c", str(core)] + command
        self.process = subprocess.Popen(
            command, text=True, stdout=subprocess.PIPE,
            stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
            stderr=None if verbose else subprocess.DEVNULL)

    @property
    def pid(self):
        return self.process.pid

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args} ended with {self.process.wait()}")
        return json.loads(line)

    def send(self, **round_):
        self.process.stdin.write(json.dumps(round_) + "\n")
        self.process.stdin.flush()

    def ask(self, **round_):
        """One round of serve_load."""
        self.send(**round_)
        return self.read()

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self, number=signal.SIGKILL):
        """Ends it, if it is there."""
        if self.process.poll() is None:
            self.send_signal(number)
            self.send_signal(signal.SIGCONT)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()

    def used(self):
        """CPU time, the kernel's part of it, and page faults, since it began."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        user, system = int(fields[11]) * TICK_S, int(fields[12]) * TICK_S
        return {"cpu_s": user + system, "system_s": system, "faults": int(fields[7])}

    def switches(self):
        """Context switches of all threads: of their own accord, and not."""
        counts = [0, 0]
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            text = (task / "status").read_text()
            for i, name in enumerate(("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")):
                counts[i] += int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1])
        return counts


def metrics(port):
    """The metrics of a server: {name with labels: value}."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")
    return {name: float(value) for name, value in pairs}


class Bench:
    """A folder for a run, a sealed model, and the processes that are to end with it."""

    def __init__(self, options):
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="cloister-bench-"))
        self.children = []
        for name in ("cloister", "cloisterd", "cloister-worker", "serve_load"):
            if not (options.bin / name).exists():
                raise SystemExit(f"{options.bin / name} is not there: cmake --build --preset release")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in self.children:
            child.kill()
        shutil.rmtree(self.folder)

    def run(self, *command):
        done = subprocess.run([str(part) for part in command], text=True, stdout=subprocess.PIPE,
                              check=True)
        return done.stdout

    def seal(self):
        """Makes the model and its bundle; says what the cut is."""
        options = self.options
        self.model = Path(options.model)
        if not self.model.exists():
            self.model = self.folder / "model.onnx"
            self.run(options.bin / "cloister", "zoo", options.model, "-o", self.model, "--seed", 1)
        return json.loads(self.run(
            options.bin / "serve_load", "seal", self.model, "--cut", options.cut,
            "-o", self.folder, "--max-batch", options.max_batch))

    def start(self, name, *arguments, core=None, talks=False):
        child = Child([self.options.bin / name, *arguments], core, self.options.verbose, talks)
        self.children.append(child)
        return child

    @property
    def socket(self):
        """Of a worker that shares memory."""
        return self.folder / "body.sock"

    def worker(self, *arguments, port=0, core=None):
        child = self.start("cloister-worker", "--bundle", self.folder / "m.cloister", "--listen",
                           f"127.0.0.1:{port}", "--metrics-listen", "127.0.0.1:0", *arguments,
                           core=core)
        child.address = child.read()
        return child

    def server(self, worker_ports, *arguments, core=None):
        """A port, or the path of a socket, for each worker."""
        workers = [part for port in worker_ports
                   for part in ("--worker", f"unix:{port}" if isinstance(port, Path)
                                else f"http://127.0.0.1:{port}")]
        child = self.start("cloisterd", "--bundle", self.folder / "m.cloister", "--identity",
                           self.folder / "key.txt", "--listen", "127.0.0.1:0", "--metrics-listen",
                           "127.0.0.1:0", *workers, *arguments, core=core)
        child.address = child.read()
        if worker_ports:
            self.wait_until_up(child)
        return child

    def wait_until_up(self, server, workers=1, limit_s=20):
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if sum(value for name, value in metrics(server.address["metrics_port"]).items()
                   if name.startswith("cloister_worker_up")) >= workers:
                return
            time.sleep(0.02)
        raise SystemExit(f"{workers} workers did not come up")

    def load(self, server, *arguments, core=None):
        """A load generator that takes rounds."""
        child = self.start("serve_load", "ask", f"https://127.0.0.1:{server.address['port']}",
                           "--model", self.model, "--rounds", *arguments, core=core, talks=True)
        child.read()
        return child


def machine():
    name = next((line.split(": ", 1)[1].strip() for line in open("/proc/cpuinfo")
                 if line.startswith("model name")), "unknown processor")
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()
    return {"processor": name, "cores": os.cpu_count(), "kernel": platform.release(),
            "commit": commit, "load_average": os.getloadavg()[0]}
