"""How a manifest and what it names are called."""

MANIFEST = "ro-crate-metadata.json"
CONFIGURATION = "configuration.json"
# Before the names of inputs, which lie outside the folder that a manifest describes: those in the
# project by their paths, others by their last parts.
INPUT = "#project/"
ELSEWHERE = "#elsewhere/"
