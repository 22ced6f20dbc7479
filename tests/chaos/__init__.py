"""Faults in the middle of traffic: `make chaos`, `make chaos ONLY=redis`, `make chaos RUNS=2`."""
