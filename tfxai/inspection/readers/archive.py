"""The members of a `.keras` file, which is a zip archive, or of the folder that Keras writes."""

from __future__ import annotations

import stat
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

from tfxai.inspection.limits import MIB, Limits
from tfxai.inspection.readers.source import Bounded, ByteSource, Malformed
from tfxai.inspection.readers.zips import check_layout
from tfxai.inspection.report import Findings

CONFIG, METADATA = "config.json", "metadata.json"
WEIGHTS, WEIGHTS_NPZ = "model.weights.h5", "model.weights.npz"
OWN = {CONFIG, METADATA, WEIGHTS, WEIGHTS_NPZ}
# What KerasHub keeps beside a backbone, and deserialises as Keras does.
PRESET_CONFIGS = ["task.json", "preprocessor.json", "tokenizer.json", "image_converter.json"]
PRESET_CONFIGS += ["audio_converter.json"]
PRESET_WEIGHTS = "task.weights.h5"
TEXT = (".json", ".md", ".txt", ".png")  # what people add to a model; Keras does not read it
DEFECTS: tuple[type[Exception], ...] = (zipfile.BadZipFile, zlib.error, struct.error, Malformed)
DEFECTS += (EOFError, LookupError, NotImplementedError, OSError, OverflowError, RuntimeError)
DEFECTS += (ValueError,)
PIECE = MIB // 4  # below what `Bounded` allows


@final
class Archive:
    """An open zip archive whose list of members has been checked.

    Args:
        file: Open for reading.
        size: Bytes of the file.
        limits: What it may hold.
        found: Takes what is found.

    Raises:
        Malformed: It is no zip archive, or its list of members is damaged or too long.
    """

    def __init__(self, file: Any, size: int, limits: Limits, found: Findings) -> None:
        self._file, self._size, self._limits, self._found = file, size, limits, found
        try:
            self._zip = zipfile.ZipFile(Bounded(file, limits.directory_bytes))
            infos = self._zip.infolist()
        except DEFECTS as error:
            raise Malformed(str(error) or "it is no whole zip archive") from error
        self.names = [info.filename for info in infos]
        self._check_whole(infos)
        for info in infos:
            self._check(info)
        check_layout(file, size, self._zip, found)

    def read(self, name: str, most: int) -> bytes | None:
        """The bytes of a member; None, with a finding, where it cannot be read."""
        if name not in self.names:
            return None
        try:
            with self._zip.open(name) as member:
                pieces, size = [], 0
                while size <= most and (piece := member.read(PIECE)):
                    pieces.append(piece)
                    size += len(piece)
        except DEFECTS as error:
            self._damaged(name, error)
            return None
        if size > most:
            self._found.refuse(
                "member out of bounds", f"It unpacks to more than {most:,} bytes.", name
            )
            return None
        return b"".join(pieces)

    def source(self, name: str) -> ByteSource | None:
        """A member in whose middle can be read: itself where it is stored, else a copy."""
        info = self._zip.getinfo(name)
        try:
            if info.compress_type == zipfile.ZIP_STORED:
                with self._zip.open(name):  # compares the two places that name it
                    pass
                return self._stored(info)
            return self._unpacked(info)
        except DEFECTS as error:
            self._damaged(name, error)
            return None

    def _stored(self, info: zipfile.ZipInfo) -> ByteSource:
        self._file.seek(info.header_offset)
        name, extra = struct.unpack("<HH", self._file.read(30)[26:30])
        start = info.header_offset + 30 + name + extra
        if info.file_size != info.compress_size or start + info.file_size > self._size:
            raise Malformed("it goes past the end of the archive")
        return ByteSource(self._file, start, info.file_size)

    def _unpacked(self, info: zipfile.ZipInfo) -> ByteSource:
        most = max(MIB, self._limits.ratio * info.compress_size)
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - the source closes it
        try:
            size = 0
            with self._zip.open(info) as member:
                while piece := member.read(PIECE):
                    size += len(piece)
                    if size > most:
                        raise Malformed("it unpacks to far more than is stored")
                    copy.write(piece)
        except BaseException:
            copy.close()
            raise
        return ByteSource(copy, 0, size, owned=True)

    def _damaged(self, name: str, error: Exception) -> None:
        self._found.refuse("damaged member", f"It cannot be read: {error or 'cut short'}.", name)

    # What the list of members says.

    def _check_whole(self, infos: list[zipfile.ZipInfo]) -> None:
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        for name in twice[:10]:
            self._found.refuse(
                "duplicate member",
                "The archive has it more than once: what one reader checks is not what another "
                "one loads.",
                name,
            )
        stored = sum(info.compress_size for info in infos)
        unpacked = sum(info.file_size for info in infos)
        if stored > self._size:
            self._found.refuse(
                "overlapping members",
                f"Its members take {stored:,} bytes of a file of {self._size:,}.",
            )
        if unpacked > self._limits.unpacked_bytes:
            self._found.refuse("decompression bomb", f"It would unpack to {unpacked:,} bytes.")
        self._file.seek(0)
        if self._file.read(4) != b"PK\x03\x04":
            self._found.refuse(
                "something before the archive",
                "The file does not start with its first member: it may be another kind of file "
                "as well.",
            )

    def _check(self, info: zipfile.ZipInfo) -> None:
        name, refuse = info.filename, self._found.refuse
        check_name(info.orig_filename, self._found)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            what = "a symbolic link" if kind == stat.S_IFLNK else "no ordinary file"
            refuse("link", f"It is {what}, which leads outside the model.", name)
        if info.flag_bits & 1:
            refuse("encrypted member", "It is encrypted, so nobody can tell what it is.", name)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            refuse("unusual compression", "Keras does not write it, and it can cost memory.", name)
        if info.file_size > max(MIB, self._limits.ratio * info.compress_size):
            refuse(
                "decompression bomb",
                f"It unpacks from {info.compress_size:,} to {info.file_size:,} bytes.",
                name,
            )


