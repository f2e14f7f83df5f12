"""Writes docs/api.md: every public name with its signature, its shapes and one sentence; and those in descriptors.md.

``python docs/api.py`` writes the page anew. What is not on it may change without notice; a test holds the page to the
code, and the plugins and templates of this repository to the page. In ``docs/descriptors.md`` it fills the places
between ``<!-- package.module.Name -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

PAGE = Path(__file__).with_name("api.md")
DESCRIPTORS = Path(__file__).with_name("descriptors.md")

PUBLIC: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("public_names.toml").read_text(encoding="utf-8"))
"""The public names, by the module that they are imported from."""

_WIDTH = 100  # characters of a signature on one line
_SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises):\n((?:    .*\n?|\n(?=    ))+)", re.MULTILINE)

_HEAD = """# The public API

Plugins import these names and no others: what is not here may change without notice. `python docs/api.py` writes
this page. [Hooks](hooks.md) have a page of their own; [descriptors](descriptors.md) tells how the parts go together.
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_HEAD, *(line for module in PUBLIC for line in _module(module))])


def descriptors() -> str:
    """Return the page of descriptors with every place filled."""
    places = re.compile(r"(<!-- ([\w.]+)\.(\w+|\*) -->\n).*?(<!-- end -->)", re.DOTALL)

    def filled(place: re.Match[str]) -> str:
        text = "\n".join(_filled(place[2], place[3])).rstrip()
        return f"{place[1]}\n{text}\n\n{place[4]}"

    return places.sub(filled, DESCRIPTORS.read_text(encoding="utf-8"))


def _filled(module: str, name: str) -> Iterator[str]:
    """Yield what stands in a place: one name, or of ``*`` a line for each public name of the module."""
    host = importlib.import_module(module)
    if name != "*":
        assert name in PUBLIC[module], f"{module}.{name} is not public"
        yield from _body(name, getattr(host, name), wrapped=True)
        return
    for public in PUBLIC[module]:
        yield f"- `{public}`: {_sentence(getattr(host, public))}"


def _module(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    yield f"## {name}\n"
    yield f"{_sentence(module)}\n"
    for public in PUBLIC[name]:
        yield from _entry(public, getattr(module, public))


def _entry(name: str, thing: Any) -> Iterator[str]:
    yield f"### {name}\n"
    yield from _body(name, thing)


def _body(name: str, thing: Any, *, wrapped: bool = False) -> Iterator[str]:
    """Yield signature, sentence, arguments and methods.

    Args:
        name: The public name.
        thing: What has it.
        wrapped: Whether each argument of a long signature has a line of its own.
    """
    if not callable(thing) or not inspect.getdoc(thing) or getattr(thing, "__module__", "").startswith("pluggy"):
        yield f"`{_shown(thing)}`\n"
        return
    signature = "(**fields)" if _is_model(thing) else _signature(thing)
    shown = f"{'class' if inspect.isclass(thing) else 'def'} {name}{signature}"
    yield f"```python\n{_wrapped(shown) if wrapped else shown}\n```\n"
    yield f"{_sentence(thing)}\n"
    yield from _listed(thing)
    if inspect.isclass(thing):
        yield from _fields(thing)
        yield from _methods(thing)


def _is_model(thing: Any) -> bool:
    return inspect.isclass(thing) and issubclass(thing, BaseModel) and bool(thing.model_fields)


def _fields(thing: type[Any]) -> Iterator[str]:
    """List the described fields of a pydantic model: their annotations are too long for a signature."""
    if _is_model(thing):
        described = {name: field.description for name, field in thing.model_fields.items() if field.description}
        yield from (f"- {name}: {description}" for name, description in described.items())
        yield ""


def _methods(thing: type[Any]) -> Iterator[str]:
    for name, method in vars(thing).items():
        function = getattr(method, "__func__", method)
        if name.startswith("_") or not inspect.isfunction(function) or not function.__doc__:
            continue
        yield f"- `{name}{_signature(function)}`: {_sentence(function)}"
        for line in _sections(inspect.getdoc(function) or ""):
            yield f"  {line}"
    yield ""


def _listed(thing: Any) -> Iterator[str]:
    lines = list(_sections(inspect.getdoc(thing) or ""))
    yield from lines
    if lines:
        yield ""


def _sections(doc: str) -> Iterator[str]:
    """Yield what a Google docstring says of arguments, results and errors, a bullet each."""
    for title, body in _SECTION.findall(doc):
        entries = re.split(r"\n(?=    \S)", body.rstrip("\n"))
        for entry in entries:
            text = " ".join(entry.split())
            yield f"- {text}" if title in ("Args", "Attributes") else f"- {title.lower()}: {text}"


def _sentence(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


def _signature(thing: Any) -> str:
    try:
        shown = re.sub(r"ForwardRef\(('[^']*')\)", r"\1", str(inspect.signature(thing)))
        shown = re.sub(r"""(: |-> )(["'])(.*?)\2""", r"\1\3", shown)  # annotations, not defaults
        return re.sub(r"<factory>|<object object at 0x\w+>", "...", shown)
    except (TypeError, ValueError):
        return "(...)"


def _wrapped(signature: str) -> str:
    """Give each argument a line where one line is too short for all."""
    if len(signature) <= _WIDTH:
        return signature
    head, _, rest = signature.partition("(")
    inner, end = rest[: rest.rindex(")")], rest[rest.rindex(")") :]
    arguments = re.split(r", (?=(?:\*|\w+: |/))", inner)
    return f"{head}(\n" + "".join(f"    {argument},\n" for argument in arguments) + end


def _shown(thing: Any) -> str:
    return re.sub(r" object at 0x\w+", "", repr(thing))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    DESCRIPTORS.write_text(descriptors(), encoding="utf-8")
