#!/usr/bin/env python3
"""The same step here and in the peers, by turns, and one table of ratios.

    python3 benches/peers/run.py --python PYTHON [--what step|jump|encode] [--sizes d/K/N/B/k,...] [--out FILE.json]

Every round runs each program once, as a process of its own that makes the model, warms up, takes some steps and says
how long each took; the table holds the medians over the rounds. All start with the same values and say the loss of each
step, which must agree. PYTHON has what requirements.txt names; the programs in Rust are built here. A peer that cannot
be had, or computes something else, is named with the reason. Needs nothing but Python's own library.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
LARGE = "768/32768/8192/2048/32"
USUAL = ["384/4096/1024/1024/16", "768/10000/2000/1024/20"]
PEERS = ["eager", "fused", "lean", "compile", "candle", "burn"]
TITLES = {
    "ours": "archetypal, CPU",
    "gpu": "archetypal, GPU",
    "eager": "overcomplete, eager, README's Adam",
    "fused": "overcomplete, fused Adam",
    "lean": "overcomplete, fused Adam, own loop",
    "compile": "overcomplete, torch.compile",
    "candle": "candle, CPU",
    "burn": "burn, wgpu",
}
# Losses of one step may differ by this share: rounding, and the choice between codes that are nearly alike.
AGREEMENT = 0.01
COMPARED = 12
# Settings of other people's threads must not hold back any peer.
SETTINGS = ["OPENBLAS_CORETYPE", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has overcomplete [default: this one]")
    parser.add_argument("--what", choices=["step", "jump", "encode"], default="step")
    parser.add_argument("--sizes", help=f"d/K/N/B/k[,...] [default: {','.join(USUAL)}]")
    parser.add_argument("--large", action="store_true", help=f"{LARGE} too, in PyTorch alone unless --peers names others")
    parser.add_argument("--peers", help=f"some of {','.join(PEERS)} [default: all that fit]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, help="timed steps a process [default: 3 to 10, by the size]")
    parser.add_argument("--data", help="rows to train on, .npy or .safetensors [default: planted rows]")
    parser.add_argument("--gpu", metavar="ADAPTER", help="archetypal on this GPU too, by a part of its name")
    parser.add_argument("--l0", type=float, default=0.03, help="share of the K codes that jump starts with")
    parser.add_argument("--timeout", type=float, default=900, help="seconds after which a process is given up")
    parser.add_argument("--archetypal", type=Path, help="a built program [default: build it here]")
    parser.add_argument("--out", type=Path, help="write everything to this .json file")
    options = parser.parse_args()
    options.sizes = options.sizes.split(",") if options.sizes else USUAL + [LARGE] * options.large
    return options


def environment(extra=None):
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return kept | {"NODEVICE_SELECT": "1"} | (extra or {})


class Failed(Exception):
    """Why a peer has no figure."""


def problem(text):
    """The part of a program's complaint that names what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it said nothing"]
    panics = [" ".join(lines[i : i + 2]) for i, line in enumerate(lines) if "panicked at" in line]
    compiler = [line for line in lines if line.startswith("error")]
    others = [line for line in lines if "rror" in line or "No module" in line]
    # The first panic or error of a compiler is the cause of the rest; Python names its error last.
    return (panics[:1] or compiler[:1] or others[-1:] or lines[-1:])[0][:300]


def ending(status, errors):
    """Why a program ended with `status`, which is not 0."""
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    return problem(errors) if errors.strip() else f"ended with status {status}"


def wait(pid, timeout):
    """The status of a process that ends in time, and what it used."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return status, usage
        time.sleep(0.02)
    raise Failed(f"not done after {timeout:.0f} s")


def run(command, timeout, env=None):
    """Runs a program: its JSON, and the most memory it held in bytes."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment(env))
        try:
            status, usage = wait(process.pid, timeout)
        except BaseException:
            # Nor may it go on if this program is stopped.
            process.kill()
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        text, errors = out.read(), err.read()
    if process.returncode != 0:
        raise Failed(ending(process.returncode, errors))
    # Kilobytes on Linux, bytes on macOS.
    memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return figures_in(text), memory