@final
class FolderArchive:
    """A folder with the members of a `.keras` file in it.

    Args:
        path: Path of the folder.
        limits: What it may hold.
        found: Takes what is found.
    """

    def __init__(self, path: Path, limits: Limits, found: Findings) -> None:
        self._path, self._found = path, found
        self.names = [name for name, _ in walked(path, limits, found)]
        for name in self.names:
            if name not in (*PRESET_CONFIGS, PRESET_WEIGHTS):
                check_name(name, found)

    def read(self, name: str, most: int) -> bytes | None:
        """The bytes of a file; None, with a finding, where it is too long."""
        if name not in self.names:
            return None
        with (self._path / name).open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            self._found.refuse("member out of bounds", f"It has more than {most:,} bytes.", name)
            return None
        return data

    def source(self, name: str) -> ByteSource | None:
        """A file in whose middle can be read."""
        path = self._path / name
        return ByteSource(path.open("rb"), 0, path.stat().st_size, owned=True)


def walked(path: Path, limits: Limits, found: Findings) -> Iterator[tuple[str, int]]:
    """Names, below a folder, and sizes of its ordinary files; links are found and not followed."""
    todo, count = [path], 0
    while todo:
        folder = todo.pop()
        for one in sorted(folder.iterdir()):
            count += 1
            if count > limits.objects:
                found.refuse("too many files", f"It has more than {limits.objects:,} files.")
                return
            status = one.lstat()
            name = one.relative_to(path).as_posix()
            if stat.S_ISDIR(status.st_mode):
                todo.append(one)
            elif stat.S_ISREG(status.st_mode):
                yield name, status.st_size
            else:
                linked = stat.S_ISLNK(status.st_mode)
                what = "a symbolic link" if linked else "no ordinary file"
                found.refuse("link", f"It is {what}, which leads outside the model.", name)


def check_name(name: str, found: Findings) -> None:
    """Says what is wrong with the name of a member."""
    parts = name.split("/")
    drive = len(name) > 1 and name[1] == ":"
    if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or drive:
        found.refuse(
            "path outside",
            f"It is called {name[:200]!r}: unpacked, it would lie outside the model's folder.",
            name,
            "GHSA-hqp4-2352-xf5r",
        )
    elif name not in OWN and parts[0] != "assets":
        if len(parts) == 1 and name.lower().endswith(TEXT):
            found.warn("extra member", "Keras neither writes nor reads it.", name)
        else:
            found.refuse(
                "foreign member",
                "Keras does not write it, and a model needs nothing else: ask for what it is.",
                name,
            )
