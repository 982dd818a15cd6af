#!/bin/sh
# lm-eval 0.4.13. A task without a test split, as hellaswag, draws one few-shot example more than it shows: it takes its
# examples' split for the one that it scores, since neither is named. The examples that its prompts show are others, from
# the second item on, than those of the same task, documents and seed with a test split.
#
# Seen: without one [[12, 7], [0, 1], [0, 10]], with one [[12, 7], [1, 0], [1, 12]].
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet lm-eval==0.4.13
fi
HF_HOME=$folder/home HF_DATASETS_OFFLINE=1 "$PYTHON" - "$folder" 2>/dev/null <<'PY'
import json
import logging
import pathlib
import sys

logging.disable(logging.CRITICAL)
from lm_eval.api.task import ConfigurableTask

items = pathlib.Path(sys.argv[1]) / "items.json"
items.write_text("\n".join(
    json.dumps({"question": f"question {index}", "choices": ["yes", "no"], "answer": 0}) for index in range(14)))

def shown(**more):
    """The documents that the prompts of three items show as examples."""
    task = ConfigurableTask(config={
        "task": "t", "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"train": str(items), "validation": str(items)}},
        "training_split": "train", "validation_split": "validation", "output_type": "multiple_choice",
        "doc_to_text": "{{question}}", "doc_to_choice": "{{choices}}", "doc_to_target": "answer", "num_fewshot": 2, **more})
    task.set_fewshot_seed(1234)
    prompts = [task.fewshot_context(doc, num_fewshot=2) for doc in list(task.validation_docs())[10:13]]
    return [[int(line.split()[1]) for line in prompt.splitlines() if line.startswith("question")][:-1]
            for prompt in prompts]

without, named = shown(), shown(test_split="validation")
print(f"without {without}, with {named}")
wanted = [[12, 7], [0, 1], [0, 10]], [[12, 7], [1, 0], [1, 12]]
sys.exit(0 if (without, named) == wanted else 1)
PY
