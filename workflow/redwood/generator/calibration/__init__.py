"""Generated dumps against published facts, target by target."""
