"""The order of the measurements, and the statistics of their times."""

from __future__ import annotations

import pytest

from benchmarks.samples import Sample, difference, interleaved, ratio, timed


def test_everybody_has_a_turn_in_every_round_and_who_begins_changes() -> None:
    turns: list[str] = []

    def turn(name: str) -> float:
        turns.append(name)
        return float(len(turns))

    samples = interleaved({"a": lambda: turn("a"), "b": lambda: turn("b")}, rounds=2, warm_up=1)
    assert turns == ["a", "b", "b", "a", "a", "b"]
    # The first round does not count.
    assert samples == {"a": Sample((4.0, 5.0)), "b": Sample((3.0, 6.0))}


def test_the_median_and_the_quartiles() -> None:
    sample = Sample((1.0, 2.0, 3.0, 4.0, 100.0))
    assert sample.median == 3
    assert sample.spread == (2, 4)
    assert Sample((3.0, 1.0)).spread == (1, 3)
    assert Sample((3.0,)).spread == (3, 3)
    assert sample.to_dict() == {"median": 3, "low": 2, "high": 4, "values": [1, 2, 3, 4, 100]}


def test_a_ratio_is_that_of_each_round() -> None:
    ours, floor = Sample((2.0, 30.0, 6.0)), Sample((1.0, 10.0, 3.0))
    assert ratio(ours, floor).values == (2, 3, 2)
    assert difference(ours, floor).values == (1, 20, 3)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        ratio(ours, Sample((1.0,)))


def test_many_times_in_a_row() -> None:
    done: list[int] = []
    assert timed(lambda: done.append(1), 5) >= 0
    assert len(done) == 5
