"""One figure, or a few that share what they need, in each module: ``measure(bench)`` yields rows."""
