#!/usr/bin/env bash
# Checks everything: format, lints (native and wasm), documentation, tests of the crate, of the npm package (in Node,
# Chromium and Firefox) and of the explorer page. Installs what that needs where it can (apt and root), else says what is
# missing. Ends with `N passed, N failed, N skipped`.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
logs=${CARGO_TARGET_DIR:-target}/test-logs
mkdir -p "$logs"
rm -f "$logs"/tests*.log # Results of an earlier run must not be counted.
failures=()

# A GPU test without an adapter fails instead of passing by absence.
export ARCHETYPAL_REQUIRE_GPU=1 CARGO_TERM_COLOR=never
# Mesa's choice of a device looks for a desktop and complains where there is none.
export NODEVICE_SELECT=1
# The results of all test runners are read by programs.
export NO_COLOR=1

die() {
  printf 'test.sh: %s\n' "$@" >&2
  exit 1
}

# need WHAT CHECK PACKAGE...: makes sure that the function CHECK succeeds, by installing the packages if it must.
need() {
  local what=$1 check=$2
  shift 2
  if "$check" 2>/dev/null; then return; fi
  if command -v apt-get >/dev/null && ((EUID == 0)); then
    echo "installing $what: $*"
    apt_install "$@" >"$logs/apt.log" 2>&1 </dev/null || tail -n 20 "$logs/apt.log" >&2
  fi
  "$check" || die "missing: $what" "on Debian: apt-get install --no-install-recommends $*"
}

apt_install() {
  apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
}

has_real_gpu() {
  [[ $(uname) == Darwin ]] || compgen -G '/dev/dri/renderD*' >/dev/null || [[ -e /dev/nvidia0 || -e /dev/dxg ]]
}

has_vulkan_loader() {
  [[ $(uname) == Darwin || $(PATH=$PATH:/sbin ldconfig -p) == *libvulkan.so.1* ]]
}

lavapipe() {
  compgen -G '/usr/share/vulkan/icd.d/lvp_icd*.json' | sed -n 1p
}

driver_is_chosen() {
  [[ -n ${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-} ]]
}

has_gpu_driver() {
  driver_is_chosen || { has_vulkan_loader && { has_real_gpu || [[ -n $(lavapipe) ]]; }; }
}

has_wasm_compiler() {
  scripts/wasm.sh --compiler >/dev/null
}

# What Vite needs is newer than the Node of some distributions.
has_node() {
  command -v npm >/dev/null && node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);'
}

has_chromium() {
  [[ -x ${CHROMIUM:-/usr/bin/chromium} ]]
}

has_firefox() {
  [[ -x ${FIREFOX:-/usr/bin/firefox-esr} ]]
}

# The driver that the caller named, else a real GPU, else Mesa's driver for the CPU.
choose_gpu_driver() {
  if ! driver_is_chosen && ! has_real_gpu; then
    VK_DRIVER_FILES=$(lavapipe)
    export VK_DRIVER_FILES
  fi
  echo "GPU driver: ${VK_DRIVER_FILES:-${VK_ICD_FILENAMES:-this machine\'s own}}"
}

# step HEADING COMMAND...: shows the command's output only if it fails; later steps run all the same.
step() {
  local heading=$1 started=$SECONDS
  shift
  echo "== $heading"
  if "$@" >"$logs/step.log" 2>&1 </dev/null; then
    echo "   ok, $((SECONDS - started)) s"
  else
    without_noise "$logs/step.log"
    failed "$heading" "$started"
  fi
}

# What tells of the failure: not which crates were built, nor which tests passed.
without_noise() {
  sed -E '/^ +(Compiling|Checking|Documenting|Downloaded|Running|Finished) /d; / \.\.\. ok$/d; /^test result: ok/d; /^running [0-9]+ tests?$/d; /^ *(✔|✓) /d' "$1" | cat -s
}

failed() {
  echo "   FAILED after $((SECONDS - $2)) s"
  failures+=("$1")
}

# One profile throughout: lints and documentation share the checked dependencies, wasm and native the target folder.
lint() {
  step "lints" cargo clippy --release --all-targets -- -D warnings
  step "lints, CPU library only" cargo clippy --release --lib --no-default-features -- -D warnings
  step "lints, GPU library" cargo clippy --release --lib --no-default-features --features gpu -- -D warnings
  step "lints, command without GPU" cargo clippy --release --bins --no-default-features --features cli -- -D warnings
  step "lints, command with the page" env ARCHETYPAL_PAGE_DIST=tests/cli/page \
    cargo clippy --release --bins --test cli --features page -- -D warnings
  step "lints, wasm (compiler: $(scripts/wasm.sh --compiler))" \
    scripts/wasm.sh clippy --release --lib --no-default-features --features gpu,web -- -D warnings
}

