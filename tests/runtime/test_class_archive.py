"""The archive of Spark's classes, which set-up makes by running what jobs do."""

from runtime.class_archive import archive_file, jvm_options


def test_set_up_has_made_the_archive_of_this_environment_and_jobs_name_it() -> None:
    # It is there only if the warm-up ran to its end: tens of megabytes of classes.
    assert archive_file().stat().st_size > 50e6
    assert f"-XX:SharedArchiveFile={archive_file()}" in jvm_options().split()
