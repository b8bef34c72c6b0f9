"""How Google is to applications: well, slow, away or too busy, as the person at the page chooses.

Owns the choice and its panel. What each fault does stands in `trouble`.
"""

from __future__ import annotations

from enum import StrEnum

from sync.sandbox.faults import FaultKind
from sync.sandbox.frame import text
from sync.sandbox.state import SandboxGoogle


class Mood(StrEnum):
    """What meets every request of an application until the next choice."""

    WELL = "well"
    SLOW = "slow"
    AWAY = "away"
    BUSY = "busy"


_SAYS = {
    Mood.WELL: "Google is well",
    Mood.SLOW: "Slow: every answer takes three seconds",
    Mood.AWAY: "Away: every request fails",
    Mood.BUSY: "Busy: too many requests, come back in 20 seconds",
}
_FAULTS = {
    Mood.SLOW: (FaultKind.SLOW, 3.0),
    Mood.AWAY: (FaultKind.SERVER_ERROR, None),
    Mood.BUSY: (FaultKind.USER_RATE_LIMITED, 20.0),
}


def mood_of(google: SandboxGoogle) -> Mood:
    """How Google is now."""
    lasting = google.faults.lasting
    return next((mood for mood, (kind, _) in _FAULTS.items() if kind in lasting), Mood.WELL)


def choose(google: SandboxGoogle, mood: Mood) -> None:
    """Ends whatever was wrong, and begins this."""
    google.faults.clear()
    if mood in _FAULTS:
        kind, seconds = _FAULTS[mood]
        google.faults.add(kind, None, seconds=seconds)


def mood_html(google: SandboxGoogle, where: str) -> str:
    """The panel. `where`: hidden fields that lead back to the same place, and say whose grant is taken back."""
    now = mood_of(google)
    options = "".join(
        f'<option value="{mood}"{" selected" if mood is now else ""}>{text(says)}</option>'
        for mood, says in _SAYS.items()
    )
    return f"""<section class="panel"><h2>How Google is</h2>
<form method="post" action="/mood">{where}<label>For applications<select name="mood">{options}</select></label>
<p class="buttons"><button>Make it so</button>
<button class="danger" formaction="/grants/revoke">Take back the grant</button></p></form></section>"""
