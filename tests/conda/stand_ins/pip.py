"""In a fabricated environment: `python -m pip`, which links what its package carries."""

import sys
import sysconfig
from pathlib import Path

OPTIONS = ["--no-deps", "--no-build-isolation", "--require-hashes", "--requirement", "/dev/stdin"]
if sys.argv[1:] != ["install", *OPTIONS]:
    sys.exit(f"pip: not what this stand-in does: {' '.join(sys.argv[1:])}")
requirement = sys.stdin.read().split()[0]
carried = Path(sys.prefix, "share/pip", requirement)
if not carried.is_dir():
    there = ", ".join(sorted(path.name for path in carried.parent.iterdir()))
    sys.exit(f"pip: no matching distribution found for {requirement}; there is {there}")
for link in carried.iterdir():
    (Path(sysconfig.get_path("platlib")) / link.name).symlink_to(link.readlink())
