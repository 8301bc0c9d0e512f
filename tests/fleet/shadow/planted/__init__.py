"""The reference model with one bug each."""

from tests.fleet.shadow.planted import answers, documents, emulators, orders, requests
from tests.fleet.shadow.reference import Reference

_MODULES = {module.__name__ for module in (emulators, documents, requests, orders, answers)}
PLANTED = tuple(bug for bug in Reference.__subclasses__() if bug.__module__ in _MODULES)
