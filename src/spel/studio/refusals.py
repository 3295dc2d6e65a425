"""Refusals that the page says in its own language: a code, values, and the English sentence."""

from __future__ import annotations

from typing import Any

from spel.errors import ParameterError, SpelError


def sentence(error: Exception) -> str:
    """What an error says, in one sentence without the words of the system's calls."""
    if isinstance(error, OSError) and not isinstance(error, SpelError):
        return f"the disk refused it: {error.strerror or error}"
    notes = "; ".join(getattr(error, "__notes__", ()))
    return f"{error} ({notes})" if notes else str(error)


class Refusal(ParameterError):
    """A refused command.

    Parameters
    ----------
    code : str
        ``refused.CODE`` is its entry in the page's locales.
    text : str
        The sentence in English, with ``{name}`` for each value.

    Examples
    --------
    >>> str(Refusal("no_network", "there is no network {name}", name="a"))
    'there is no network a'
    """

    def __init__(self, code: str, text: str, **values: Any) -> None:
        super().__init__(text.format(**values))
        self.code = code
        self.values = {name: str(value) for name, value in values.items()}
