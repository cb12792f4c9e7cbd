#!/usr/bin/env python3
"""Messages of a running server against the public Standard Webhooks library (PyPI: standardwebhooks).

    standard_webhooks.py TWOFACE

TWOFACE is the executable. A server is started in a scratch folder with a receiver on 127.0.0.2; every message is verified
with the library, altered copies must be refused, and so must messages under another secret. Ends with what was checked.
"""

import http.server
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import urllib.request

from standardwebhooks import Webhook, WebhookVerificationError

got, arrived = [], threading.Condition()


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        with arrived:
            got.append((dict(self.headers.items()), body))
            arrived.notify_all()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def wait_for(count):
    with arrived:
        assert arrived.wait_for(lambda: len(got) >= count, timeout=60), f"{len(got)} of {count} messages came"
    return got[count - 1]


def refused(secret, headers, body):
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return True
    return False


def main(twoface):
    receiver = http.server.ThreadingHTTPServer(("127.0.0.2", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "config.toml")
        with open(config, "w") as file:
            file.write('[server]\nlisten = "127.0.0.1:0"\n[data]\ndir = "store"\n')
            file.write('[webhooks]\nallow = ["http://127.0.0.2/32"]\n')
        server = subprocess.Popen([twoface, "serve", "--config", config], stderr=subprocess.PIPE, text=True)
        try:
            base = next(line.split()[-1] for line in server.stderr if line.startswith("twoface listens on"))
            threading.Thread(target=server.stderr.read, daemon=True).start()
            check(twoface, config, base, receiver.server_address[1], os.path.join(folder, "store/certificate.pem"))
        finally:
            server.terminate()
            server.wait()


def check(twoface, config, base, port, certificate):
    def run(*arguments):
        command = [twoface, *arguments, "--config", config]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def open_session():
        request = urllib.request.Request(f"{base}/v1/2face/session", urllib.parse.urlencode({"type": "SIGNUP"}).encode())
        request.add_header("Authorization", key)
        urllib.request.urlopen(request, context=ssl.create_default_context(cafile=certificate)).read()

    run("accounts", "create", "bank")
    key = run("keys", "create", "--account", "bank", "--name", "test")
    first = run("webhooks", "create", "--account", "bank", f"http://127.0.0.2:{port}/hook")
    receiver = json.loads(run("webhooks", "list", "--json"))["webhooks"]["webhooks"][0]["id"]

    checks = 0
    for number in range(1, 4):
        open_session()
        headers, body = wait_for(number)
        told = Webhook(first).verify(body, headers)
        assert told["type"] == "attempt.created", told
        assert refused(first, headers, body.replace(b"SIGNUP", b"SIGNUQ"))
        assert refused(first, {**headers, "webhook-id": "0" * 24}, body)
        assert refused("whsec_" + "A" * 43 + "=", headers, body)
        checks += 4
    second = run("webhooks", "rotate", receiver, "--overlap", "1")
    open_session()
    headers, body = wait_for(4)
    assert Webhook(first).verify(body, headers) == Webhook(second).verify(body, headers)
    third = run("webhooks", "rotate", receiver, "--overlap", "0")
    run("webhooks", "test", receiver)
    headers, body = wait_for(5)
    assert Webhook(third).verify(body, headers)["type"] == "webhook.test"
    assert refused(second, headers, body) and refused(first, headers, body)
    print(f"{checks + 5} checks with the library, all as they should be")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
