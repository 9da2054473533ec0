#!/usr/bin/env python3
"""A strict Open Inference Protocol v2 server (HTTP, with the binary tensor extension), written from
the specification alone: what the specification does not allow is answered with 400.

usage: v2_stand_in.py MODEL.json [--triton] [--extras] [--reversed] [--json-outputs] [--close] [--json-only]

MODEL.json: {"name", "input", "width", "outputs": {NAME: [{"weights": [[...], ...], "relu": bool}, ...]}}
-- float32 [-1, width] through matrices, each [in][out], one chain for each output.

  --triton        metadata as Triton writes it: several versions, its platform, more members
  --extras        answers with parameters that nobody asked for
  --reversed      outputs in another order than they were asked for
  --json-outputs  ignores that outputs were asked for as binary, as the extension permits
  --close         closes each connection after its answer, as gunicorn's default workers do
  --json-only     refuses binary tensors with 422, as servers without the extension do

Prints {"port": N} once it listens on 127.0.0.1.
"""

import json
import math
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FLAGS = {"--triton", "--extras", "--reversed", "--json-outputs", "--close", "--json-only"}
JSON_TYPE = "application/json"
BINARY_TYPE = "application/octet-stream"
LENGTH_FIELD = "Inference-Header-Content-Length"


class Refused(Exception):
    """With a status and a message."""


def want(condition, message, status=400):
    if not condition:
        raise Refused(status, message)


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def check_members(what, value, needed, optional=()):
    want(isinstance(value, dict), f"{what}: want an object")
    for key in needed:
        want(key in value, f"{what}: no '{key}'")
    for key in value:
        want(key in needed or key in optional, f"{what}: unknown member '{key}'")


def check_parameters(what, value, known):
    want(isinstance(value, dict), f"{what}: want an object")
    for key, item in value.items():
        want(key in known, f"{what}: unknown parameter '{key}'")
        want(isinstance(item, known[key]) and (known[key] is bool or is_int(item)),
             f"{what}: '{key}' is of the wrong type")


def flatten(data, shape):
    """Row-major values, given flat or nested."""
    if not any(isinstance(item, list) for item in data):
        return data
    if len(shape) == 1:
        return data
    want(len(data) == shape[0], "data: nested otherwise than the shape says")
    out = []
    for item in data:
        want(isinstance(item, list), "data: nested otherwise than the shape says")
        out += flatten(item, shape[1:])
    return out


