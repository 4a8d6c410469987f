"""Counters by name."""

from posthaus.base.metric import Metric


def test_counts() -> None:
    metric = Metric()
    metric.count("b.two")
    metric.count("a.one", 5)
    metric.count("b.two")
    assert metric.value("b.two") == 2
    assert metric.value("never") == 0
    assert list(metric.snapshot().items()) == [("a.one", 5), ("b.two", 2)]
