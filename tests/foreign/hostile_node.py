#!/usr/bin/env python3
"""A node that lies, for the tests of downloads: hostile_node.py FOLDER serves FOLDER/list.json as the version d@1.

What a file's address answers is FOLDER/files/<path with / as _>; a file beside it named <same>.cut is sent the first time
instead and the connection is dropped. The port is written to FOLDER/port.
"""
import http.server
import os
import sys

FOLDER = sys.argv[1]
PREFIX = "/v1/datasets/d/1"


class Node(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path
        name = os.path.join(FOLDER, "list.json") if path == PREFIX else os.path.join(
            FOLDER, "files", path[len(PREFIX) + 1:].replace("/", "_"))
        try:
            with open(name, "rb") as file:
                body = file.read()
        except OSError:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if os.path.exists(name + ".cut"):
            os.unlink(name + ".cut")
            self.wfile.write(body[:len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Node)
with open(os.path.join(FOLDER, "port.new"), "w") as port:
    port.write(str(server.server_port))
os.rename(os.path.join(FOLDER, "port.new"), os.path.join(FOLDER, "port"))
server.serve_forever()
