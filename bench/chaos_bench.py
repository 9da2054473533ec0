#!/usr/bin/env python3
"""What clients notice when workers are killed, stopped, restarted or lie.

Puts cloisterd under load, lets something happen to its worker (or to one of two), and prints JSON:
for each event the requests that were answered, refused with an error, answered wrongly and lost
without an error, the longest time without a success, and how long after the cure (the worker runs
again, or tells the truth again) half of the usual rate was reached, to 0.1 s. Nothing may be
answered wrongly or lost; with an honest second worker, nothing may fail either.

Lies are told by bench/lying_worker.py, which stands before an honest worker; cloisterd checks all
results (--verify-rate 1), and without that the control must find wrong answers: the load generator
would see them.

Exit codes: 0 all as it must be; 1 not.
"""

import argparse
import json
import signal
import statistics
import sys
import time

from lying_worker import HTTP_LIES, LIES, LyingWorker
from serving import Bench, add_common, machine, say

CALM_S = 1.5  # before an event
FLAGS = ("--worker-timeout", 1, "--quarantine", 2)


def recovery_s(report, struck, cured):
    """From the cure until half of the usual rate; None: not within the round."""
    began = report["began_monotonic_s"]
    slots = report["ok_per_100ms"]
    before = slots[2 : int((struck - began) / 0.1)]
    usual = statistics.median(before)
    for number, count in enumerate(slots):
        ended = began + (number + 1) * 0.1
        if ended > cured and count >= usual / 2:
            return round(max(0.0, ended - 0.1 - cured), 2)
    return None


class Chaos:
    def __init__(self, options, bench):
        self.options = options
        self.bench = bench
        self.results = []

    def under_load(self, name, server, strike, cure=None, ill_s=1.0, after_s=4.0, two=False,
                   control=False):
        """One event. `strike` and `cure` act, and may return when what they did took effect."""
        if self.options.only and self.options.only not in name:
            return None
        self.bench.wait_until_up(server, workers=2 if two else 1)
        load = self.bench.load(server, "--inputs", 4, "--limit", 20)
        load.send(connections=self.options.connections, seconds=CALM_S + ill_s + after_s)
        time.sleep(CALM_S)
        struck = time.monotonic()
        strike()
        cured = struck
        if cure:
            time.sleep(max(0.0, struck + ill_s - time.monotonic()))
            cure()
            cured = time.monotonic()
        report = load.read()
        load.kill()
        ended = sum(report["errors"].values()) + report["ok"] + report["wrong"] + report["lost"]
        result = {
            "event": name,
            "requests": report["requests"],
            "ok": report["ok"],
            "errors": report["errors"],
            "wrong": report["wrong"],
            "lost": report["lost"],
            "unaccounted": report["requests"] - ended,
            "longest_gap_ms": report["longest_gap_ms"],
            "recovery_s": recovery_s(report, struck, cured),
            "messages": report["messages"],
        }
        result["as_it_must_be"] = (
            result["ok"] > 0 and result["recovery_s"] is not None
            and result["wrong"] == result["lost"] == result["unaccounted"] == 0
            and not (two and result["errors"]))
        if control:
            result["as_it_must_be"] = result["wrong"] > 0
        self.results.append(result)
        say(f"{name}: {result['ok']} ok, {result['errors'] or 'no'} errors, "
            f"{result['wrong']} wrong, {result['lost']} lost, gap {result['longest_gap_ms']:.0f} ms, "
            f"recovered after {result['recovery_s']} s"
            + ("" if result["as_it_must_be"] else "  <-- NOT AS IT MUST BE"))
        return result

    def one_worker(self):
        worker = self.bench.worker()
        port = worker.address["port"]
        server = self.bench.server([port], *FLAGS)

        def again():
            nonlocal worker
            worker = self.bench.worker(port=port)

        self.under_load("killed, and started again", server, lambda: worker.kill(), again)
        self.under_load("stopped, and goes on", server, lambda: worker.send_signal(signal.SIGSTOP),
                        lambda: worker.send_signal(signal.SIGCONT), ill_s=2.5, after_s=6)
        self.under_load("stopped for a moment", server, lambda: worker.send_signal(signal.SIGSTOP),
                        lambda: worker.send_signal(signal.SIGCONT), ill_s=0.5)
        self.under_load("restarted", server, lambda: worker.kill(signal.SIGTERM), again, ill_s=0)
        worker.kill()
        server.kill()

    def two_workers(self):
        first, second = self.bench.worker(), self.bench.worker()
        ports = [first.address["port"], second.address["port"]]
        server = self.bench.server(ports, *FLAGS)
        self.under_load("one of two stopped, and goes on", server,
                        lambda: first.send_signal(signal.SIGSTOP),
                        lambda: first.send_signal(signal.SIGCONT), ill_s=2.5, two=True)
        self.under_load("one of two killed", server, first.kill, two=True)
        second.kill()
        server.kill()

    def lies(self):
        honest, other = self.bench.worker(), self.bench.worker()
        liar = LyingWorker(honest.address["port"])
        alone = self.bench.server([liar.port], *FLAGS, "--verify-rate", 1)
        beside = self.bench.server([liar.port, other.address["port"]], *FLAGS, "--verify-rate", 1)
        for lie in [*LIES, *HTTP_LIES]:
            for server, two in ((alone, False), (beside, True)):
                liar.tell(None)
                result = self.under_load(f"lies: {lie}" + (", beside an honest one" if two else ""),
                                         server, lambda: liar.tell(lie), lambda: liar.tell(None),
                                         two=two)
                # tell() says how many lies there were; nothing is shown by none.
                if result is not None:
                    result["lies_told"] = liar.last_told
                    result["as_it_must_be"] = result["as_it_must_be"] and liar.last_told > 0
        alone.kill()
        beside.kill()
        trusting = self.bench.server([liar.port], *FLAGS)
        self.under_load("control: values, not checked", trusting, lambda: liar.tell("values"),
                        lambda: liar.tell(None), control=True)
        liar.close()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common(parser, model="small_cnn", cut="40%")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--only", metavar="TEXT", help="events with this in their name")
    options = parser.parse_args()
    with Bench(options) as bench:
        cut = bench.seal()
        chaos = Chaos(options, bench)
        chaos.one_worker()
        chaos.two_workers()
        chaos.lies()
    fine = all(result["as_it_must_be"] for result in chaos.results)
    print(json.dumps({"schema": "cloister/bench-chaos/1", "machine": machine(),
                      "model": options.model, "cut": cut, "connections": options.connections,
                      "as_it_must_be": fine, "events": chaos.results}, indent=2))
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
