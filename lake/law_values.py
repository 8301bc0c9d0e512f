"""The values of a reading as one digest, equal for what a device sent as JSON and for what a table holds as columns.

SQL for DuckDB: one expression for a row of a table, one for a JSON text. Numbers count by their value (31 is 31.0, -0 is 0), a
null field counts as absent, and a field that the contract learnt later is found among what was unknown when it was written.
"""

from lake.contracts import Contract, Field
from lake.schemas import DUCKDB

_ABSENT = "chr(30)"
# What belongs to the reading's identity or envelope and not to its values.
_OWN = ("ts", "boot", "seq", "device_id")


def digest_of_columns(contract: Contract) -> str:
    """Over the columns of a bronze or silver row."""
    fields = [f'COALESCE("{f.name}", TRY_CAST("_extra" ->> {_pointer(f)} AS {DUCKDB[f.type]}))' for f in contract.fields]
    texts = [f"COALESCE({_text(field, value)}, {_ABSENT})" for field, value in zip(contract.fields, fields, strict=True)]
    return _digest(texts, _others(contract, '"_extra"::JSON'))


def digest_of_json(contract: Contract, document: str) -> str:
    """Over a reading as JSON, an SQL expression; what does not fit its field's type counts as it was written."""
    structure = ", ".join(f'"{field.name}": "{DUCKDB[field.type]}"' for field in contract.fields)
    typed = f"json_transform({document}, '{{{structure}}}')"
    texts = [
        f"COALESCE({_text(field, f'struct_extract({typed}, {_quoted(field.name)})')}, 'as sent: ' || ({document} ->> {_pointer(field)}), {_ABSENT})"
        for field in contract.fields
    ]
    return _digest(texts, _others(contract, document))


def _digest(texts: list[str], others: str) -> str:
    return f"md5(concat_ws(chr(31), {', '.join([*texts, others])}))"


def _text(field: Field, value: str) -> str:
    # Adding nothing makes a negative zero a plain one.
    return f"({value} + 0.0)::VARCHAR" if field.type == "float64" else f"({value})::VARCHAR"


def _others(contract: Contract, document: str) -> str:
    """What the contract does not know, in the order of its keys."""
    known = ", ".join(_quoted(name) for name in (*(field.name for field in contract.fields), *_OWN))
    keys = f"list_sort(list_filter(json_keys({document}), lambda key: key NOT IN ({known})))"
    pointer = "'/' || replace(replace(key, '~', '~0'), '/', '~1')"
    number = f"({document} ->> ({pointer}))::DOUBLE::VARCHAR"
    is_number = f"json_type({document}, {pointer}) IN ('DOUBLE', 'BIGINT', 'UBIGINT')"
    value = f"CASE WHEN {is_number} THEN {number} ELSE COALESCE({document} ->> ({pointer}), 'null') END"
    return f"CASE WHEN len({keys}) > 0 THEN array_to_string(list_transform({keys}, lambda key: key || '=' || {value}), chr(31)) ELSE '' END"


def _pointer(field: Field) -> str:
    return _quoted(f"/{field.name}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
