"""An HTTP server on loopback that a help desk of a vendor's is acted on, and what goes wrong with those."""
import collections
import gzip
import http.server
import json
import threading
import time
import urllib.parse

Asked = collections.namedtuple("Asked", "path query headers at")


class VendorServer:
    """answer(asked) → (status, headers, value to be sent as JSON). What came is in `asked`."""

    def __init__(self):
        self.asked = []
        self.trouble = []  # answers to the next requests that come before those of `answer`; None lets one through
        self.gone = 0  # connections that are closed without an answer
        self.lock = threading.RLock()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536  # head and body together: the two apart wait for each other

            def do_GET(self):
                path, _, query = self.path.partition("?")
                asked = Asked(path, urllib.parse.parse_qs(query, keep_blank_values=True), dict(self.headers.items()), time.monotonic())
                with server.lock:
                    server.asked.append(asked)
                    if server.gone:
                        server.gone -= 1
                        self.close_connection = True
                        return
                    trouble = server.trouble.pop(0) if server.trouble else None
                    status, headers, value = trouble or server.answer(asked)
                body = value if isinstance(value, bytes) else json.dumps(value).encode()
                if "gzip" in self.headers.get("Accept-Encoding", "") and len(body) > 1000:
                    body, headers = gzip.compress(body, 1), {**headers, "Content-Encoding": "gzip"}
                self.send_response(status)
                for name, text in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def answer(self, asked):
        raise NotImplementedError

    def paths(self):
        with self.lock:
            return [asked.path for asked in self.asked]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
