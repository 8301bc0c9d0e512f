"""No DAG: the contract files that are wrong, as an import error of this file, where Airflow shows those of any DAG.

The other contracts have their DAGs all the same. An error beside them would take them away: Airflow keeps no DAG of a file that fails.
Airflow reads this file because the words airflow and dag stand in it.
"""

from lake.contracts import sound_contracts
from runtime.errors import ContractError
from runtime.platforms import current_platform

_wrong = sound_contracts(current_platform().settings.contracts_folder).wrong
if _wrong:
    raise ContractError("; ".join(str(error) for error in _wrong.values()))
