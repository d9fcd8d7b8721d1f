"""In a fabricated environment: writes down the command that its Python was started for."""

import json
import os
import sys

with open(os.path.join(sys.prefix, "commands.jsonl"), "a") as commands:
    commands.write(json.dumps(sys.orig_argv[1:]) + "\n")
