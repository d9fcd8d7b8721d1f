"""`python -m redwood`: the command line, also inside a rule's own environment."""

from redwood.command_line import main

main()
