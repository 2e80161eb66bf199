#!/usr/bin/env python3
"""Exit code 0 when FILE is a 64-bit ELF program that asks for no dynamic loader."""

import struct
import sys

PT_INTERP = 3

with open(sys.argv[1], "rb") as file:
    data = file.read()
if data[:5] != b"\x7fELF\x02":
    sys.exit(f"{sys.argv[1]}: not a 64-bit ELF program")
(offset,) = struct.unpack_from("<Q", data, 32)
size, count = struct.unpack_from("<HH", data, 54)
kinds = [struct.unpack_from("<I", data, offset + index * size)[0] for index in range(count)]
sys.exit(1 if PT_INTERP in kinds else 0)
