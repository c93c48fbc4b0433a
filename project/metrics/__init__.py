"""Counters for collectors such as Prometheus: counted in memory, added up over all workers."""