# run_tests HEADING NAME COMMAND...: keeps the output as tests-NAME.log, where count_tests finds the results.
run_tests() {
  local heading=$1 log=$logs/tests-$2.log started=$SECONDS
  shift 2
  echo "== $heading"
  if "$@" </dev/null 2>&1 | tee "$log" | show_results && some_passed "$log"; then
    echo "   ok, $((SECONDS - started)) s"
  else
    without_noise "$log"
    failed "$heading" "$started"
  fi
}

# A filter that fits no test lets cargo succeed.
some_passed() {
  grep --quiet --extended-regexp '^test result: ok\. [1-9]|^ℹ pass [1-9]|^ +Tests .*[1-9][0-9]* passed' "$1" ||
    { echo "no test ran" && false; }
}

# Of cargo the one line of each test binary as it ends, of Node and Vitest the last lines; `sed`, because finding no line is
# no error of its own.
show_results() {
  sed --unbuffered -nE 's/.*(SKIPPED )/     \1/p; s/^ +(Running|Doc-tests) (unittests )?([^ ]+).*/   \3/p; s/^test result: /     /p; s/^ℹ (pass|fail|cancelled|skipped) /     \1 /p; s/^ +Tests  /     /p'
}

# All that runs in a browser is built once. The command that the crate's tests left behind serves: on its own, without
# their dependencies, cargo would build it and half of what it depends on anew.
check_web() {
  local failures_before=${#failures[@]}
  step "web: build" env ARCHETYPAL="${CARGO_TARGET_DIR:-target}/release/archetypal" scripts/build-web.sh
  if ((${#failures[@]} > failures_before)); then return; fi
  run_tests "web: the package in Node, Chromium and Firefox" package npm test --prefix web --workspace tests
  run_tests "web: units of the page" units npm run unit --prefix web --workspace explorer
  run_tests "web: the page in Chromium" page npm run browser --prefix web --workspace explorer
}

# Prints the closing line; fails if a test failed or none ran. Cargo says `5 passed;`, Node `ℹ pass 5`, Vitest `Tests  5 passed`,
# and a test of ours that ends early, once and which cargo takes for passed, `SKIPPED`.
count_tests() {
  awk '/^test result:|^ +Tests  / {
         for (i = 2; i <= NF; i++) {
           if ($i ~ /^passed;?$/) passed += $(i - 1)
           if ($i ~ /^failed;?$/) failed += $(i - 1)
           if ($i ~ /^(ignored;|skipped|todo)$/) skipped += $(i - 1)
         }
       }
       /SKIPPED / { skipped++; passed-- }
       /^ℹ pass / { passed += $3 }
       /^ℹ (fail|cancelled) / { failed += $3 }
       /^ℹ (skipped|todo) / { skipped += $3 }
       END {
         printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
         exit failed > 0 || passed == 0
       }' "$logs"/tests-*.log
}

need "a Vulkan loader and a driver" has_gpu_driver mesa-vulkan-drivers libvulkan1
need "a compiler for wasm32-unknown-unknown" has_wasm_compiler rustc-web rust-web-src lld-22 rust-web-clippy
need "Node 20.19 or newer, and npm (Debian 12 has an older one: see nodejs.org/en/download)" has_node nodejs npm
need "Chromium" has_chromium chromium
need "Firefox" has_firefox firefox-esr
choose_gpu_driver

step "format" cargo fmt --check -- --color never
lint
step "documentation" env RUSTDOCFLAGS=-Dwarnings cargo doc --release --no-deps --lib
# With a page that stands in for the real one; before the other tests, so that the program left behind is theirs.
run_tests "explore with the page" explore env ARCHETYPAL_PAGE_DIST=tests/cli/page \
  cargo test --release --features page --test cli -- page explore
# Benchmarks are compiled by the lints and not run here.
run_tests tests crate cargo test --release --no-fail-fast
check_web

echo "== $SECONDS s in all"
status=0
if ((${#failures[@]} > 0)); then
  printf 'failed: %s\n' "${failures[@]}"
  status=1
fi
count_tests || status=1
exit $status
