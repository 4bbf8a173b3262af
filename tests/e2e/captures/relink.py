#!/usr/bin/env python3
"""relink.py ETHERNET.pcap FOLDER: the same packets without their Ethernet headers, as raw IP and as BSD loopback; cut in
the last packet; and as pcapng. Reads pcap of nanoseconds, writes microseconds."""
import pathlib
import struct
import subprocess
import sys

NANO = 0xA1B23C4D


def packets(path):
    data = path.read_bytes()
    magic, = struct.unpack_from("<I", data)
    at, unit = 24, 1000 if magic == NANO else 1
    while at < len(data):
        seconds, fraction, captured, length = struct.unpack_from("<4I", data, at)
        yield seconds, fraction // unit, length, data[at + 16:at + 16 + captured]
        at += 16 + captured


def write(path, link, frames):
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link))
        for seconds, micros, length, frame in frames:
            out.write(struct.pack("<4I", seconds, micros, len(frame), length) + frame)


def main():
    source, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    ip = [(s, u, n - 14, f[14:], f[12:14]) for s, u, n, f in packets(source) if f[12:14] in (b"\x08\x00", b"\x86\xdd")]
    write(folder / "raw-ip.pcap", 101, [(s, u, n, f) for s, u, n, f, _ in ip])
    family = {b"\x08\x00": 2, b"\x86\xdd": 30}
    write(folder / "null.pcap", 0, [(s, u, n + 4, struct.pack("<I", family[t]) + f) for s, u, n, f, t in ip])
    write(folder / "loop.pcap", 108, [(s, u, n + 4, struct.pack(">I", family[t]) + f) for s, u, n, f, t in ip])
    (folder / "cut.pcap").write_bytes(source.read_bytes()[:-7])
    subprocess.run(["editcap", "-F", "pcapng", source, folder / "mixed.pcapng"], check=True)


if __name__ == "__main__":
    main()
