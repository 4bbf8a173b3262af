#!/usr/bin/env python3
"""browse.py SPKI: Chromium visits the servers of `make`, once as it is and once held at TLS 1.2, where it sends neither a
post-quantum key share nor ECH GREASE (no switch or policy of Chromium 156 takes them out of TLS 1.3). SPKI: base64 of the
SHA-256 of the server's public key. Exit 1 where a page did not load."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from chromium import Chromium  # noqa: E402

QUIC = ["chromium-quic.example:4433", "chromium-quic6.example:4433", "chromium-quic-retry.example:4434"]
AS_IT_IS = ["https://chromium.example/", "https://chromium6.example/", "https://chromium-small.example/",
            "https://chromium-retry.example:444/", "http://chromium-http.example/", *(f"https://{origin}/" for origin in QUIC)]
HELD = ["https://chromium12.example/"]
HOSTS = {"chromium6.example": "[::1]", "chromium-quic6.example": "[::1]", "chromium-small.example": "127.0.0.3",
         "*.googleapis.com": "~NOTFOUND", "*.google.com": "~NOTFOUND"}


def main():
    common = (f"--ignore-certificate-errors-spki-list={sys.argv[1]}", "--origin-to-force-quic-on=" + ",".join(QUIC),
              "--host-resolver-rules=" + ",".join(f"MAP {name} {address}" for name, address in HOSTS.items()))
    failed = 0
    for urls, options in ((AS_IT_IS, ()), (HELD, ("--ssl-version-max=tls1.2",))):
        with Chromium(*common, *options) as browser:
            for page in browser.visit(urls):
                if page.error:
                    print(page, file=sys.stderr)
                    failed += 1
    sys.exit(1 if failed else 0)


main()
