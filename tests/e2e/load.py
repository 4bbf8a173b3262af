"""Runs in the client's namespace: asks the DNS server a bounded number of times, a few at once, and judges every answer.

load.py SERVER SECONDS RATE NAME=VERDICT…      VERDICT: blocked | allowed | either
Prints one JSON object: asked, lost and wrong in all, and per name how many answers of which kind came.
"""
import json
import os
import selectors
import socket
import struct
import sys
import time


def query(ident, name):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">HHHHHH", ident, 0x0100, 1, 0, 0, 1) + labels + b"\0\0\1\0\1" + b"\0\0\x29\x04\xd0\0\0\0\0\0\0"


def verdict(message):
    _, flags, _, answers, _, _ = struct.unpack(">HHHHHH", message[:12])
    if flags & 0xF == 0 and answers:
        return "allowed"
    return "blocked" if flags & 0xF == 0 else "other"


def main():
    server, seconds, rate = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    wanted = dict(argument.split("=") for argument in sys.argv[4:])
    names = list(wanted)
    sock = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sock.connect((server, 53))
    sock.setblocking(False)
    selector = selectors.DefaultSelector()
    selector.register(sock, selectors.EVENT_READ)
    seen = {name: {} for name in names}
    open_queries, asked, wrong, strange = {}, 0, 0, 0
    begun = time.monotonic()
    end, grace = begun + seconds, begun + seconds + 3
    stop_file = os.environ.get("STOP_FILE")
    while True:
        now = time.monotonic()
        if stop_file and now < end and os.path.exists(stop_file):
            end, grace = now, now + 3
        due = int((min(now, end) - begun) * rate)
        while asked < due and len(open_queries) < 60000:
            ident = asked & 0xFFFF
            name = names[asked % len(names)]
            open_queries[ident] = name
            sock.send(query(ident, name))
            asked += 1
        if now >= end and not open_queries or now > grace:
            break
        for _ in selector.select(0.002):
            try:
                while True:
                    message = sock.recv(4096)
                    name = open_queries.pop(struct.unpack(">H", message[:2])[0], None)
                    if name is None:
                        strange += 1
                        continue
                    got = verdict(message)
                    seen[name][got] = seen[name].get(got, 0) + 1
                    wrong += wanted[name] not in (got, "either")
            except BlockingIOError:
                pass
    print(json.dumps({"asked": asked, "lost": len(open_queries), "wrong": wrong, "twice": strange, "seen": seen}))


main()
