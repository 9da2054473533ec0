#!/usr/bin/env python3
"""What serving costs over running the model: cloisterd and cloister-worker share one core, the
load generator has another, and a process that runs the whole model by itself takes turns with them
on the first.

Every round times, in changing order: the model in one piece, the model as two segments in one
process (what cutting costs), and requests over TLS to cloisterd, which asks the worker over HTTP.
Then the same for throughput, with many connections. Prints JSON: medians, their differences and
ratios (those of the rounds, so that a machine that changes its speed changes both), where the time
of a request went as the servers' metrics have it, and CPU time and context switches of each
process. Goals: tax_ms at most 1.5, throughput ratio at least 0.95.

Needs a release build, taskset, and two cores that nothing else uses. With others at work compare
CPU time: cpu_tax_ms is what cloisterd and worker together use for a request beyond what the model
in one piece uses, cpu_ratio the latter over the former.
"""

import argparse
import json
import statistics

from serving import Bench, add_common, machine, metrics, say


def round3(value):
    return round(value, 3)


def spread(values):
    return {"median": round3(statistics.median(values)), "min": round3(min(values)),
            "max": round3(max(values))}


def stages(before, after):
    """Mean milliseconds of each stage between two looks at the metrics, and items of a batch."""
    out = {}
    for stage in ("queue", "head", "link", "tail", "body", "total"):
        name = f'{{stage="{stage}"}}'
        count = after.get(f"cloister_stage_seconds_count{name}", 0) - before.get(
            f"cloister_stage_seconds_count{name}", 0)
        total = after.get(f"cloister_stage_seconds_sum{name}", 0) - before.get(
            f"cloister_stage_seconds_sum{name}", 0)
        if count > 0:
            out[f"{stage}_ms"] = round3(1000 * total / count)
    batches = after["cloister_batch_items_count"] - before["cloister_batch_items_count"]
    if batches > 0:
        items = after["cloister_batch_items_sum"] - before["cloister_batch_items_sum"]
        out["batch_items"] = round3(items / batches)
    return out


class Watch:
    """What the processes used while requests were answered."""

    def __init__(self, **children):
        self.children = children
        self.used = {name: {"cpu_s": 0.0, "system_s": 0.0, "faults": 0, "switches": 0}
                     for name in children}
        self.metrics = {name: None for name in children}
        self.requests = 0

    def around(self, ask):
        def look_at(child):
            return child.used() | {"switches": sum(child.switches())}

        before = {name: look_at(child) for name, child in self.children.items()}
        report = ask()
        for name, child in self.children.items():
            for what, value in look_at(child).items():
                self.used[name][what] += value - before[name][what]
        self.requests += report["requests"]
        return report

    def servers_ms(self):
        """CPU time of a request in cloisterd and worker."""
        return 1000 * sum(used["cpu_s"] for name, used in self.used.items()
                          if name != "load") / self.requests

    def json(self):
        return {name: {"cpu_ms_per_request": round3(1000 * used["cpu_s"] / self.requests),
                       "system_ms_per_request": round3(1000 * used["system_s"] / self.requests),
                       "page_faults_per_request": round(used["faults"] / self.requests, 1),
                       "switches_per_request": round(used["switches"] / self.requests, 1)}
                for name, used in self.used.items()}


def look(server, worker):
    return metrics(server.address["metrics_port"]), metrics(worker.address["metrics_port"])


def cpu(watch, whole_ms):
    whole = statistics.median(whole_ms)
    return {"cpu_tax_ms": round3(watch.servers_ms() - whole),
            "cpu_ratio": round3(whole / watch.servers_ms())}


def check(report):
    """A server that fails is not measured."""
    if report["ok"] != report["requests"] or report["requests"] == 0:
        raise SystemExit(f"not all was answered: {json.dumps(report)}")
    return report


