#!/usr/bin/env bash
# Builds all that runs in a browser: the crate as WebAssembly with its bindings, the npm package, and the page where its
# folder is there. Prints the size of the module, and fails if it outgrows its limit.
#
#   scripts/build-web.sh             everything
#   scripts/build-web.sh package     without the page
#
# `ARCHETYPAL=PROGRAM` names a command that is built already, to train the models that the page opens on.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly limit=600000 # bytes, after gzip
target_dir=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
module=$target_dir/wasm32-unknown-unknown/web/archetypal.wasm
bindings=web/archetypal/src/wasm

die() {
  printf 'build-web.sh: %s\n' "$@" >&2
  exit 1
}

# Vectors of 128 bits are in every browser that is still kept up to date; without them the CPU is four times slower.
compile() {
  RUSTFLAGS="${RUSTFLAGS:-} -Ctarget-feature=+simd128" scripts/wasm.sh rustc --lib --crate-type cdylib \
    --profile web --no-default-features --features gpu,web
}

version_of() {
  sed -n "/^name = \"$1\"\$/{n;s/^version = \"\(.*\)\"\$/\1/p}" "$2"
}

# The generator, made once; it must have the version that the crate was compiled with.
make_bindgen() {
  local crate tool
  crate=$(version_of wasm-bindgen Cargo.lock)
  tool=$(version_of wasm-bindgen-cli-support web/bindgen/Cargo.lock)
  [[ $crate == "$tool" ]] || die "the crate has wasm-bindgen $crate, but web/bindgen $tool" \
    "set it in web/bindgen/Cargo.toml and run cargo update there"
  CARGO_TARGET_DIR=$target_dir/bindgen cargo build --quiet --release --locked --manifest-path web/bindgen/Cargo.toml
}

install_tools() {
  command -v npm >/dev/null || die "missing: npm" "on Debian: apt-get install --no-install-recommends nodejs npm"
  # Again only if the list of packages has changed.
  if ! cmp --silent web/package-lock.json web/node_modules/.installed-lock; then
    npm ci --prefix web --ignore-scripts --no-audit --no-fund
    cp web/package-lock.json web/node_modules/.installed-lock
  fi
}

optimise() {
  # Twice: what the first pass has inlined gets smaller in the second.
  web/node_modules/.bin/wasm-opt -O3 -O3 --enable-simd --enable-bulk-memory --enable-nontrapping-float-to-int \
    --enable-sign-ext --enable-mutable-globals --enable-reference-types --enable-multivalue \
    "$1" --output "$1.small"
  mv "$1.small" "$1"
}

check_size() {
  local raw zipped
  raw=$(wc -c <"$1")
  zipped=$(gzip --best --stdout "$1" | wc -c)
  echo "archetypal_bg.wasm: $((raw / 1000)) KB, $((zipped / 1000)) KB after gzip (at most $((limit / 1000)))"
  ((zipped <= limit)) || die "the module is too large"
}

make_package() {
  rm -rf web/archetypal/dist
  npm run --silent --prefix web build --workspace archetypal
  mkdir -p web/archetypal/dist/wasm
  cp "$bindings"/archetypal.js "$bindings"/archetypal.d.ts "$bindings"/archetypal_bg.wasm web/archetypal/dist/wasm/
  cp LICENSE-* web/archetypal/
}

# What the page opens on: a model of each set that ships, trained here, with all that there is to see of it. With half as
# many points as concepts an atom is a blend of several (some 7 and 10 that count); with as many, most would be one point.
make_sets() {
  if [[ -z ${ARCHETYPAL:-} ]]; then cargo build --quiet --release; fi
  make_set pictures clipart-efflite0 clipart --concepts 512 --points 256 --top-k 16 --epochs 30
  make_set words wordnet-minilm wordnet --concepts 512 --points 256 --top-k 32 --epochs 40
}

# make_set NAME DATA EXAMPLES TRAIN-OPTIONS...: again only if the command or this script has changed since.
make_set() {
  local name=$1 data=examples/data/$2.safetensors examples=examples/data/$3.jsonl
  local program=${ARCHETYPAL:-$target_dir/release/archetypal} out=web/explorer/public/sets/$1 model=$target_dir/$1.safetensors
  shift 3
  if [[ $out/manifest.json -nt $program && $out/manifest.json -nt scripts/build-web.sh ]]; then return; fi
  mkdir -p "$(dirname "$out")"
  "$program" train "$data" --out "$model" --batch-size 512 --backend cpu --quiet "$@" >/dev/null
  "$program" explore "$model" "$data" --examples "$examples" --title "$name" --out "$out" --data-only --with-data \
    --backend cpu --quiet >/dev/null
  # An atlas that is already as it was made now is newer than the command all the same.
  touch "$out/manifest.json"
}

compile
make_bindgen
install_tools
rm -rf "$bindings"
"$target_dir/bindgen/release/bindgen" "$module" "$bindings" archetypal
optimise "$bindings/archetypal_bg.wasm"
check_size "$bindings/archetypal_bg.wasm"
make_package
if [[ ${1:-} != package && -f web/explorer/package.json ]]; then
  make_sets
  npm run --silent --prefix web build --workspace explorer
fi
