"""The fault matrix: a worker against a queue and a bucket that fail in every way that is known, one way a case.

``python -m tests.faults --list`` names the cases, ``python -m tests.faults NAME…`` runs them (``--seed`` reproduces a run).
The worker is the real one, and speaks HTTP through a proxy that puts the fault in; behind it is a stand-in of SQS and S3 in
memory, whose clock can be moved. Each case asserts that its fault fired, and that the law holds by a checker of its own.
"""
