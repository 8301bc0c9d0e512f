"""The worker with a time-series store that takes everything and keeps nothing: what the way to the lake alone costs."""

import sys

from ingestion import worker_process
from ingestion.projection import Projection
from ingestion.rows import Rows


def main() -> int:
    def project(projection: Projection, rows: Rows, put_at: object) -> int:
        return 0

    Projection.project = project  # type: ignore[method-assign,assignment]
    return worker_process.main()


if __name__ == "__main__":
    sys.exit(main())