def figures_in(text):
    """The JSON in a program's last line."""
    try:
        return json.loads(text.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise Failed("it prints no figures: " + problem(text)) from None


def build(name, manifest, flags):
    folder = TARGET / "peers" / name
    command = ["cargo", "build", "--release", "--quiet", "--locked", "--manifest-path", manifest, "--target-dir", folder]
    done = subprocess.run(command, env=environment(flags), capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed("it does not build: " + problem(done.stderr))
    return folder / "release" / f"peer-{name}"


class Programs:
    """How each program is called."""

    def __init__(self, options):
        self.options = options
        self.archetypal = options.archetypal or TARGET / "release" / "archetypal"
        if options.archetypal is None:
            subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
        self.built, self.missing = {}, {}

    def prepare(self, names):
        """Finds out which of `names` can be had."""
        for name in names:
            try:
                if name in ("candle", "burn"):
                    if self.options.what != "step":
                        raise Failed(f"written for steps of RA-TopK only, not for {self.options.what}")
                    # candle's documentation asks for the machine's own instruction set.
                    flags = {"RUSTFLAGS": "-C target-cpu=native"} if name == "candle" else {}
                    self.built[name] = build(name, HERE / name / "Cargo.toml", flags)
                elif name not in ("ours", "gpu"):
                    code = "import overcomplete.sae, torch, safetensors.torch"
                    done = subprocess.run([self.options.python, "-c", code], capture_output=True, text=True)
                    if done.returncode != 0:
                        raise Failed(problem(done.stderr))
                    self.built[name] = Path(self.options.python)
                else:
                    self.built[name] = self.archetypal
            except (Failed, OSError) as reason:
                self.missing[name] = str(reason)

    def save_data(self, size, path):
        command = [self.archetypal, "bench", "--sizes", size, "--save-data", path, "--quiet", *self.model()]
        subprocess.run(command + (["--data", self.options.data] if self.options.data else []), check=True)

    def model(self):
        return ["--model", "ra-jump", "--l0", str(self.options.l0)] if self.options.what == "jump" else []

    def command(self, name, data, size, steps, warm_up):
        options = self.options
        if name in ("ours", "gpu"):
            backend = ["--backend", "cpu"] if name == "ours" else ["--backend", "gpu", "--adapter", options.gpu]
            what = "encode" if options.what == "encode" else "step"
            words = ["bench", "--what", what, "--sizes", size, "--data", data, "--tensor", "rows", "--runs", str(steps)]
            return [self.archetypal, *words, *backend, *self.model(), "--json", "--quiet"]
        numbers = [data, size, str(steps), str(warm_up)]
        if name in ("candle", "burn"):
            return [self.built[name], *numbers]
        more = {"step": [], "jump": ["--jump"], "encode": ["--encode"]}[options.what]
        return [options.python, HERE / "overcomplete_step.py", *numbers, name, *more]

    def once(self, name, data, size, steps, warm_up):
        """A process: seconds of a step, memory, losses of its steps, and what else it said."""
        said, memory = run(self.command(name, data, size, steps, warm_up), self.options.timeout)
        encodes = self.options.what == "encode"
        try:
            if name in ("ours", "gpu"):
                figures = said["sizes"][0]["encode" if encodes else "step"]
                seconds = figures["seconds"]["median"]
            else:
                figures = said
                seconds = statistics.median(said["seconds"])
            return seconds, memory, [] if encodes else figures["losses"], said
        except KeyError as missing:
            raise Failed(f"its figures lack {missing}") from None


def compare(losses, expected):
    """Refuses losses that are not those of the same training.

    Where the k-th and the next code of a row are as good as equal, rounding chooses, and from step to step the losses
    drift apart; hence only the first steps.
    """
    for step, (loss, other) in enumerate(zip(losses[:COMPARED], expected)):
        if not abs(loss - other) <= AGREEMENT * abs(other):
            raise Failed(f"computes something else: its loss in step {step + 1} is {loss:.5g}, not {other:.5g}")


def steps_for(size):
    """Timed steps and warm-up: a few seconds of the reference's work."""
    d, concepts, points, batch, _ = map(int, size.split("/"))
    flops = 2 * d * concepts * (5 * batch + 3 * points)
    return max(3, min(10, int(1.2e12 / flops))), (1 if flops > 1e12 else 2)


def default_peers(options, size):
    if options.peers:
        return options.peers.split(",")
    if options.what != "step":
        return ["eager", "fused", "compile"] if options.what == "jump" else ["eager", "compile"]
    return ["eager", "fused", "lean"] if size == LARGE else PEERS


def measure(programs, options, size, folder):
    """All rounds of a size."""
    names = ["ours"] + (["gpu"] if options.gpu else []) + default_peers(options, size)
    programs.prepare([name for name in names if name not in programs.built | programs.missing])
    data = Path(folder) / "data.safetensors"
    programs.save_data(size, data)
    steps, warm_up = steps_for(size)
    steps = options.steps or steps
    found = {name: {"seconds": [], "memory": []} for name in names}
    failed = {name: programs.missing[name] for name in names if name in programs.missing}
    expected = []
    for turn in range(options.rounds):
        for name in names:
            if name in failed:
                continue
            try:
                seconds, memory, losses, said = programs.once(name, data, size, steps, warm_up)
                expected = expected or losses
                compare(losses, expected)
            except (Failed, OSError) as reason:
                failed[name] = f"in round {turn + 1}: {reason}"
                print(f"{size} {TITLES[name]} {failed[name]}", file=sys.stderr)
                continue
            found[name]["seconds"].append(seconds)
            found[name]["memory"].append(memory)
            found[name]["said"] = said
            print(f"{size} round {turn + 1}: {TITLES[name]} {1e3 * seconds:.1f} ms", file=sys.stderr, flush=True)
    return {"size": size, "steps": steps, "found": {n: f for n, f in found.items() if f["seconds"]}, "failed": failed}


def title(name, figures):
    """With the GPU, which may be one in software."""
    device = figures["said"].get("device") if name in ("gpu", "burn") else None
    return f"{TITLES[name]}: {device}" if device else TITLES[name]


def table(result, what):
    """Lines of a Markdown table."""
    found = result["found"]
    ours = statistics.median(found["ours"]["seconds"])
    ours_memory = statistics.median(found["ours"]["memory"])
    unit = "a batch" if what == "encode" else "a step"
    yield f"| {result['size']} | {unit} | from … to | × ours | peak memory | × ours |"
    yield "|---|---|---|---|---|---|"
    for name, figures in found.items():
        seconds, memory = figures["seconds"], statistics.median(figures["memory"])
        median = statistics.median(seconds)
        yield (
            f"| {title(name, figures)} | {1e3 * median:.1f} ms | {1e3 * min(seconds):.1f} … {1e3 * max(seconds):.1f} "
            f"| {median / ours:.2f} | {memory / 2**20:.0f} MiB | {memory / ours_memory:.2f} |"
        )
    for name, reason in result["failed"].items():
        yield f"| {TITLES[name]} | none: {reason.replace('|', '/')} | | | | |"


def version_in(lock, crate):
    lines = lock.read_text().splitlines() if lock.exists() else []
    for name, version in zip(lines, lines[1:]):
        if name == f'name = "{crate}"':
            return version.split('"')[1]
    return None


def versions(results):
    found = {}
    for name, crate in [("candle", "candle-core"), ("burn", "burn")]:
        if any(name in result["found"] for result in results):
            found[name] = version_in(HERE / name / "Cargo.lock", crate)
            found["rustc"] = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.split()[1]
    for result in results:
        for figures in result["found"].values():
            said = figures.get("said", {})
            found |= said.get("versions", {})
            if "archetypal" in said:
                found["archetypal"] = said["archetypal"]
    return found


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    started = time.strftime("%Y-%m-%d %H:%M %Z")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    programs = Programs(options)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            results.append(measure(programs, options, size, folder))
    machine = next((r["found"]["ours"]["said"]["machine"] for r in results if "ours" in r["found"]), {})
    all_versions = versions(results)
    print(f"{started}; {machine.get('cpu')}, {machine.get('threads')} threads, {' '.join(machine.get('features', []))}; load {load:.1f} at the start")
    print("; ".join(f"{name} {version}" for name, version in all_versions.items()))
    print(f"{options.what}, {options.data or 'planted rows'}, medians of {options.rounds} rounds by turns")
    for result in results:
        print()
        if "ours" not in result["found"]:
            print(f"{result['size']}: archetypal failed: {result['failed'].get('ours')}")
            continue
        print("\n".join(table(result, options.what)))
    if options.out:
        everything = {"started": started, "load": load, "what": options.what, "versions": all_versions, "machine": machine, "results": results}
        options.out.write_text(json.dumps(everything, indent=1) + "\n")
    return 0 if all("ours" in result["found"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
