"""Release: whether a sample may be published, by planted canaries and the privacy measures."""
