"""A worker that lies on demand: it hands requests on to an honest one, and spoils its answers.

Used by chaos_bench.py. Not a program. Python's standard library only; Open Inference Protocol v2
with binary tensors.
"""

import http.client
import json
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LENGTH = "Inference-Header-Content-Length"


def spoil_json(change):
    """A lie in the description of the outputs."""

    def lie(header, tensors):
        described = json.loads(header)
        change(described)
        return json.dumps(described).encode(), tensors

    return lie


def set_shape(described):
    shape = described["outputs"][0]["shape"]
    shape[:2] = [shape[0] * 2, shape[1] // 2]  # as many bytes, otherwise arranged


def set_name(described):
    described["outputs"][0]["name"] = "another"


def set_type(described):
    described["outputs"][0]["datatype"] = "INT32"


def set_id(described):
    described["id"] = "0123456789abcdef"


def huge_shape(described):
    output = described["outputs"][0]
    output["shape"] = [1 << 31, 1 << 31]
    output["parameters"]["binary_data_size"] = 1 << 62


def set_values(header, tensors):
    """Numbers that could be true: the outputs turned around by one element."""
    return header, tensors[4:] + tensors[:4]


def set_one_value(header, tensors):
    """One number, by a few per cent of the largest."""
    values = list(struct.unpack(f"<{len(tensors) // 4}f", tensors))
    values[0] += 0.05 * max(abs(value) for value in values)
    return header, struct.pack(f"<{len(values)}f", *values)


def set_nan(header, tensors):
    return header, struct.pack("<f", float("nan")) + tensors[4:]


# What a lie makes of an answer's JSON and tensors; the names are what chaos_bench.py prints.
LIES = {
    "shape": spoil_json(set_shape),
    "huge shape": spoil_json(huge_shape),
    "name": spoil_json(set_name),
    "type": spoil_json(set_type),
    "id": spoil_json(set_id),
    "size: too few bytes": lambda header, tensors: (header, tensors[:-4]),
    "size: too many bytes": lambda header, tensors: (header, tensors + tensors[:4]),
    "no JSON": lambda header, tensors: (b"\xff" * len(header), tensors),
    "values": set_values,
    "one value": set_one_value,
    "not a number": set_nan,
}
# Lies about HTTP itself, by the handler.
HTTP_LIES = ("cut off", "not HTTP", "endless header", "trickle", "an older answer")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer leaves in one piece

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.hand_on(None)

    def do_POST(self):
        self.hand_on(self.rfile.read(int(self.headers["Content-Length"])))

    def ask(self, body):
        if not hasattr(self, "honest"):
            self.honest = http.client.HTTPConnection("127.0.0.1", self.server.honest_port)
        fields = {LENGTH: self.headers[LENGTH]} if self.headers[LENGTH] else {}
        self.honest.request(self.command, self.path, body, fields)
        answer = self.honest.getresponse()
        return answer.status, answer.headers.get(LENGTH), answer.read()

    def hand_on(self, body):
        try:
            status, length, content = self.ask(body)
        except OSError:
            status, length, content = 503, None, b'{"error":"no worker"}'
        lie = self.server.lie if body is not None and status == 200 else None
        if lie is not None:
            self.server.told += 1
        if lie == "an older answer":
            older, self.server.older = self.server.older, (length, content)
            length, content = older or (length, content)
        if lie in LIES:
            header, tensors = LIES[lie](content[: int(length)], content[int(length) :])
            length, content = str(len(header)), header + tensors
        if lie == "not HTTP":
            self.wfile.write(b"220 mail.example.com ESMTP\r\n" * 10)
            self.close_connection = True
            return
        if lie == "endless header":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for number in range(10_000):
                self.wfile.write(b"X-%d: %s\r\n" % (number, b"a" * 100))
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(content)))
        if length:
            self.send_header(LENGTH, length)
        self.end_headers()
        if lie == "trickle":
            for i in range(20):
                self.wfile.write(content[i : i + 1])
                self.wfile.flush()
                time.sleep(0.2)
            self.close_connection = True
            return
        if lie == "cut off":
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        """Whoever is lied to hangs up."""


class LyingWorker:
    """In a thread of this process. `lie`: None, or a name of LIES or HTTP_LIES."""

    def __init__(self, honest_port):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.honest_port = honest_port
        self.server.lie = None
        self.server.told = self.last_told = 0
        self.server.older = None
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def tell(self, lie):
        """From now on. None: the truth; last_told then is how many lies there were."""
        self.server.lie = lie
        if lie is None:
            self.last_told, self.server.told = self.server.told, 0

    def close(self):
        self.server.shutdown()
        self.server.server_close()
