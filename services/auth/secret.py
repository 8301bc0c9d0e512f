"""The key that all processes of the APIs sign with: what a list goes on with, and what a challenge is bound to.

It is an item of the REQUESTS table without an end, made by whichever process comes first, and is the same on a laptop and on AWS. Who may
read that table may forge such marks, which are worth no access to anything; Secrets Manager would cost a call, a price and a permission more.
To change it delete the item and start the processes again: lists begin anew.
"""

import secrets

from botocore.exceptions import ClientError

from fleet import tables
from runtime.platforms import Platform

_ITEM = {"request": {"S": "signing-key"}}
_BYTES = 32


def signing_key(platform: Platform) -> bytes:
    dynamodb, table = platform.client("dynamodb"), tables.REQUESTS.full_name(platform.settings)
    if there := dynamodb.get_item(TableName=table, Key=_ITEM, ConsistentRead=True).get("Item"):
        return bytes(there["key"]["B"])
    fresh = secrets.token_bytes(_BYTES)
    try:
        dynamodb.put_item(
            TableName=table,
            Item={**_ITEM, "key": {"B": fresh}},
            ConditionExpression="attribute_not_exists(#r)",
            ExpressionAttributeNames={"#r": "request"},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        # Another process was first.
        return signing_key(platform)
    return fresh
