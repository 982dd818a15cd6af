#!/bin/sh
# transformers 5.24.0, jinja2 3.1.6. Prompts are no web pages, and transformers' sandbox does not escape HTML; yet the
# filter `safe` still marks a text as HTML. `+` behind such a text escapes what it joins, `~` does not: a chat template
# that joins its parts by `+` sends the model &lt; for <.
#
# Seen: '<b>'|safe + '<' renders as <b>&lt;, '<b>'|safe ~ '<' as <b><.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet transformers==5.24.0 jinja2==3.1.6
fi
"$PYTHON" - 2>/dev/null <<'PY'
import sys
from transformers.utils.chat_template_utils import render_jinja_template

found = []
for sign in "+", "~":
    template = "{% for message in messages %}{{ ('<b>'|safe) " + sign + " message.content }}{% endfor %}"
    found += render_jinja_template([[{"role": "user", "content": "<"}]], chat_template=template)[0]
print(found)
sys.exit(0 if found == ["<b>&lt;", "<b><"] else 1)
PY
