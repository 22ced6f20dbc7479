"""The figures of the main job, measured on this machine: `make bench`, `make bench ONLY=latency`."""
