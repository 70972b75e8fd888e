"""Holds answers of the REST API against the OpenAPI document that describes them.

Reads {"document": ..., "answers": [{path, method, status, body}]} from standard input; prints a
line for each difference, and how many answers it has judged.
"""

import json
import sys

import jsonschema

given = json.load(sys.stdin)
document = given["document"]
# A reference of a schema counts from the document's root.
root = jsonschema.RefResolver("", document)
formats = jsonschema.FormatChecker()
for schema in document["components"]["schemas"].values():
    jsonschema.Draft202012Validator.check_schema(schema)
for answer in given["answers"]:
    operation = document["paths"][answer["path"]][answer["method"]]
    schema = operation["responses"][answer["status"]]["content"]["application/json"]["schema"]
    judge = jsonschema.Draft202012Validator(schema, resolver=root, format_checker=formats)
    for difference in judge.iter_errors(answer["body"]):
        where = "/".join(map(str, difference.absolute_path))
        print(f"{answer['path']} {where}: {difference.message[:300]}")
print(len(given["answers"]), "answers judged")
