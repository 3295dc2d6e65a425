"""Counts and times of requests, as text that Prometheus reads (exposition format 0.0.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histogram of seconds."""

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What was served so far.

    Parameters
    ----------
    labels : mapping
        Constant labels of the metric ``spel_info``.

    Examples
    --------
    >>> metrics = Metrics({"version": "1"})
    >>> metrics.record("/detect", 200, 0.03)
    >>> [line for line in metrics.text({}).splitlines() if "requests_total{" in line]
    ['spel_requests_total{path="/detect",status="200"} 1']
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._info = dict(labels)
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets = [0] * len(BUCKETS)
        self._count, self._seconds = 0, 0.0
        self.received_bytes = 0

    def record(self, path: str, status: int, seconds: float | None) -> None:
        """Count a request; the seconds are those of an image that was answered."""
        self._requests[path, status] += 1
        if seconds is not None:
            self._count += 1
            self._seconds += seconds
            for index, bound in enumerate(BUCKETS):
                self._buckets[index] += seconds <= bound

    def text(self, gauges: Mapping[str, tuple[str, str, float]]) -> str:
        """All metrics; `gauges` are further ones: their type, what they mean, and their value."""
        lines = [*self._lines()]
        for name, (kind, meaning, value) in gauges.items():
            lines += [*_head(name, kind, meaning), f"{name} {value:g}"]
        return "\n".join(lines) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from _head("spel_info", "gauge", "Version of spel and the model that is served.")
        yield f"spel_info{_labels(self._info)} 1"
        yield from _head("spel_requests_total", "counter", "Requests by path and status.")
        for (path, status), count in sorted(self._requests.items()):
            yield f"spel_requests_total{_labels({'path': path, 'status': str(status)})} {count}"
        name = "spel_request_seconds"
        yield from _head(name, "histogram", "Seconds from head to answer of images.")
        for bound, count in zip(BUCKETS, self._buckets):
            yield f"{name}_bucket{_labels({'le': f'{bound:g}'})} {count}"
        yield f'{name}_bucket{{le="+Inf"}} {self._count}'
        yield f"{name}_sum {self._seconds:.6f}"
        yield f"{name}_count {self._count}"
        yield from _head("spel_received_bytes_total", "counter", "Bytes of images received.")
        yield f"spel_received_bytes_total {self.received_bytes}"


def _head(name: str, kind: str, meaning: str) -> tuple[str, str]:
    return f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"


def _labels(labels: Mapping[str, str]) -> str:
    """Labels with backslash, quote and line feed escaped.

    Examples
    --------
    >>> _labels({"a": 'x"y'})
    '{a="x\\\\"y"}'
    """
    escaped = (
        (name, value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n"))
        for name, value in labels.items()
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"
