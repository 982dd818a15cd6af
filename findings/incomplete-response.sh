#!/bin/sh
# openai 3.57.0 (Python). The stream of a response that ends by max_output_tokens, whose last event is
# response.incomplete as the API describes it, has no final response: get_final_response raises RuntimeError, though
# every event, the last with the whole response, was given to the loop. Without streaming the same response is returned.
#
# Seen: plain "incomplete"; streamed events [..., response.incomplete], then RuntimeError "Didn't receive a
# `response.completed` event.".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet openai==3.57.0
fi
"$PYTHON" - <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from openai import OpenAI

MESSAGE = {"id": "m", "type": "message", "role": "assistant", "status": "incomplete",
           "content": [{"type": "output_text", "text": "Red, ", "annotations": [], "logprobs": []}]}

def response(status, output):
    return {"id": "r", "object": "response", "created_at": 0, "status": status, "model": "x", "output": output,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None, "error": None,
            "instructions": None, "metadata": {}, "parallel_tool_calls": True, "temperature": 1, "tool_choice": "auto",
            "tools": [], "top_p": 1}

PLACE = {"item_id": "m", "output_index": 0, "content_index": 0}
PART = MESSAGE["content"][0]
EVENTS = [
    {"type": "response.created", "response": response("in_progress", [])},
    {"type": "response.output_item.added", "output_index": 0, "item": {**MESSAGE, "content": []}},
    {"type": "response.content_part.added", **PLACE, "part": {**PART, "text": ""}},
    {"type": "response.output_text.delta", **PLACE, "delta": "Red, ", "logprobs": []},
    {"type": "response.output_text.done", **PLACE, "text": "Red, ", "logprobs": []},
    {"type": "response.content_part.done", **PLACE, "part": PART},
    {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE},
    {"type": "response.incomplete", "response": response("incomplete", [MESSAGE])},
]

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body.get("stream"):
            kind = "text/event-stream"
            text = "".join(f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n"
                           for number, event in enumerate(EVENTS))
        else:
            kind, text = "application/json", json.dumps(response("incomplete", [MESSAGE]))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none")
wish = dict(model="x", input="Name three colours.", max_output_tokens=2)
plain = client.responses.create(**wish).status
with client.responses.stream(**wish) as stream:
    events = [event.type for event in stream]
    try:
        final = stream.get_final_response().status
    except RuntimeError as error:
        final = f"RuntimeError: {error}"
print(plain, events[-1], final)
assert plain == "incomplete" and events[-1] == "response.incomplete", (plain, events)
assert final == "RuntimeError: Didn't receive a `response.completed` event.", final
PY
