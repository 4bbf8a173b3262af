#!/usr/bin/env python3
"""Clients and a server that no package brings: what make cannot ask of dig, curl and openssl.

clients.py dns|http|tls HOST PORT     odd but legal messages
clients.py smtp|imap|pop3|connect PORT KEY CRT     a mail server or proxy that TLS begins at; prints what it is asked for
"""
import socket
import ssl
import struct
import sys
import time


def labels(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"


def dns(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        two = struct.pack("!6H", 7, 0x100, 2, 0, 0, 0) + labels("two-a.example") + b"\0\1\0\1" + labels("two-b.example") + b"\0\x1c\0\1"
        pointer = struct.pack("!6H", 8, 0x100, 2, 0, 0, 0) + labels("Zz.Pointer.example") + b"\0\1\0\1\xc0\x0f\0\1\0\1"
        for query in (two, pointer):
            s.sendto(query, (host, port))
            try:
                s.recv(4096)
            except TimeoutError:
                pass


def pieces(host, port, data, sizes):
    """Sends data in segments of the sizes given, the rest in one."""
    with socket.create_connection((host, port), timeout=10) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        at = 0
        for size in (*sizes, len(data)):
            s.sendall(data[at:at + size])
            at += size
            time.sleep(0.02)
        s.settimeout(10)
        try:
            s.recv(4096)
        except TimeoutError:
            pass


def http(host, port):
    pieces(host, port, b"GET / HTTP/1.1\r\nHost: pieces.example\r\nConnection: close\r\n\r\n", [1, 5, 17, 9])
    pieces(host, port, b"GET /a HTTP/1.1\r\nHost: pipe-a.example\r\n\r\n", [])
    pieces(host, port, b"\r\nGET / HTTP/1.1\nhOST:\tbare-lf.example\n\n", [])


def client_hello(name, padding=0):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if padding:  # protocols of ALPN that nobody speaks
        context.set_alpn_protocols(["x" * 200 + str(i) for i in range(padding)])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def tls(host, port):
    pieces(host, port, client_hello("python.example"), [])
    pieces(host, port, client_hello("split.example"), [3, 2, 100, 40])
    pieces(host, port, client_hello("large.example", 12), [])
    hello = client_hello("records.example")
    body = hello[5:]
    pieces(host, port, b"".join(hello[:3] + struct.pack("!H", len(p)) + p for p in (body[:60], body[60:90], body[90:])), [])


# What a server says before TLS begins: at once, and to each line (to each head of a request) of the client.
BEFORE_TLS = {
    "smtp": [b"220 mail.example ESMTP\r\n", b"250-mail.example\r\n250 STARTTLS\r\n", b"220 go ahead\r\n"],
    "imap": [b"* OK\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS\r\n. OK\r\n", b". OK\r\n"],
    "pop3": [b"+OK\r\n", b"+OK go ahead\r\n"],
    "connect": [b"", b"HTTP/1.1 200 OK\r\n\r\n"],
}


def turns_to_tls(protocol, port, key, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.sni_callback = lambda _, name, __: print("tls", name, flush=True)
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            s, _ = listener.accept()
            with s:
                s.sendall(BEFORE_TLS[protocol][0])
                for answer in BEFORE_TLS[protocol][1:]:
                    asked = s.recv(4096).split()
                    if protocol == "connect":
                        print("http", asked[1].decode(), flush=True)
                    s.sendall(answer)
                try:
                    context.wrap_socket(s, server_side=True).close()
                except OSError:
                    pass  # a client that leaves in the handshake


if __name__ == "__main__":
    if sys.argv[1] in BEFORE_TLS:
        turns_to_tls(sys.argv[1], int(sys.argv[2]), *sys.argv[3:5])
    else:
        {"dns": dns, "http": http, "tls": tls}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
