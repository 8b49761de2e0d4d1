"""Pages: templates with everything escaped, the words for times, and the page for what went wrong."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from agent import __version__
from central.core.access import Asker, Permission
from central.core.plot import plot
from central.core.times import moment, span
from central.web.shield import Forms

_FOLDER = Path(__file__).parent
STATIC = _FOLDER / "static"
_PRIVATE = {"Cache-Control": "no-store"}


class Pages:
    """Renders templates. `now` is Unix seconds, `url` how people call this program."""

    def __init__(self, forms: Forms, now: Callable[[], float], url: str = "") -> None:
        self._forms, self._now = forms, now
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(ago=self._ago, lasting=self._lasting, moment=moment, span=span)
        self._environment.globals.update(version=__version__, plot=plot, url=url, pairs=_pairs)
        for name, file in (
            ("parts", "parts.html"),
            ("lines", "deviation.html"),
        ):  # known in every block, rendered alone too
            self._environment.globals[name] = self._environment.get_template(file).module

    def answer(
        self,
        request: Request,
        template: str,
        values: Mapping[str, Any],
        *,
        asker: Asker | None = None,
        block: str = "",
        status: int = 200,
    ) -> Response:
        """Return the page `template` of `values`; with `block`, that part of it alone."""
        found = self._environment.get_template(template)
        words = {
            "notices": (),
            **values,
            "answer": values,
            "asker": asker,
            "may": (lambda name: asker is not None and asker.may(Permission(name))),
            "form": self._forms.token(request),
            "path": request.url.path,
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "rendered_at": self._now(),
        }
        if block in found.blocks:
            context = found.new_context(words)
            return HTMLResponse("".join(found.blocks[block](context)), status, _PRIVATE)
        return HTMLResponse(found.render(words), status, _PRIVATE)

    def _lasting(self, since: float) -> str:
        return f"for {span(max(0.0, self._now() - since))}"

    def _ago(self, at: float | None) -> str:
        if at is None:
            return "never"
        passed = self._now() - at
        return f"in {span(-passed)}" if passed < -1 else f"{span(passed)} ago" if passed >= 1 else "now"


def _pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return what is offered under its own name."""
    return [(name, name) for name in names]
