"""The interactive model: a page on which grid, load and policies can be changed and run."""
