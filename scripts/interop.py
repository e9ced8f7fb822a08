#!/usr/bin/env python3
"""Trades models with overcomplete, both ways, and hands them to SAELens, and holds the codes against ours.

    interop.py [--archetypal PROGRAM] [--data FILE.safetensors]

Needs overcomplete (benches/peers/requirements.txt), and SAELens 6 (`pip install 'sae-lens>=6,<7'`) for the last part,
which is left out without it.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from overcomplete.sae import JumpSAE, RAJumpSAE, RATopKSAE, TopKSAE
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parent.parent
CONCEPTS, POINTS, K, DELTA = 64, 32, 8, 0.5
ROWS = 512
# Of the largest code: both add up in float32, in other orders.
TOLERANCE = 1e-4

MODELS = {
    "ra-topk": (RATopKSAE, {"top_k": K, "delta": DELTA}, ["--top-k", K, "--delta", DELTA]),
    "ra-jump": (RAJumpSAE, {"delta": DELTA}, ["--delta", DELTA]),
    "topk": (TopKSAE, {"top_k": K}, ["--top-k", K]),
    "jump": (JumpSAE, {}, []),
}


class Ours:
    def __init__(self, program):
        self.program = program

    def __call__(self, *words):
        command = [self.program, *map(str, words), "--backend", "cpu", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stderr}")

    def codes(self, sae, data, folder, *words):
        """Dense codes of the rows in a file."""
        out = folder / "codes.safetensors"
        self("encode", sae, data, "--out", out, "--dense", *words)
        return next(iter(load_file(out).values()))


def theirs(kind, d, points):
    """A fresh model of overcomplete."""
    model, arguments, _ = MODELS[kind]
    more = {"points": points} if kind.startswith("ra-") else {}
    return model(d, CONCEPTS, **more, **arguments, device="cpu")


def load(kind, file):
    """Our file as a model of overcomplete, and what it does to rows first."""
    tensors = load_file(file)
    shift, scale = tensors.pop("normalize.shift"), tensors.pop("normalize.scale")
    sae = theirs(kind, len(shift), tensors.get("dictionary.C"))
    missing, unexpected = sae.load_state_dict(tensors, strict=False)
    wrong = [name for name in missing if not name.endswith("_fused_dictionary")] + unexpected
    if wrong:
        sys.exit(f"{kind}: other tensors than overcomplete's: {', '.join(wrong)}")
    # Archetypal dictionaries are fused as they go over to eval: not before they are loaded.
    return sae.eval(), lambda rows: (rows - shift) * scale


def held(what, got, want):
    """Whether codes are the same; in a row that has a tie within rounding, another concept may be chosen."""
    got, want = got.float(), want.detach().float()
    if got.shape != want.shape or want.abs().max() == 0:
        sys.exit(f"{what}: codes {tuple(got.shape)}, and {tuple(want.shape)} with {(want != 0).sum()} that are not 0")
    off = (got - want).abs().amax(dim=1) / want.abs().max()
    others = int((off > TOLERANCE).sum())
    print(f"{what:<42} {len(off)} rows, off by {off.median():.1e} at the median, {others} rows by more than {TOLERANCE:.0e}")
    return others <= len(off) // 100


def trade(kind, ours, data, folder):
    """Ours there, theirs here, ours in SAELens."""
    rows = next(iter(load_file(data).values())).float()
    settings = MODELS[kind][2]
    mine = folder / f"{kind}.safetensors"
    points = ["--points", POINTS] if kind.startswith("ra-") else []
    ours("train", data, "--out", mine, "--preset", "reference", "--model", kind, "--concepts", CONCEPTS, *points,
         "--epochs", 2, "--batch-size", 256, *settings)
    sae, normalise = load(kind, mine)
    codes = ours.codes(mine, data, folder)
    good = [held(f"{kind}: ours in overcomplete", sae.encode(normalise(rows))[1], codes)]

    normalised, file = folder / "normalised.safetensors", folder / "theirs.safetensors"
    save_file({"rows": normalise(rows).contiguous()}, normalised)
    fresh = theirs(kind, rows.shape[1], normalise(rows)[:POINTS].contiguous()).eval()
    save_file({name: tensor.clone() for name, tensor in fresh.state_dict().items()}, file)
    want = fresh.encode(normalise(rows))[1]
    good.append(held(f"{kind}: overcomplete's here", ours.codes(file, normalised, folder, *settings), want))

    try:
        from sae_lens import SAE
    except ImportError:
        print(f"{kind}: SAELens is not installed, and was left out")
        return all(good)
    exported = folder / f"{kind}-saelens"
    ours("export", mine, "--out", exported)
    lens = SAE.load_from_disk(exported, device="cpu")
    good.append(held(f"{kind}: ours in SAELens", lens.encode(rows), codes))
    return all(good)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--archetypal", default=ROOT / "target/release/archetypal", type=Path)
    parser.add_argument("--data", default=ROOT / "examples/data/clipart-efflite0.safetensors", type=Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    ours = Ours(str(options.archetypal))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        data = folder / "rows.safetensors"
        rows = next(iter(load_file(options.data).values()))
        save_file({"rows": rows[torch.randperm(len(rows))[:ROWS]].contiguous()}, data)
        good = [trade(kind, ours, data, folder) for kind in MODELS]
    sys.exit(0 if all(good) else "some codes differ")


if __name__ == "__main__":
    main()
