#!/usr/bin/env bash
# One would guess: an agent that is told to be silent (`verbose=0`) and has no TensorBoard log writes
# nothing to the disk.
# In fact: each call of `learn` makes a dated folder `SB3-…` in the folder for temporary files, leaves it
# empty and never removes it. A training that is called in steps, or a test-suite, leaves hundreds.
# `set_logger(Logger(None, []))` before `learn` helps.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    stable_baselines3==2.9.2 gymnasium==1.4.0 torch==2.13.0
mkdir "$folder/temporary"
cat >"$folder/learn.py" <<'PYTHON'
import os
import tempfile

import stable_baselines3
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger


def left():
    found = [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("SB3-")]
    return len(found), [len(os.listdir(os.path.join(tempfile.gettempdir(), name))) for name in found]


print("stable_baselines3", stable_baselines3.__version__)
agent = PPO("MlpPolicy", "CartPole-v1", n_steps=32, batch_size=32, n_epochs=1, verbose=0)
print("folders, and what is in each: after the agent was made:", *left())
assert left() == (0, [])
for _ in range(3):
    agent.learn(32)
print("after learning three times:", *left())
assert left() == (3, [0, 0, 0])
agent.set_logger(Logger(None, []))
agent.learn(32)
print("once more with a logger of one's own:", *left())
assert left() == (3, [0, 0, 0])
PYTHON
TMPDIR=$folder/temporary "$folder/venv/bin/python" "$folder/learn.py"
