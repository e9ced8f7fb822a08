#!/usr/bin/env python3
"""Steps of overcomplete's own `train_sae`, or its `encode`, timed one by one. Prints one line of JSON.

    overcomplete_step.py DATA.safetensors d/K/N/B/k STEPS WARM_UP VARIANT [--jump] [--encode]

DATA is what `archetypal bench --save-data` writes: rows, points, and the initial values that do not follow from the sizes.
Variants: `eager` is its README's training, `fused` takes PyTorch's fused Adam, `compile` gives the model to
torch.compile, and `lean` is a loop of one's own with fused Adam that builds the dictionary once a step (train_sae builds
it twice, for it hands it to the loss). Monitoring is off.
"""

import argparse
import json
import platform
import time

import overcomplete
import torch
from overcomplete.sae import RAJumpSAE, RATopKSAE, train_sae
from safetensors.torch import load_file


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("size")
    parser.add_argument("steps", type=int)
    parser.add_argument("warm_up", type=int)
    parser.add_argument("variant", choices=["eager", "fused", "compile", "lean"])
    parser.add_argument("--jump", action="store_true", help="RA-Jump instead of RA-TopK")
    parser.add_argument("--encode", action="store_true", help="encode in eval mode instead of training")
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


class Criterion:
    """The mean squared error, which is remembered."""

    def __init__(self):
        self.losses = []

    def __call__(self, x, x_hat, *_):
        loss = (x - x_hat).square().mean()
        self.losses.append(loss.detach())
        return loss


def load(options):
    """The model with the initial values of the file, and the rows; the file itself is let go."""
    d, concepts, _, _, k = map(int, options.size.split("/"))
    tensors = load_file(options.data)
    rows, points = (tensors.pop(name).clone().to(options.device) for name in ("rows", "points"))
    if options.jump:
        sae = RAJumpSAE(d, concepts, points, device=options.device)
    else:
        sae = RATopKSAE(d, concepts, points, top_k=k, device=options.device)
    missing, unexpected = sae.load_state_dict(tensors, strict=False)
    wrong = [name for name in missing if not name.startswith("dictionary.")] + unexpected
    if wrong:
        raise SystemExit(f"error: {options.data} has other initial values than the model: {', '.join(wrong)}")
    return sae, rows


def synchronize(device):
    if device.startswith("cuda"):
        torch.cuda.synchronize()


class Clock:
    """Batches for train_sae; the time from one to the next is that of a step."""

    def __init__(self, options, rows):
        self.options, self.marks = options, []
        batch = int(options.size.split("/")[3])
        self.batches = [rows[i : i + batch] for i in range(0, len(rows) - batch + 1, batch)]

    def __iter__(self):
        for i in range(self.options.warm_up + self.options.steps):
            self.mark()
            yield self.batches[i % len(self.batches)]
        self.mark()

    def mark(self):
        synchronize(self.options.device)
        self.marks.append(time.perf_counter())

    def seconds(self):
        steps = [after - before for before, after in zip(self.marks, self.marks[1:])]
        return steps[self.options.warm_up :]


def train(options, sae, clock, criterion):
    fused = options.variant in ("fused", "lean")
    optimizer = torch.optim.Adam(sae.parameters(), lr=5e-4, fused=fused)
    if options.variant == "lean":
        sae.train()
        for x in clock:
            optimizer.zero_grad()
            _, _, x_hat = sae(x)
            criterion(x, x_hat).backward()
            torch.nn.utils.clip_grad_norm_(sae.parameters(), 1.0)
            optimizer.step()
        return
    model = torch.compile(sae) if options.variant == "compile" else sae
    train_sae(model, clock, criterion, optimizer, nb_epochs=1, clip_grad=1.0, monitoring=0, device=options.device)


def encode(options, sae, clock):
    sae.eval()
    compute = torch.compile(sae.encode) if options.variant == "compile" else sae.encode
    with torch.no_grad():
        for x in clock:
            compute(x)


def main():
    options = arguments()
    sae, rows = load(options)
    clock, criterion = Clock(options, rows), Criterion()
    if options.encode:
        encode(options, sae, clock)
    else:
        train(options, sae, clock, criterion)
    with torch.no_grad():
        _, codes = sae.encode(clock.batches[0])
        l0 = (codes > 0).float().mean().item()
    losses = [loss.item() for loss in criterion.losses]
    versions = {"python": platform.python_version(), "overcomplete": overcomplete.__version__, "torch": torch.__version__}
    print(json.dumps({"seconds": clock.seconds(), "losses": losses, "l0_share": l0, "threads": torch.get_num_threads(), "versions": versions}))


if __name__ == "__main__":
    main()