def measure(options, engine, engine_batched, load, server, worker):
    whole_cpu_ms = []

    def whole(seconds):
        report = engine.ask(seconds=seconds, whole=True)
        whole_cpu_ms.append(report["cpu_ms"]["p50"])
        return report

    def segments(seconds):
        return engine.ask(seconds=seconds, whole=False)

    latency_watch = Watch(cloisterd=server, worker=worker, load=load)

    def served(seconds):
        return latency_watch.around(lambda: check(load.ask(seconds=seconds, connections=1)))

    parts = {"whole": whole, "segments": segments, "served": served}
    for run in parts.values():  # to warm up
        run(0.5)
    latency_watch.__init__(**latency_watch.children)
    whole_cpu_ms.clear()
    before = look(server, worker)
    medians = {name: [] for name in parts}
    for number in range(options.rounds):
        order = list(parts) if number % 2 == 0 else list(parts)[::-1]
        for name in order:
            medians[name].append(parts[name](options.seconds)["latency_ms"]["p50"])
        say(f"round {number + 1} of {options.rounds}: "
            + ", ".join(f"{name} {values[-1]:.2f} ms" for name, values in medians.items()))
    after = look(server, worker)
    tax = [served - whole for served, whole in zip(medians["served"], medians["whole"])]
    latency = {
        **{f"{name}_ms": spread(values) for name, values in medians.items()},
        "tax_ms": spread(tax),
        "tax_over_segments_ms": spread(
            [served - cut for served, cut in zip(medians["served"], medians["segments"])]),
        "ratio": spread([s / w for s, w in zip(medians["served"], medians["whole"])]),
        "whole_cpu_ms": spread(whole_cpu_ms),
        **cpu(latency_watch, whole_cpu_ms),
        "cloisterd_stages": stages(before[0], after[0]),
        "worker_stages": stages(before[1], after[1]),
        "processes": latency_watch.json(),
    }

    whole_cpu_ms.clear()
    load_watch = Watch(cloisterd=server, worker=worker, load=load)
    rates = {"whole": [], "whole_batched": [], "served": []}
    warmup = options.load_seconds / 4

    def loaded():
        return load_watch.around(lambda: check(load.ask(
            seconds=options.load_seconds, warmup_s=warmup, connections=options.connections)))

    before = look(server, worker)
    latencies = []
    for number in range(options.load_rounds):
        def run_served():
            report = loaded()
            rates["served"].append(report["per_second"])
            latencies.append(report["latency_ms"])

        def run_engine():
            rates["whole"].append(whole(options.load_seconds / 2)["per_second"])
            rates["whole_batched"].append(
                engine_batched.ask(seconds=options.load_seconds / 2)["per_second"])

        for run in (run_engine, run_served) if number % 2 == 0 else (run_served, run_engine):
            run()
        say(f"load round {number + 1} of {options.load_rounds}: "
            + ", ".join(f"{name} {values[-1]:.1f}/s" for name, values in rates.items()))
    after = look(server, worker)
    throughput = {
        "connections": options.connections,
        **{f"{name}_per_second": spread(values) for name, values in rates.items()},
        "ratio": spread([s / w for s, w in zip(rates["served"], rates["whole"])]),
        "ratio_to_batched": spread(
            [s / w for s, w in zip(rates["served"], rates["whole_batched"])]),
        "whole_cpu_ms": spread(whole_cpu_ms),
        **cpu(load_watch, whole_cpu_ms),
        "latency_p50_ms": spread([one["p50"] for one in latencies]),
        "latency_p99_ms": spread([one["p99"] for one in latencies]),
        "cloisterd_stages": stages(before[0], after[0]),
        "worker_stages": stages(before[1], after[1]),
        "processes": load_watch.json(),
    }
    return latency, throughput


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_common(parser)
    parser.add_argument("--rounds", type=int, default=12, help="of latency (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1, help="of each (default: %(default)s)")
    parser.add_argument("--load-rounds", type=int, default=4,
                        help="of throughput (default: %(default)s)")
    parser.add_argument("--load-seconds", type=float, default=6)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--links", type=int, default=2, help="of cloisterd (default: %(default)s)")
    parser.add_argument("--shared-memory", action="store_true",
                        help="between cloisterd and worker, instead of HTTP")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    options = parser.parse_args()
    with Bench(options) as bench:
        cut = bench.seal()
        core = options.server_core
        engine, batched = (
            bench.start("serve_load", "engine", bench.model, "--cut", options.cut, "--batch", batch,
                        core=core, talks=True) for batch in (1, options.max_batch))
        sharing = ["--shared-memory", bench.socket] if options.shared_memory else []
        worker = bench.worker(*sharing, core=core)
        where = bench.socket if options.shared_memory else worker.address["port"]
        server = bench.server([where], "--links", options.links, core=core)
        load = bench.load(server, core=options.client_core)
        latency, throughput = measure(options, engine, batched, load, server, worker)
    print(json.dumps({"schema": "cloister/bench-serve/1", "machine": machine(),
                      "model": options.model, "cut": cut, "max_batch": options.max_batch,
                      "links": options.links, "shared_memory": options.shared_memory, "latency": latency, "throughput": throughput},
                     indent=2))


if __name__ == "__main__":
    main()
