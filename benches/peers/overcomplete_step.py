#!/usr/bin/env python3
"""Steps of overcomplete's own `train_sae`, or its `encode`, timed one by one. Prints one line of JSON.

    overcomplete_step.py DATA.safetensors d/K/N/B/k STEPS WARM_UP VARIANT [--jump L0] [--encode]

Variants: `eager` is its README's training, `fused` takes PyTorch's fused Adam, `compile` gives the model to
torch.compile, and `lean` is a loop of one's own with fused Adam that builds the dictionary once a step (train_sae builds
it twice, for it hands it to the loss). Monitoring is off.
"""

import argparse
import json
import math
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
    parser.add_argument("--jump", type=float, metavar="L0", help="RA-Jump with this share of codes at the start")
    parser.add_argument("--encode", action="store_true", help="encode in eval mode instead of training")
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def criterion(x, x_hat, pre_codes, codes, dictionary):
    return (x - x_hat).square().mean()


def build(options, rows, points):
    d, concepts, _, batch, k = map(int, options.size.split("/"))
    torch.manual_seed(0)
    if options.jump is None:
        return RATopKSAE(d, concepts, points, top_k=k, device=options.device)
    sae = RAJumpSAE(d, concepts, points, device=options.device)
    with torch.no_grad():
        pre_codes, _ = sae.encoder(rows[:batch])
        above = max(round(options.jump * pre_codes.numel()), 1)
        threshold = pre_codes.flatten().kthvalue(pre_codes.numel() - above + 1).values
        sae.thresholds.fill_(math.log(max(threshold.item(), 1e-6)))
    return sae


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


def train(options, sae, clock):
    fused = options.variant in ("fused", "lean")
    optimizer = torch.optim.Adam(sae.parameters(), lr=5e-4, fused=fused)
    if options.variant == "lean":
        sae.train()
        for x in clock:
            optimizer.zero_grad()
            _, _, x_hat = sae(x)
            (x - x_hat).square().mean().backward()
            torch.nn.utils.clip_grad_norm_(sae.parameters(), 1.0)
            optimizer.step()
        return
    model = torch.compile(sae) if options.variant == "compile" else sae
    train_sae(model, clock, criterion, optimizer, nb_epochs=1, clip_grad=1.0, monitoring=0, device=options.device)


def encode(sae, clock):
    sae.eval()
    with torch.no_grad():
        for x in clock:
            sae.encode(x)


def main():
    options = arguments()
    tensors = load_file(options.data, device=options.device)
    rows, points = tensors["rows"], tensors["points"]
    sae = build(options, rows, points)
    clock = Clock(options, rows)
    if options.encode:
        encode(sae, clock)
    else:
        train(options, sae, clock)
    with torch.no_grad():
        sae.train()
        _, codes, x_hat = sae(clock.batches[0])
        loss = (clock.batches[0] - x_hat).square().mean().item()
        l0 = (codes > 0).float().mean().item()
    versions = {"overcomplete": overcomplete.__version__, "torch": torch.__version__}
    print(json.dumps({"seconds": clock.seconds(), "loss": loss, "l0_share": l0, "threads": torch.get_num_threads(), "versions": versions}))


if __name__ == "__main__":
    main()
