"""Control: independent columns, and a few whole training rows."""
