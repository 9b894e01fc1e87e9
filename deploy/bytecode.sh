#!/bin/sh
# bytecode.sh FOLDER PREFIX: compile the Python files of FOLDER, which Lambda mounts at PREFIX.
#
# Lambda cannot write bytecode (/var/task and /opt are read-only), so without compiled files every
# cold start compiles each imported module. Only CPython 3.13 writes bytecode that Lambda's 3.13
# reads. Hashes are unchecked because a zip changes the files' times. The last line of output is for
# the log of `sam build`, which shows standard output only.
set -eu
folder=$1 prefix=$2
image=public.ecr.aws/lambda/python:3.13
compile="-m compileall -q -o 0 --invalidation-mode unchecked-hash"

find "$folder" -name __pycache__ -type d -prune -exec rm -rf {} +

for python in python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*/bin/python3.13; do
  if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then
    # shellcheck disable=SC2086 # several words
    "$python" $compile -s "$folder" -p "$prefix" "$folder"
    echo "chatd: bytecode by $python"
    exit 0
  fi
done

for tag in "$image-x86_64" "$image-arm64" "$image"; do
  docker image inspect "$tag" >/dev/null 2>&1 || continue # not pulled here, because a pull may take minutes
  # shellcheck disable=SC2086 # several words
  if docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$folder:$prefix" \
    --entrypoint /var/lang/bin/python3.13 "$tag" $compile "$prefix"; then
    echo "chatd: bytecode by $tag"
    exit 0
  fi
done

echo "chatd: NO BYTECODE: python3.13 and the image $image are missing, so every cold start" \
  "takes two to three times as long"
exit 3
