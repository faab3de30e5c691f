# SPDX-License-Identifier: BSD-3-Clause
"""train --tensorboard: the rows of metrics.jsonl as events, read here without TensorBoard."""
import struct

import numpy
import support


def crc32c(data):
    """RFC 3720, by a table."""
    total = 0xFFFFFFFF
    for byte in data:
        total = TABLE[(total ^ byte) & 0xFF] ^ (total >> 8)
    return total ^ 0xFFFFFFFF


def _table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


TABLE = _table()
assert crc32c(b"123456789") == 0xE3069283  # the check value of the catalogues


def records(path):
    """TFRecords, with their masked checksums."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        length, length_sum = struct.unpack_from("<QI", data, at)
        body = data[at + 12:at + 12 + length]
        body_sum, = struct.unpack_from("<I", data, at + 12 + length)
        for part, expected in ((data[at:at + 8], length_sum), (body, body_sum)):
            total = crc32c(part)
            assert ((total >> 15 | total << 17) + 0xA282EAD8) & 0xFFFFFFFF == expected, path
        yield body
        at += 16 + length


def fields(message):
    """(number, value) of a message of protocol buffers: varints, 64 bits, bytes, 32 bits."""
    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value
    at = 0
    while at < len(message):
        key = varint()
        size = {0: None, 1: 8, 5: 4}.get(key & 7, "bytes")
        if size is None:
            yield key >> 3, varint()
            continue
        size = varint() if size == "bytes" else size
        yield key >> 3, message[at:at + size]
        at += size


def read_events(folder):
    """{step: {tag: value}} as TensorBoard keeps it, the versions of the files, and their times."""
    rows, versions, times = {}, [], []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for body in records(path):
            event = dict(fields(body))
            step, (time,) = event.get(2, 0), struct.unpack("<d", event[1])
            times.append(time)
            if 3 in event:
                versions.append(event[3])
            if dict(fields(event.get(7, b""))).get(1) == 1:  # SessionLog.START
                rows = {s: row for s, row in rows.items() if s < step}
            for _, value in fields(event.get(5, b"")):
                parts = dict(fields(value))
                rows.setdefault(step, {})[parts[1].decode()] = struct.unpack("<f", parts[2])[0]
    return rows, versions, times


class TensorBoard(support.TestCase):
    def train(self, *options, run="run", ranks=None, rc=0):
        result = support.run(support.COTERIE, "train", "--output", self.folder / run, "--quiet", "--experts", 2,
                             *options, ranks=ranks)
        self.assertEqual(result.rc, rc, str(result))
        return self.folder / run

    def check(self, folder, metrics, n_files=1):
        rows, versions, times = read_events(folder)
        self.assertEqual(versions, [b"brain.Event:2"] * n_files)
        self.assertEqual(sorted(times), times)
        self.assertEqual(list(rows), [row["step"] for row in metrics])
        for row in metrics:
            expected = {key: numpy.float32(value) for key, value in row.items() if value is not None}
            self.assertEqual(rows[row["step"]], expected)

    def test_rows(self):
        """Every column at its step, also where there are several steps an epoch."""
        run = self.train("--tensorboard", "--epochs", 4, "--batch-size", 100, "--valid", 0.2, ranks=2)
        self.check(run, support.read_metrics(run))
        self.assertEqual([row["step"] for row in support.read_metrics(run)], [0, 4, 8, 12, 16])

    def test_resumed(self):
        """A second file goes on; what a killed run wrote behind its checkpoint is forgotten."""
        run = self.train("--tensorboard", "--epochs", 3)
        late = self.train("--tensorboard", "--epochs", 9, run="late")
        first, = run.glob("events*")
        other, = late.glob("events*")
        first.write_bytes(b"".join([first.read_bytes(), other.read_bytes()[first.stat().st_size:]]))
        self.assertEqual(max(read_events(run)[0]), 9)
        self.train("--resume", "auto", "--epochs", 6)  # the option is that of the checkpoint
        self.check(run, support.read_metrics(run), n_files=2)
        self.assertEqual(len(support.read_metrics(run)), 7)

    def test_begun_without(self):
        run = self.train("--epochs", 3)
        self.assertEqual(list(run.glob("events*")), [])
        self.train("--resume", "auto", "--epochs", 5, "--tensorboard")
        self.check(run, support.read_metrics(run))

    def test_starts(self):
        run = self.train("--tensorboard", "--epochs", 3, "--starts", 2, "--valid", 0.3)
        self.check(run, support.read_metrics(run))
        lost, = (run / "starts").glob("*.jsonl")
        self.check(run / "starts" / lost.stem, [support.json.loads(line) for line in lost.read_text().splitlines()])
        self.assertEqual([path.name for path in (run / "starts").iterdir() if path.is_dir()], [lost.stem])


if __name__ == "__main__":
    support.main()
