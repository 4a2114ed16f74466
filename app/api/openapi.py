"""What /openapi.json says of requests that carry pictures."""

from typing import Any

from inkwear.images.decode import FORMATS_IN_WORDS

Schema = dict[str, Any]

BINARY: Schema = {"type": "string", "format": "binary"}

PICTURE = BINARY | {"description": FORMATS_IN_WORDS}

CHOICES: dict[str, Schema] = {
    "model": {"type": "string", "description": "a name from /models; the best one where none is given"},
    "device": {"type": "string", "enum": ["auto", "cpu", "cuda"], "description": "what the server uses, if not given"},
}
"""Fields of a form; of the query where the body is the picture itself."""

DRAFT: dict[str, Schema] = {
    "draft": {
        "type": "boolean",
        "description": "of a drawing whose pen is still down: digits that touch are not looked for",
    }
}

NAME: dict[str, Schema] = {
    "name": {"type": "string", "description": "what errors call the picture, where the body is the picture"}
}


def _body(form: dict[str, Schema], *raw: str) -> Schema:
    """Return the body of a request: a form whose first field is required, or one of its files as it is."""
    schema = {"type": "object", "required": [next(iter(form))], "properties": form}
    content = {"multipart/form-data": {"schema": schema}} | {kind: {"schema": BINARY} for kind in raw}
    return {"requestBody": {"required": True, "content": content}}


def _query(fields: dict[str, Schema]) -> Schema:
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": schema} for name, schema in fields.items()
        ]
    }


FORM_WITH_A_PICTURE = _body({"image": PICTURE} | CHOICES)

ONE_PICTURE = _query(CHOICES | DRAFT | NAME) | _body(
    {"image": PICTURE} | CHOICES | DRAFT, "image/*", "application/octet-stream"
)

MANY_PICTURES = _body(
    {"images": {"type": "array", "items": BINARY, "description": "pictures, and ZIP or TAR archives of them"}}
    | CHOICES,
    "application/zip",
)
