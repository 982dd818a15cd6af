#!/bin/sh
# webuiapi 0.9.17 (Python). A ControlNet unit of one call of txt2img goes out with every later call that names none:
# the method writes it into its parameter's default value, which all calls share.
#
# Seen: units sent by a call with one, and by the next without: [1, 1].
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet webuiapi==0.9.17
fi
"$PYTHON" - <<'PY'
import base64
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import webuiapi
from PIL import Image

picture = Image.new("RGB", (8, 8), "red")
png = io.BytesIO()
picture.save(png, "PNG")
found = []

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        scripts = {name.lower(): script for name, script in body["alwayson_scripts"].items()}
        found.append(len(scripts.get("controlnet", {}).get("args", [])))
        text = json.dumps({"images": [base64.b64encode(png.getvalue()).decode()], "parameters": {}, "info": "{}"})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = webuiapi.WebUIApi(host="127.0.0.1", port=server.server_port)
client.txt2img(prompt="a fox", controlnet_units=[webuiapi.ControlNetUnit(image=picture, module="canny")])
client.txt2img(prompt="a fox")
print(found)
assert found == [1, 1], found
PY
