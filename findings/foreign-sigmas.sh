#!/bin/sh
# diffusers 0.42.1, torch 2.15.0. from_config keeps entries that a scheduler's class does not have as
# parameters, and most have no effect. sigma_min and sigma_max have: where a class looks for an end of its own,
# it finds them among all entries. So Karras' curve of a scheduler that was made from another class's file (here EDM's, with its
# own ends) spans 80 to 0.002 in place of what its betas say, in the noise levels that the model is told too.
#
# Seen: "HeunDiscreteScheduler: from 14.61 by its betas, from 80 with EDM's entries", and the same of
# KDPM2DiscreteScheduler and DPMSolverMultistepScheduler.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet diffusers==0.42.1 torch==2.15.0
fi
"$PYTHON" - 2>/dev/null <<'PY'
import inspect, sys
from diffusers import (
    DPMSolverMultistepScheduler, EDMEulerScheduler, HeunDiscreteScheduler, KDPM2DiscreteScheduler,
)

own = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "use_karras_sigmas": True}
foreign = {key: EDMEulerScheduler().config[key] for key in ("sigma_min", "sigma_max")}
same = True
for kind in (HeunDiscreteScheduler, KDPM2DiscreteScheduler, DPMSolverMultistepScheduler):
    assert not set(foreign) & set(inspect.signature(kind.__init__).parameters)
    first = []
    for config in (own, own | foreign):
        scheduler = kind.from_config(config)
        scheduler.set_timesteps(10)
        first.append(scheduler.sigmas[0].item())
    print(f"{kind.__name__}: from {first[0]:.4g} by its betas, from {first[1]:.4g} with EDM's entries")
    same &= abs(first[0] - 14.61) < 0.01 and abs(first[1] - 80) < 0.01
sys.exit(0 if same else 1)
PY
