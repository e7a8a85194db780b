"""The JSON schema as an editor uses it: `schema.py SCHEMA FILE...` prints how many complaints it has about each file."""

import json
import sys

import yaml
from jsonschema import validators

with open(sys.argv[1]) as file:
    schema = json.load(file)
validator = validators.validator_for(schema)
validator.check_schema(schema)
for name in sys.argv[2:]:
    with open(name) as file:
        document = yaml.safe_load(file)
    print(len(list(validator(schema).iter_errors(document))))
