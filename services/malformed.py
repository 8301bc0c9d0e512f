"""Items of a bulk request that are not as the operation asks for them: each is its own failure, and the others are done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, PlainValidator, ValidationError

from services.problems import Invalid

_Model = TypeVar("_Model", bound=BaseModel)
_MOST_FAULTS = 5
_LONGEST_ID = 128


@dataclass(frozen=True)
class Malformed:
    given: Any
    fault: str

    @property
    def device_id(self) -> str:
        """As it was sent, as far as an id may be long; "" where it is no text."""
        device_id = self.given.get("device_id") if isinstance(self.given, dict) else None
        return device_id[:_LONGEST_ID] if isinstance(device_id, str) else ""

    def problem(self) -> Invalid:
        """What a single call would have been answered."""
        return Invalid(f"the item is not as the operation asks for it: {self.fault}")


def each_alone(model: type[_Model]) -> PlainValidator:
    """Of a list's items, in an annotation of `model` or Malformed: reads each by `model`, whose schema stays the items'."""
    return PlainValidator(_reader(model), json_schema_input_type=model)


def _reader(model: type[_Model]) -> Callable[[Any], _Model | Malformed]:
    def read(value: Any) -> _Model | Malformed:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            return Malformed(value, "; ".join(_told(each) for each in error.errors(include_url=False)[:_MOST_FAULTS]))

    return read


def _told(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    return f"{place}: {fault['msg']}" if place else str(fault["msg"])
