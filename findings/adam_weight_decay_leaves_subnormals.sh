#!/usr/bin/env bash
# One would guess: with Adam at a rate of 1e-3 and a weight decay of 1e-5 (ctgan's for its TVAE), weights
# that have no gradient, of categories that hardly occur, shrink by 1e-8 a step: after 2,000 steps not at
# all. Or, if they shrink, that they end at 0.
# In fact: Adam divides the decay by its own size, so they fall by 1e-3 a step to nearly 0, and then, its
# epsilon of 1e-8 being larger than their gradient, by a factor a step. After 1,500 steps they are below
# 1e-35, and there they stay: subnormal, never 0. x86 processors take many times as long with such
# numbers, so that an epoch of a training gets slower and slower. `torch.set_flush_denormal(True)` helps.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import time

import torch

torch.set_num_threads(1)
torch.manual_seed(0)
layer = torch.nn.Linear(300, 128)
optimizer = torch.optim.Adam(layer.parameters(), lr=1e-3, weight_decay=1e-5)
rows = torch.zeros(500, 300)
rows[:, :150] = torch.randn(500, 150)  # the other inputs are always 0
target = torch.randn(500, 128)
at_first = layer.weight.detach()[:, 150:].abs().mean().item()
for _ in range(2000):
    loss = (layer(rows) - target).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
unused = layer.weight.detach()[:, 150:].abs()
subnormal = (unused > 0) & (unused < torch.finfo(torch.float32).tiny)


some = torch.randn(500, 300)


def seconds() -> float:
    """Of products with rows in which these inputs occur, and of steps of Adam."""
    begin = time.process_time()
    for _ in range(300):
        some @ layer.weight.detach().T
        optimizer.step()
    return time.process_time() - begin


with_them = seconds()
torch.set_flush_denormal(True)
without = seconds()
print(f"torch {torch.__version__}")
print(f"unused weights at first: {at_first:.2g} on average; after 2,000 steps at most {unused.max():.1g}")
print(f"of these are 0: {(unused == 0).float().mean():.0%}, subnormal: {subnormal.float().mean():.0%}")
print(f"products and steps take {with_them / without:.1f} times as long here as with zeros instead")
assert at_first > 0.01
assert unused.max() < 1e-35
assert subnormal.float().mean() > 0.1
PYTHON
