"""A written corpus of what hostile or broken devices send, each payload with what must become of it.

What is expected is written beside each payload or follows from how it was made (cases.py); nothing here asks the decoder.
Reasons have a list of 50 or more each, but for two that are not decode's to give: ``event_id_conflict`` is found at silver
(tests/spark_jobs/test_silver.py) and ``gate_refused`` is said by a person (tests/cli/test_quality_decisions.py).
"""
