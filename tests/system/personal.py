"""A corpus of the eighteen kinds of identifiers of 45 CFR 164.514(b)(2)(i), and a search for them in whatever a collector
leaves behind. All of it is made up: names and places that are nobody's, numbers from ranges that are given to nobody."""
import base64
import ctypes
import ctypes.util
import os
from typing import NamedTuple


class Value(NamedTuple):
    """One value. has_form: it has one that can be recognised, so it is refused wherever a code may stand."""
    kind: str
    text: str
    has_form: bool


def _of(kind, *texts, form=False):
    return [Value(kind, text, form) for text in texts]


_IMAGE = base64.b64encode(bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(i * 73 % 251 for i in range(220))).decode()

CORPUS = [
    *_of("A name", "Quillon Ashgrove-Tarn", "OKORONKVO^VESHTI^DR"),
    *_of("B place", "4417 Larkspur Hollow Rd", "Wexmoor Falls 99482-0137"),
    *_of("C date", "DOB 03/14/1961", "discharged 2023-11-29"),
    *_of("D phone", "+1 415 555 0163", "(415) 555-0187", "415.555.0142", "555-0163", form=True),
    *_of("E fax", "fax 415-555-0164", "+442079460991", form=True),
    *_of("F e-mail", "q.ashgrove@wexmoor.example", "Veshti <veshti+er@clinic.wexmoor.example>", form=True),
    *_of("G social security", "987-65-4329", "987 65 4321", form=True),
    *_of("H medical record", "MRN 00483917-Q", "WXM0077418"),
    *_of("I health plan", "9ZX8-QW7-YT65", "HPBN-88204417X"),
    *_of("J account", "ACCT 77140093218"),
    *_of("J card", "4000 0012 3456 7899", "4000001234567899", form=True),
    *_of("K licence", "DL Q482-9913-77A", "DEA BQ7719340"),
    *_of("L vehicle", "1QZTN48E7WL392716", "plate WXM 7Q41"),
    *_of("M device", "SN PX-77401-ZB-2209", "(01)00884838012347(21)QX"),
    *_of("N URL", "https://portal.wexmoor.example/p/8841", "www.wexmoor-portal.example", form=True),
    *_of("O IP address", "203.0.113.77", "2001:db8::7e57:41", form=True),
    *_of("P biometric", "voiceprint 9f3c77aa01be", "Rk1SACAyMAAAAADkAAgAyQFn"),
    *_of("Q photograph", _IMAGE, _IMAGE[:48]),
    *_of("R other number", "study QZ-88-1204-X", "7c1eab9a-d4f0-4e1b-9c77-aa51f00d2b6e"),
]
FORMED = [value for value in CORPUS if value.has_form]
FORMLESS = [value for value in CORPUS if not value.has_form]
KINDS = sorted({value.kind[0] for value in CORPUS})


# --- the search

def _base64_at(data, offset, encode):
    """Those characters that are the same whatever stands around the data, offset bytes behind the start of a group of three."""
    text = encode(bytes(offset) + data)
    return text[-(-8 * offset // 6):8 * (offset + len(data)) // 6]


def encodings(text):
    """The ways of writing a text that are looked for: name → bytes."""
    utf8 = text.encode()
    found = {"utf-8": utf8, "utf-16le": text.encode("utf-16-le"), "utf-16be": text.encode("utf-16-be"),
             "hex": utf8.hex().encode(), "HEX": utf8.hex().upper().encode()}
    for offset in range(3):
        found[f"base64+{offset}"] = _base64_at(utf8, offset, base64.b64encode)
        found[f"base64url+{offset}"] = _base64_at(utf8, offset, base64.urlsafe_b64encode)
    return found


PATTERNS = [(value, name, data) for value in CORPUS for name, data in encodings(value.text).items()]


def find(data, values=None):
    """Which values stand in the bytes, and how written."""
    return {(value, name) for value, name, pattern in PATTERNS if (values is None or value in values) and pattern in data}


class _Buffer(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]


_zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
_zstd.ZSTD_createDStream.restype = ctypes.c_void_p
_zstd.ZSTD_decompressStream.restype = ctypes.c_size_t
for _name in ("ZSTD_initDStream", "ZSTD_freeDStream"):
    getattr(_zstd, _name).argtypes = [ctypes.c_void_p]
_zstd.ZSTD_decompressStream.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Buffer), ctypes.POINTER(_Buffer)]
FRAME = bytes.fromhex("28b52ffd")
FRAME_MAX = 1 << 20  # of one frame's content


def unpacked(data):
    """What is in all zstd frames in the bytes, one after the other; of a damaged one what comes before the damage."""
    out, room = bytearray(), ctypes.create_string_buffer(FRAME_MAX)
    stream = _zstd.ZSTD_createDStream()
    at = data.find(FRAME)
    while at >= 0:
        piece = data[at:at + FRAME_MAX]
        source = _Buffer(ctypes.cast(ctypes.c_char_p(piece), ctypes.c_void_p), len(piece), 0)
        target = _Buffer(ctypes.cast(room, ctypes.c_void_p), FRAME_MAX, 0)
        _zstd.ZSTD_initDStream(stream)
        while _zstd.ZSTD_decompressStream(stream, ctypes.byref(target), ctypes.byref(source)) - 1 < 1 << 62:
            if source.pos == source.size or target.pos == target.size:
                break  # neither done nor failed (both of which wrap or are huge): no more to give or to take
        out += room.raw[:target.pos]
        at = data.find(FRAME, at + 4)
    _zstd.ZSTD_freeDStream(stream)
    return bytes(out)


def find_in_files(folder, leave_out=()):
    """The values found in the files below a folder and in their names: (path, value, how written). Whole files are read, pages of
    a database that it does not use any more included."""
    found, paths = [], []
    for top, _, names in os.walk(folder):
        paths += [os.path.join(top, name) for name in names]
    for path in paths:
        found += [(path, value, "file name") for value, _ in find(path.encode())]
        if path in leave_out or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            data = file.read()
        found += [(path, value, name) for value, name in find(data)]
        found += [(path, value, f"{name} under zstd") for value, name in find(unpacked(data))]
    return found
