"""Times the codec of the Python SDK: arguments are a blob and how often. Prints microseconds to decode it and to encode it."""
from __future__ import annotations

import sys
import time

from durable_workflow import _avro


def main() -> None:
    blob, times = sys.argv[1], int(sys.argv[2])
    value = _avro.decode(blob)
    for _ in range(times // 5):
        _avro.encode(_avro.decode(blob))
    started = time.perf_counter()
    for _ in range(times):
        _avro.decode(blob)
    decoded = time.perf_counter()
    for _ in range(times):
        _avro.encode(value)
    ended = time.perf_counter()
    print((decoded - started) * 1e6 / times, (ended - decoded) * 1e6 / times)


main()
