"""GET /docs: the page of all operations, by Swagger UI, whose files are served here: it needs no other host, and no internet."""

from importlib.resources import files
from typing import Literal

import fastapi_offline
from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response

router = APIRouter(include_in_schema=False)

# Swagger UI colours by style attributes, and has its pictures in its style.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
}
# Addresses are relative: behind API Gateway a stage stands before them.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>fleetlake</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon.png">
</head>
<body>
<div id="operations"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/begin.js"></script>
</body>
</html>
"""
_BEGIN = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#operations", deepLinking: true, validatorUrl: null});\n'


@router.get("/docs")
def page() -> HTMLResponse:
    return HTMLResponse(_PAGE, headers=_HEADERS)


@router.get("/docs/begin.js")
def begin() -> Response:
    return Response(_BEGIN, media_type="text/javascript")


@router.get("/docs/{name}")
def file(name: Literal["swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"]) -> FileResponse:
    # Of that package its files alone are wanted: the application that it would make is FastAPI's own class.
    return FileResponse(str(files(fastapi_offline) / "static" / name))
