"""Programs outside of Python that tell what surrogates can be trained on."""

import re

from redwood.tools import Tool

TOOLS = (
    Tool(
        "NVIDIA GPU",
        ("nvidia-smi",),
        "trains the neural surrogates faster; without one they train on the processor",
        "a machine with a GPU and its driver",
        ("--query-gpu=name", "--format=csv,noheader"),
        re.compile(r"(?m)^(?!NVIDIA-SMI|No devices).+$"),
        must_answer=True,
    ),
)
