"""A result of PyMySQL's whose columns and rows take less time to decode."""

from __future__ import annotations

from typing import Any

from pymysql.connections import MySQLResult

#: So many descriptions of columns are kept for a connection, of so many bytes at most.
_KEPT, _LARGEST = 100, 4096

#: The first byte of a value is its size, or that it is NULL, or that two bytes with its size follow.
_NULL, _TWO_BYTES = 251, 252


class Result(MySQLResult):
    """PyMySQL's, which decodes rows in the reader's buffer; PyMySQL itself calls some 40 functions for each.

    A statement that is sent again has the same columns, byte by byte; and it takes rows that have come as a whole.
    Errors, the end and anything unusual are left to PyMySQL.
    """

    def _get_descriptions(self) -> None:
        own: Any = self
        connection, kept = own.connection, own.connection.descriptions
        number = connection._next_seq_id
        packets = _whole(connection._rfile.peek(), own.field_count + 1)  # the last one says that it was the last
        key = number, connection.encoding, packets
        if (found := kept.get(key)) is not None:
            own.fields, own.converters, own.description = found
            connection._rfile.read(len(packets))
            connection._next_seq_id = (number + own.field_count + 1) % 256
            return
        super()._get_descriptions()  # type: ignore[misc]
        if packets:
            if len(kept) >= _KEPT:
                kept.clear()
            kept[key] = own.fields, own.converters, own.description

    def _read_rowdata_packet(self) -> None:
        own: Any = self
        rows: list[Any] = []
        while not own._check_packet_is_eof(packet := own.connection._read_packet()):
            rows.append(own._read_row_from_packet(packet))
            _take_buffered(own.connection, own.converters, rows)
        self.affected_rows, self.rows = len(rows), tuple(rows)


def _whole(data: bytes, count: int) -> bytes:
    """Return the first ``count`` packets, or nothing if they are not all there, or large."""
    end = 0
    try:
        for _ in range(count):
            end += 4 + (data[end] | data[end + 1] << 8 | data[end + 2] << 16)
    except IndexError:
        return b""
    return data[:end] if end <= min(len(data), _LARGEST) else b""


def _take_buffered(connection: Any, converters: Any, rows: list[Any]) -> None:
    data = connection._rfile.peek()
    taken, number = 0, connection._next_seq_id
    try:
        # Errors begin with 255, the end with 254.
        while data[taken + 3] == number and data[taken + 4] < 254:
            place = taken + 4
            end = place + (data[taken] | data[taken + 1] << 8 | data[taken + 2] << 16)
            row: list[Any] = []
            for encoding, convert in converters:
                size, place = data[place], place + 1
                if size >= _NULL:
                    if size == _NULL:
                        row.append(None)
                        continue
                    if size != _TWO_BYTES:
                        raise ValueError(size)
                    size, place = data[place] | data[place + 1] << 8, place + 2
                value: Any = data[place : place + size]
                place += size
                if encoding is not None:
                    value = value.decode(encoding)
                row.append(value if convert is None else convert(value))
            if place != end or end > len(data):
                break
            rows.append(tuple(row))
            taken, number = end, (number + 1) % 256
    except Exception:  # at the end of the buffer, or garbage: PyMySQL reads on, and raises its own
        pass
    connection._rfile.read(taken)
    connection._next_seq_id = number