class Model:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
        self.name = record["name"]
        self.input = record["input"]
        self.width = record["width"]
        self.outputs = record["outputs"]

    def width_of(self, output):
        return len(self.outputs[output][-1]["weights"][0])

    def run(self, rows, output):
        for layer in self.outputs[output]:
            columns = list(zip(*layer["weights"]))
            rows = [[sum(a * b for a, b in zip(row, column)) for column in columns] for row in rows]
            if layer["relu"]:
                rows = [[max(value, 0.0) for value in row] for row in rows]
        return rows


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model = None
    flags = frozenset()

    def log_message(self, *_):
        pass

    def reply(self, status, body, content_type=JSON_TYPE, fields=()):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if "--close" in self.flags:
            self.send_header("Connection", "close")  # and the base class closes
        self.end_headers()
        self.wfile.write(body)

    def guarded(self, work):
        try:
            work()
        except Refused as refused:
            status, message = refused.args
            self.reply(status, json.dumps({"error": message}).encode())

    def model_path(self):
        """What follows /v2/models/NAME[/versions/1]."""
        prefix = f"/v2/models/{self.model.name}"
        want(self.path == prefix or self.path.startswith(prefix + "/"), "no such model", 404)
        rest = self.path[len(prefix):]
        return rest[len("/versions/1"):] if rest.startswith("/versions/1") else rest

    def do_GET(self):
        self.guarded(self.get)

    def get(self):
        want("Content-Length" not in self.headers, "a GET with a body")
        if self.path in ("/v2/health/live", "/v2/health/ready"):
            return self.reply(200, b"")
        if self.path == "/v2":
            extensions = ["binary_tensor_data"]
            return self.reply(200, json.dumps(
                {"name": "stand-in", "version": "1", "extensions": extensions}).encode())
        rest = self.model_path()
        if rest == "/ready":
            # Triton's has no body; the specification has one.
            body = {"name": self.model.name, "ready": True}
            return self.reply(200, b"" if "--triton" in self.flags else json.dumps(body).encode())
        want(rest == "", "no such path", 404)
        self.reply(200, json.dumps(self.metadata()).encode())

    def metadata(self):
        triton = "--triton" in self.flags
        return {
            "name": self.model.name,
            "versions": ["1", "2", "10"] if triton else ["1"],
            "platform": "onnxruntime_onnx" if triton else "python",
            "inputs": [{"name": self.model.input, "datatype": "FP32",
                        "shape": [-1, self.model.width]}],
            "outputs": [{"name": name, "datatype": "FP32",
                         "shape": [-1, -1 if triton else self.model.width_of(name)]}
                        for name in self.model.outputs],
        }

    def do_POST(self):
        self.guarded(self.post)

    def post(self):
        want("Transfer-Encoding" not in self.headers, "chunks", 501)
        length = self.headers.get("Content-Length")
        want(length is not None and length.isdigit(), "no Content-Length", 411)
        body = self.rfile.read(int(length))
        want(self.model_path() == "/infer", "no such path", 404)
        header_length = self.headers.get(LENGTH_FIELD)
        want(header_length is None or "--json-only" not in self.flags, "binary data", 422)
        if header_length is None:
            want(self.headers.get("Content-Type") == JSON_TYPE, f"want {JSON_TYPE}")
            head, sections = body, b""
        else:
            want(self.headers.get("Content-Type") == BINARY_TYPE, f"want {BINARY_TYPE}")
            want(header_length.isdigit() and int(header_length) <= len(body), LENGTH_FIELD)
            head, sections = body[:int(header_length)], body[int(header_length):]
        try:
            request = json.loads(head.decode("utf-8"))
        except ValueError as error:
            raise Refused(400, f"not JSON: {error}") from error
        self.infer(request, sections, header_length is not None)

    def infer(self, request, sections, extended):
        check_members("request", request, ["inputs"], ["id", "parameters", "outputs"])
        want(isinstance(request.get("id", ""), str), "id: want a string")
        parameters = request.get("parameters", {})
        check_parameters("request", parameters, {"binary_data_output": bool})
        want(isinstance(request["inputs"], list) and len(request["inputs"]) == 1, "want one input")
        rows, sections = self.read_input(request["inputs"][0], sections, extended)
        want(not sections, f"{len(sections)} bytes after the last input")
        asked = self.outputs_asked_for(request, parameters.get("binary_data_output", False))
        self.answer(request, rows, asked)

    def read_input(self, tensor, sections, extended):
        check_members("input", tensor, ["name", "shape", "datatype"], ["parameters", "data"])
        want(tensor["name"] == self.model.input, f"no input '{tensor['name']}'")
        want(tensor["datatype"] == "FP32", "want FP32")
        shape = tensor["shape"]
        want(isinstance(shape, list) and all(is_int(n) and n >= 0 for n in shape), "shape")
        want(len(shape) == 2 and shape[1] == self.model.width, f"shape {shape}")
        parameters = tensor.get("parameters", {})
        check_parameters("input", parameters, {"binary_data_size": int})
        count = math.prod(shape)
        if "binary_data_size" in parameters:
            want("data" not in tensor, "both data and binary_data_size")
            want(extended, f"binary data without {LENGTH_FIELD}")
            size = parameters["binary_data_size"]
            want(size == 4 * count, f"binary_data_size {size}, want {4 * count}")
            want(len(sections) >= size, "the binary data is cut short")
            values = struct.unpack(f"<{count}f", sections[:size])
            sections = sections[size:]
        else:
            want(isinstance(tensor.get("data"), list), "data: want an array")
            values = flatten(tensor["data"], shape)
            want(len(values) == count, f"{len(values)} values, want {count}")
            want(all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values),
                 "data: want numbers")
        width = self.model.width
        return [values[i * width:(i + 1) * width] for i in range(shape[0])], sections

    def outputs_asked_for(self, request, binary_by_default):
        """Name and whether as binary, of each."""
        if "outputs" not in request:
            return [(name, binary_by_default) for name in self.model.outputs]
        want(isinstance(request["outputs"], list), "outputs: want an array")
        asked = []
        for output in request["outputs"]:
            check_members("output", output, ["name"], ["parameters"])
            want(output["name"] in self.model.outputs, f"no output '{output['name']}'")
            want(output["name"] not in [name for name, _ in asked], "an output twice")
            parameters = output.get("parameters", {})
            check_parameters("output", parameters, {"binary_data": bool})
            asked.append((output["name"], parameters.get("binary_data", binary_by_default)))
        return asked

    def answer(self, request, rows, asked):
        extras = "--extras" in self.flags
        outputs, sections = [], b""
        for name, binary in reversed(asked) if "--reversed" in self.flags else asked:
            values = [value for row in self.model.run(rows, name) for value in row]
            output = {"name": name, "datatype": "FP32",
                      "shape": [len(rows), self.model.width_of(name)]}
            if binary and "--json-outputs" not in self.flags:
                section = struct.pack(f"<{len(values)}f", *values)
                output["parameters"] = {"binary_data_size": len(section)}
                sections += section
            else:
                output["data"] = values
            if extras:
                output.setdefault("parameters", {})["content_type"] = "raw"
            outputs.append(output)
        response = {"model_name": self.model.name, "outputs": outputs}
        if "id" in request:
            response["id"] = request["id"]
        if extras:
            response["model_version"] = "10"
            response["parameters"] = {"sequence_id": 0, "sequence_start": False, "note": "hello"}
        head = json.dumps(response).encode()
        if sections:
            fields = [(LENGTH_FIELD, str(len(head)))]
            return self.reply(200, head + sections, BINARY_TYPE, fields)
        self.reply(200, head)


def main():
    flags = set(sys.argv[2:])
    if len(sys.argv) < 2 or flags - FLAGS:
        sys.exit(__doc__)
    Handler.model = Model(sys.argv[1])
    Handler.flags = flags
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(json.dumps({"port": server.server_address[1]}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
