"""SMOTE: new rows between training rows and their nearest neighbours."""
