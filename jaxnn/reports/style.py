"""How the page looks in light, dark and print, and the few lines of script that let a reader sort the leaderboard."""

import base64
import hashlib
from pathlib import Path

CSS = Path(__file__).with_name("page.css").read_text("utf-8")
SCRIPT = Path(__file__).with_name("sort.js").read_text("utf-8")

# Only this script may run and nothing may be loaded, whatever the names in the data say.
_DIGEST = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_DIGEST}'"
