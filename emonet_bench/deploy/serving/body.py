"""Request bodies: read into memory, within limits, and multipart forms taken apart. Nothing touches the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from emonet_bench.deploy.serving.errors import Disconnected, RequestError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks
    from starlette.requests import Request

    from emonet_bench.deploy.serving.admission import Held

_MOST_PARTS = 32
_MOST_TEXT = 1_000  # bytes of a field that is no file


async def read_body(request: Request, held: Held, most: int) -> bytes:
    """Read a body.

    Args:
        request: Whose body.
        held: Where its bytes are counted.
        most: Most bytes.

    Raises:
        RequestError: It is too large, compressed, or the server holds enough.
        Disconnected: The client left meanwhile.
    """
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise RequestError(415, f"Content-Encoding: {encoding!r} is not taken; send the body as it is")
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:20]) > most:
        raise _too_large(most)
    body = bytearray()
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        if len(body) + len(part) > most:
            raise _too_large(most)
        held.take(len(part))
        body += part
        if not message.get("more_body", False):
            return bytes(body)


def parse_form(body: bytes, content_type: str) -> tuple[dict[str, str], bytes]:
    """Take a ``multipart/form-data`` body apart.

    Args:
        body: The body.
        content_type: The header, which says the boundary.

    Returns:
        The fields but for ``file``, and the content of ``file``.

    Raises:
        RequestError: It is damaged, or holds no file or two.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise RequestError(400, "multipart: the Content-Type names no boundary; let the HTTP library write it")
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise RequestError(400, f"multipart: damaged ({error}); let an HTTP library write it") from error
    if not form.complete:
        raise RequestError(400, "multipart: ends before its last boundary; send all of it")
    return form.result()


class _Form:
    """Collects what the parser finds."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, bytearray]] = []
        self.complete = False
        self._field = bytearray()
        self._value = bytearray()
        self._headers: dict[str, bytes] = {}

    def callbacks(self) -> MultipartCallbacks:
        """Name what the parser is to call."""
        return {
            "on_part_begin": self._begin_part,
            "on_header_begin": self._begin_header,
            "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._name_part,
            "on_part_data": lambda data, start, end: self.parts[-1][1].extend(memoryview(data)[start:end]),
            "on_end": self._end,
        }

    def result(self) -> tuple[dict[str, str], bytes]:
        """Tell the file from the other fields.

        Raises:
            RequestError: There is no file or two; or a field comes twice, is too long or no text.
        """
        fields: dict[str, bytes] = {}
        for name, content in self.parts:
            if name in fields:
                raise RequestError(400, f"multipart: the field {name[:40]!r} comes twice; send it once")
            if name != "file" and len(content) > _MOST_TEXT:
                raise RequestError(400, f"multipart: the field {name[:40]!r} is too long; the audio belongs in 'file'")
            fields[name] = bytes(content)
        file = fields.pop("file", None)
        if file is None:
            raise RequestError(400, "multipart: holds no field 'file'; send the audio in it")
        try:
            return {name: content.decode() for name, content in fields.items()}, file
        except UnicodeDecodeError as error:
            raise RequestError(400, "multipart: a field is no UTF-8 text") from error

    def _begin_part(self) -> None:
        if len(self.parts) == _MOST_PARTS:
            raise RequestError(400, f"multipart: more than {_MOST_PARTS} fields")
        self._headers = {}

    def _begin_header(self) -> None:
        self._field, self._value = bytearray(), bytearray()

    def _end_header(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = bytes(self._value)

    def _name_part(self) -> None:
        options = parse_options_header(self._headers.get("content-disposition", b""))[1]
        if b"name" not in options:
            raise RequestError(400, "multipart: a part has no name; give each a Content-Disposition with one")
        self.parts.append((options[b"name"].decode("latin-1"), bytearray()))

    def _end(self) -> None:
        self.complete = True


def _too_large(most: int) -> RequestError:
    return RequestError(413, f"body: larger than {most} bytes; send shorter or compressed audio (FLAC, Ogg)")
