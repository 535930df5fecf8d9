"""An experiment at smoke size, as its tests run it."""

import dataclasses
from typing import Any


def smoke(module: Any, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    figures: dict[str, Any] = {}
    return module.main(dataclasses.replace(module.Config.smoke(), **changes), figures.__setitem__), figures
