"""Starts Spark's Python workers on a laptop: ``pyspark.daemon`` with a shorter path.

Spark puts its own jar and archives of its Python on the path of the workers, and a worker reads the list of all files in each of them
again with every task: a tenth of a second, ten times what a task on a small table takes.
"""

import runpy
import sys


def main() -> None:
    sys.path[:] = [entry for entry in sys.path if not entry.endswith(".jar")]
    # Only now: Python's own `copy` looks for a package `org` of Jython's, finds the jar's, and would keep the jar.
    from spark_jobs.main import import_installed_pyspark

    import_installed_pyspark()
    # The lists of files that were read so far.
    sys.path_importer_cache.clear()
    runpy.run_module("pyspark.daemon", run_name="__main__")


if __name__ == "__main__":
    main()
