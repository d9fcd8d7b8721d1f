"""Control: each column drawn from its training values on its own."""
