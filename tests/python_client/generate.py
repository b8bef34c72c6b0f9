"""The Python client that turms generates: one typed method for every operation that the clients send.

Answers become pydantic models, enumerations enums and scalars what Python has for them. Nothing here knows the server.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from turms.config import GraphQLProject
from turms.run import generate

_ROOT = Path(__file__).parents[2]
_GATEWAY = "tests.python_client.gateway"
_MODULE = "timebok_client"


def generated(folder: Path) -> ModuleType:
    """Writes the client into this folder and imports it.

    It has a class `Timebok`, whose methods are the operations (`CreateOption` is `create_option`), a class for every
    input, enumeration and answer, and a class for every fragment (`EntryFieldsBooking`).
    """
    documents = [path for path in (_ROOT / "tests" / "clients").glob("*.graphql") if path.stem != "inputs"]
    wanted = folder / "operations.graphql"
    wanted.write_text("\n".join(path.read_text() for path in documents))
    code, _ = generate(_project(wanted))
    path = folder / f"{_MODULE}.py"
    path.write_text(code)
    spec = spec_from_file_location(_MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    # Its classes name each other, and are looked for where modules are.
    sys.modules[_MODULE] = made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def _project(documents: Path) -> GraphQLProject:
    """What to generate, and from what."""
    bases = {f"{kind}_bases": [f"{_GATEWAY}.Operation"] for kind in ("query", "mutation", "subscription")}
    plugins = [
        {"type": "turms.plugins.enums.EnumsPlugin"},
        {"type": "turms.plugins.inputs.InputsPlugin"},
        {"type": "turms.plugins.fragments.FragmentsPlugin"},
        {"type": "turms.plugins.operations.OperationsPlugin", **bases},
        {
            "type": "turms.plugins.client.ClientPlugin",
            "client_class": "Timebok",
            "client_bases": [f"{_GATEWAY}.Gateway"],
            "sync_methods": False,
            "prepend_async": "",
        },
    ]
    settings = {
        "scalar_definitions": {
            "Cursor": "str",
            "Date": f"{_GATEWAY}.Day",
            "DateTime": "pydantic.AwareDatetime",
            "LocalTime": f"{_GATEWAY}.ClockTime",
            "TimeZone": "zoneinfo.ZoneInfo",
        },
        "stylers": [{"type": "turms.stylers.default.DefaultStyler"}],
        "plugins": plugins,
        # An answer that fits no type of the schema is an error, not an entry of some unknown kind.
        "create_catchall": False,
        "options": {"enabled": True, "types": ["input"], "populate_by_name": True, "extra": "forbid"},
    }
    return GraphQLProject.model_validate(
        {"schema": str(_ROOT / "schema.graphql"), "documents": str(documents), "extensions": {"turms": settings}}
    )
