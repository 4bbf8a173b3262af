#!/usr/bin/env python3
"""One end of an access network: what is sent to a TUN device leaves DEVICE wrapped, and what comes wrapped is unwrapped.

wrapper.py DEVICE PEER_MAC qinq|pppoe TUN [qinq|pppoe TUN]     prints `ready` when its TUN devices are there
"""
import fcntl
import os
import select
import socket
import struct
import sys

ETH_P_ALL, SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 3, 263, 8, 23
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
TP_STATUS_VLAN_VALID = 1 << 4
ETHERTYPE = {4: b"\x08\x00", 6: b"\x86\xdd"}
PPP = {4: b"\x00\x21", 6: b"\x00\x57"}
QINQ_TAGS = bytes.fromhex("88a800c8 81000064")  # 200 outside, 100 inside
PPPOE_SESSION = bytes.fromhex("8864 1100 0007")


def qinq(ip):
    return QINQ_TAGS + ETHERTYPE[ip[0] >> 4] + ip


def out_of_qinq(data):
    return data[len(QINQ_TAGS) + 2:] if data.startswith(QINQ_TAGS) else None


def pppoe(ip):
    return PPPOE_SESSION + struct.pack("!H", len(ip) + 2) + PPP[ip[0] >> 4] + ip


def out_of_pppoe(data):
    if not data.startswith(PPPOE_SESSION) or data[8:10] not in PPP.values():
        return None
    length, = struct.unpack_from("!H", data, 6)
    return data[10:8 + length]


KINDS = {"qinq": (qinq, out_of_qinq), "pppoe": (pppoe, out_of_pppoe)}


def tun(name):
    descriptor = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return descriptor


def received(link):
    """What follows the addresses of a frame; the kernel hands the outermost tag over beside it."""
    data, beside, _, _ = link.recvmsg(1 << 16, 256)
    for _, kind, value in beside:
        if kind == PACKET_AUXDATA:
            status, _, _, _, _, tag, ether_type = struct.unpack_from("IIIHHHH", value)
            if status & TP_STATUS_VLAN_VALID:
                return struct.pack("!HH", ether_type, tag) + data[12:]
    return data[12:]


def main():
    device, peer = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", ""))
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    link.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    link.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    link.bind((device, ETH_P_ALL))
    own = link.getsockname()[4]
    tuns = {tun(name): KINDS[kind] for kind, name in zip(sys.argv[3::2], sys.argv[4::2], strict=True)}
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([link, *tuns], [], [])
        for one in ready:
            if one is link:
                data = received(link)
                for descriptor, (_, unwrap) in tuns.items():
                    if (ip := unwrap(data)) is not None:
                        os.write(descriptor, ip)
            else:
                wrap, _ = tuns[one]
                link.send(peer + own + wrap(os.read(one, 1 << 16)))


main()
