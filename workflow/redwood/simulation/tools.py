"""Programs outside of Python that the simulation uses."""

import re

from redwood.setup_simgrid import compilers
from redwood.tools import Tool

TOOLS = (
    Tool(
        "C++ compiler",
        tuple(line.split()[0] for line in compilers()),
        "compiles SimGrid, once for each user and machine",
        "on Debian: apt install g++; or name one with CXX=/path/to/c++",
        answers=re.compile(r"(?m)\d+(?:\.\d+)+(?=$| )"),
    ),
)
