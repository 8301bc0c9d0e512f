"""The reference model with one bug each."""

from tests.fleet.shadow.planted import answers, documents, emulators
from tests.fleet.shadow.reference import Reference

PLANTED = tuple(bug for bug in Reference.__subclasses__() if bug.__module__ in (emulators.__name__, documents.__name__, answers.__name__))
