"""The single-table synthesizers of the Synthetic Data Vault (SDV), as the library gives them."""
