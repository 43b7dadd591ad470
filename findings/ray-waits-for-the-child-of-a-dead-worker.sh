#!/usr/bin/env bash
# Ray 2.60.0, Linux: that a worker has died is noticed when its connections close. A process that the
# worker had forked holds them as well, so where one lives on, `ray.get` waits for as long as it does: a
# call that killed its own worker hangs. Seen: "no child: raised within 10 s", "a child that lives 40 s:
# raised after 30 s or more".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'ray==2.60.0'
cat > "$folder/look.py" <<'PY'
import os, sys, time
import ray

@ray.remote(max_restarts=0)
class Worker:
    def die(self, child_s):
        if child_s and os.fork() == 0:
            time.sleep(child_s)
            os._exit(0)
        os._exit(1)

    def ready(self):
        return True

def seconds(child_s):
    worker = Worker.remote()
    ray.get(worker.ready.remote())
    began = time.monotonic()
    try:
        ray.get(worker.die.remote(child_s))
    except ray.exceptions.RayActorError:
        return time.monotonic() - began

ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, _temp_dir=sys.argv[1])
print("no child: raised", "within 10 s" if seconds(0) < 10 else "later")
print("a child that lives 40 s: raised", "after 30 s or more" if seconds(40) > 30 else "earlier")
PY
seen=$("$folder/venv/bin/python" "$folder/look.py" "/tmp/ray-find-$$" 2> /dev/null)
rm -rf "/tmp/ray-find-$$"
echo "$seen"
[[ "$seen" == $'no child: raised within 10 s\na child that lives 40 s: raised after 30 s or more' ]]
