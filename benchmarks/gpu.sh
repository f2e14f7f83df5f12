#!/usr/bin/env bash
# What a GPU shows, within eight minutes: ranked steps, each of which leaves what it printed in a folder as it ends.
#
#   benchmarks/gpu.sh pack PARCEL          where there is a network: PARCEL/wheels, PARCEL/models (whisper-base) and
#                                          PARCEL/corpora (Emo-DB, RAVDESS), with the size of each
#   benchmarks/gpu.sh run RESULTS PARCEL   where the GPU is: nothing is fetched; what the parcel lacks is passed over
#   benchmarks/gpu.sh toy RESULTS          the same steps on this CPU at their smallest: whether they work, not how fast
#
# `run` needs Python with torch, torchaudio, onnx, onnxruntime, pandas, scikit-learn, transformers, peft and pytest; what
# else the project needs is in the parcel. RESULTS/RESULTS.md is ready to be pasted into benchmarks/RESULTS.md.
# GPU_SECONDS bounds all steps together [480]; GPU_PYTHON is the version that wheels are packed for [3.12].
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

pack() {
  local parcel=$1 core
  local fetch=(python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version "${GPU_PYTHON:-3.12}"
    --implementation cp --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64
    --dest "$parcel/wheels")
  mkdir -p "$parcel"/{wheels,models,corpora}
  "${fetch[@]}" "hatchling>=1.27" editables "platformdirs>=4,<5" "pydantic>=2.7,<3" "rich-click>=1.9,<2" \
    "soundfile>=0.12.1,<1" "soxr>=0.5,<2" annotated-types audmetric audeer cffi pycparser trove-classifiers typing-inspection
  # pydantic takes one version of its core only.
  core=$(unzip -p "$parcel"/wheels/pydantic-2*.whl '*/METADATA' | sed -n 's/^Requires-Dist: pydantic-core==\([0-9.]*\).*/\1/p')
  "${fetch[@]}" "pydantic-core==$core"
  cp -r "${EMONET_BENCH_MODELS_DIR:?names the folder of whisper-base}/whisper-base" "$parcel/models/"
  cp -r "${EMONET_BENCH_CORPORA_DIR:?names the folder of emodb and ravdess}"/{emodb,ravdess} "$parcel/corpora/"
  chmod -R u+w "$parcel"
  du -sm "$parcel"/*
}

# Torch is the machine's own; the project and its plugin for pretrained backbones join it in an environment of their own.
install() {
  python3 -m venv --system-site-packages "$results/environment"
  python="$results/environment/bin/python"
  "$python" -m pip install --quiet --no-index --no-deps "$1"/wheels/*.whl
  "$python" -m pip install --quiet --no-index --no-deps --no-build-isolation -e . -e plugins/emonet-ssl
}

# step NAME SECONDS COMMAND...: what it printed goes to NAME.txt, and its tables to RESULTS.md; a failure stops nothing.
step() {
  local name=$1 seconds=$2 left status=0
  shift 2
  left=$((deadline - SECONDS))
  if ((left < 15)); then
    echo "- $name: not begun, no time was left" | tee -a "$results/RESULTS.md"
    return
  fi
  local began=$SECONDS
  timeout --signal=INT --kill-after=10 "$((seconds < left ? seconds : left))" "$@" >"$results/$name.txt" 2>&1 || status=$?
  {
    echo "- $name: ended with $status after $((SECONDS - began)) s"
    grep -E '^\||^[0-9]+ (passed|failed)|tests collected|cores \(' "$results/$name.txt" | sed 's/^|/\n|/;:a;N;$!ba;s/|\n\n|/|\n|/g' || true
    echo
  } | tee -a "$results/RESULTS.md"
}

# matrix NAME SECONDS TOML ARGUMENTS...: trains it and reports it in Markdown.
matrix() {
  local name=$1 seconds=$2
  printf '%s\n' "$3" >"$results/$name.toml"
  shift 3
  step "$name" "$seconds" "${bench[@]}" run matrix "$results/$name.toml" --results "$results/$name" --device "$device" "$@"
  step "$name-table" 60 "${bench[@]}" report "$results/$name" --format markdown
}

steps() {
  local brief=() epochs=15 corpora='["emodb", "ravdess"]' jobs=(--jobs auto) limit=() tests=(tests)
  if [[ $device == cpu ]]; then
    tests=(--collect-only tests/training/test_step.py) brief=(--brief) epochs=1 corpora='["synthetic-acted"]' jobs=(--jobs 1) limit=(--limit 8)
  fi
  printf '## GPU, %s\n\n' "$(date -u +%F)" >"$results/RESULTS.md"
  step device 30 "$python" -c "import sys; sys.path.insert(0, 'benchmarks'); from measuring import machine; print(machine())"
  step tests 90 "$python" -m pytest -q -p no:cacheprovider -m gpu "${tests[@]}"
  step loop 60 "$python" benchmarks/loop.py --device "$device" --brief
  step data_path 45 "$python" benchmarks/data_path.py --device "$device" "${brief[@]}"
  step features 60 "$python" benchmarks/features.py --device "$device" "${brief[@]}"
  step scaling 90 "$python" benchmarks/scaling.py --device "$device" --jobs 1,auto --brief
  if [[ -d ${EMONET_BENCH_MODELS_DIR:-/nowhere}/whisper-base ]]; then
    local common="architectures = ['whisper']
corpora = $corpora
training = { epochs = $epochs, window = 'none', learning_rate = 2e-4 }
options.whisper = { checkpoint = 'whisper-base', pooling = 'statistics'"
    matrix whisper-finetune 100 "$common, finetune = 'transformer' }" "${jobs[@]}" "${limit[@]}"
    matrix whisper-lora 100 "$common }
strategies = ['lora']" "${jobs[@]}" "${limit[@]}"
  fi
  if [[ $device == cuda ]]; then # as much of it as time allows; finished cells are kept
    step transfer "$GPU_SECONDS" "${bench[@]}" run matrix examples/transfer.toml --results "$results/transfer" \
      --corpora emodb,ravdess --jobs auto
  fi
}

command=${1:-} results=${2:-}
[[ -n $command && -n $results ]] || { sed -n '2,/^set/{s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
export GPU_SECONDS=${GPU_SECONDS:-480} OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
deadline=$((SECONDS + GPU_SECONDS)) python=${PYTHON:-python3}
case $command in
  pack) pack "$results" ;;
  run | toy)
    mkdir -p "$results"
    results=$(realpath "$results")
    device=cpu
    if [[ $command == run ]]; then
      device=cuda parcel=$(realpath "${3:?the parcel}")
      export EMONET_BENCH_MODELS_DIR="$parcel/models" EMONET_BENCH_CORPORA_DIR="$parcel/corpora"
      install "$parcel"
    fi
    bench=("$python" -m emonet_bench)
    export EMONET_BENCH_CACHE_DIR="$results/cache"
    steps
    ;;
  *) echo "gpu.sh: unknown command $command; pack, run or toy" >&2; exit 2 ;;
esac
