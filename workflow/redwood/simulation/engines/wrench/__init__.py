"""WRENCH, through the REST interface of its `wrench-daemon`."""
