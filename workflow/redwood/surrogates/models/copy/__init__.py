"""Control: training rows in random order."""
