"""What a disk could hold after a power cut, from a journal of forget.so.

The model is what Linux promises of a file, and nothing more:
- what was written before a flush (fsync, fdatasync) of that file began, and the flush has ended, is there;
- of later writes to it any may be there, in any order, whole, torn between sectors of 512 bytes, or not at all;
- a new name, a rename and a removal are there once the folder was flushed; of later ones a beginning may be: file systems
  keep these in order;
- files know nothing of each other.
"""

import os
import shutil
import struct

HEADER = struct.Struct("=7Q")
MAGIC = 0x21746F67726F66
OPEN, CREATED, WRITE, TRUNCATE, SYNC, RENAME, UNLINK, SYNC_FOLDER, MAPPED = range(1, 10)
SECTOR = 512
#: How much of what was not flushed is kept; each file draws its own.
MOODS = ("nothing", "beginning", "some", "some", "all")


def records(path):
    """Kind, number, file, offset, extra, bytes; ends before one that was cut off."""
    with open(path, "rb") as journal:
        text = journal.read()
    at = 0
    while at + HEADER.size <= len(text):
        kind, number, file, offset, length, extra, magic = HEADER.unpack_from(text, at)
        if magic != MAGIC:
            raise ValueError(f"the journal is broken at byte {at}")
        at += HEADER.size
        if at + length > len(text):
            return
        yield kind, number, file, offset, extra, text[at : at + length]
        at += length


class Journal:
    """A journal, read."""

    def __init__(self, path):
        self.opened, self.created, self.mapped = {}, set(), set()
        self.changes, self.names = {}, []
        self.flushed, self.folder_flushed = {}, 0
        self.writes = self.flushes = 0
        for kind, number, file, offset, extra, data in records(path):
            if kind == OPEN:
                self.opened[file] = data.decode()
            elif kind == CREATED:
                self.created.add(file)
                self.names.append((number, kind, file, data.decode()))
            elif kind in (UNLINK, RENAME):
                self.names.append((number, kind, file, data.decode()))
            elif kind in (WRITE, TRUNCATE):
                self.writes += kind == WRITE
                self.changes.setdefault(file, []).append((number, kind, offset, data))
            elif kind == SYNC:
                self.flushes += 1
                self.flushed[file] = max(self.flushed.get(file, 0), extra)
            elif kind == SYNC_FOLDER:
                self.folder_flushed = max(self.folder_flushed, extra)
            elif kind == MAPPED:
                self.mapped.add(file)
        behind_our_back = [self.opened[file] for file in self.mapped if not self.opened[file].endswith("-shm")]
        if behind_our_back:
            raise ValueError(f"{behind_our_back} are changed through mapped memory, which this layer cannot see")

    def unflushed(self):
        """How many writes a power cut may lose."""
        late = lambda file, change: change[0] > self.flushed.get(file, 0)
        return sum(late(file, change) for file, changes in self.changes.items() for change in changes)


def torn(data, chance):
    """Pieces of a write that reached the disk: offset in it, bytes."""
    if chance.random() < 0.5:
        return [(0, data)]
    pieces = [(at, data[at : at + SECTOR]) for at in range(0, len(data), SECTOR)]
    if chance.random() < 0.5:
        return pieces[: chance.randrange(len(pieces) + 1)]
    return [piece for piece in pieces if chance.random() < 0.5]


def surviving(changes, flushed, chance):
    """The changes of one file that a cut leaves, in order: kind, offset, bytes."""
    kept = [(kind, offset, data) for number, kind, offset, data in changes if number <= flushed]
    late = [(kind, offset, data) for number, kind, offset, data in changes if number > flushed]
    mood = chance.choice(MOODS)
    if mood == "nothing":
        return kept
    if mood == "all":
        return kept + late
    if mood == "beginning":
        end = chance.randrange(len(late) + 1)
        whole, cut = late[:end], late[end : end + 1]
    else:
        share = chance.random()
        whole, cut = [], [change for change in late if chance.random() < share]
    for kind, offset, data in cut:
        whole += [(kind, offset + at, piece) for at, piece in torn(data, chance)] if kind == WRITE else [(kind, offset, data)]
    return kept + whole


def contents(before, changes):
    image = bytearray(before)
    for kind, offset, data in changes:
        if kind == TRUNCATE:
            del image[offset:]
            image.extend(bytes(offset - len(image)))
        else:
            image.extend(bytes(max(0, offset - len(image))))
            image[offset : offset + len(data)] = data
    return bytes(image)


def after_cut(before, journal, folder, chance):
    """Writes into `folder` what is left of `before` and the journal."""
    old = {name: open(os.path.join(before, name), "rb").read() for name in os.listdir(before) if not name.endswith("-shm")}
    here = {name: None for name in old}
    here.update({name: file for file, name in sorted(journal.opened.items(), reverse=True) if file not in journal.created and name in old})
    sure = sum(number <= journal.folder_flushed for number, *_ in journal.names)
    end = chance.randrange(sure, len(journal.names) + 1)
    for _, kind, file, name in journal.names[:end]:
        if kind == CREATED:
            here[name] = file
        elif kind == UNLINK:
            here.pop(name, None)
        else:
            source, target = name.split("\0")
            here.pop(source, None)
            here[target] = file
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name, file in here.items():
        if name.endswith("-shm"):
            continue
        first = b"" if file in journal.created else old.get(journal.opened.get(file, name), b"")
        left = surviving(journal.changes.get(file, []), journal.flushed.get(file, 0), chance)
        with open(os.path.join(folder, name), "wb") as out:
            out.write(contents(first, left))
    return folder
