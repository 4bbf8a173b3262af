#!/usr/bin/env python3
"""What servers were asked for, by their own logs: one line `PROTOCOL NAME` for every DNS query that unbound logged, every
request in clear text that nginx logged, every TLS handshake that nginx (or a mail server, or a proxy) heard a name in, and every
QUIC connection whose first request gtlsserver printed.

asked.py FOLDER     with the logs unbound, forwarder, nginx (debug), http, turned, quic-*
"""
import pathlib
import re
import sys


def found(folder, pattern, log):
    for path in sorted(folder.glob(log)):
        yield from re.findall(pattern, path.read_text(errors="replace"), re.M)


def requests(folder):
    """A name in the request line stands over the Host field (RFC 9112, section 3.2.2)."""
    for host, absolute in found(folder, r"^http (.*)\|\S* (?:\w+://)?([^/ ]*)", "http"):
        yield absolute or host


def main():
    folder = pathlib.Path(sys.argv[1])
    names = [("dns", name) for log in ("unbound", "forwarder")
             for name in found(folder, r"^\[\d+\] unbound\[[\d:]+\] info: \S+ (\S+) \S+ IN$", log)]
    names += [("http", name) for name in requests(folder)]
    # A connection that is asked for a second ClientHello says its name twice.
    names += [("tls", name) for _, name in sorted(set(found(folder, r'\*(\d+) SSL server name: "(.*)"$', "nginx")))]
    names += found(folder, r"^(tls|http) (\S+)$", "turned")
    names += [("quic", name) for name in found(folder, r"http: stream 0x0 \[:authority: (\S+)\]", "quic-*")]
    for protocol, name in sorted(names):
        print(protocol, re.sub(r":\d+$", "", name.removeprefix(r"\x09").lower()).removesuffix("."))  # nginx keeps a tab


main()
