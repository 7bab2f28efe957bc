"""What the library costs above the bare server, in one table: ``python -m benchmarks``.

Every figure is measured against its floor, the same statements through the bare driver, in interleaved rounds of one
run; a ratio is the median of the rounds' own ratios. Nothing here passes or fails: docs/benchmarks.md says how to read
it. Runs on SQLite and on the servers that the tests would run on.
"""
