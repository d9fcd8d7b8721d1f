"""TVAE, a variational autoencoder of table rows."""
