#!/usr/bin/env bash
# Runs a cargo subcommand for wasm32-unknown-unknown, with whichever compiler this machine has for it:
# rustup's target, else Debian's rustc-web with a standard library made once from its sources.
#
#   scripts/wasm.sh build --release --lib --no-default-features --features gpu
#   scripts/wasm.sh clippy --release --lib --no-default-features --features gpu -- -D warnings
#   scripts/wasm.sh --compiler     prints `rustup` or `debian`, or says what to install and fails
set -euo pipefail

readonly target=wasm32-unknown-unknown
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target_dir=${CARGO_TARGET_DIR:-$root/target}

# Not on PATH: rustup's compiler comes first there, and Debian's must not become the native one.
readonly debian_rustc=/usr/bin/rustc debian_clippy=/usr/bin/cargo-clippy
readonly debian_source=/usr/lib/rustlib/src/rust/library

has_rustup_target() {
  command -v rustup >/dev/null && rustup target list --installed 2>/dev/null | grep -x "$target" >/dev/null
}

wasm_linker() {
  compgen -c wasm-ld | sort -V | tail -n 1
}

has_debian() {
  [[ -x $debian_rustc && -f $debian_source/std/Cargo.toml && -n $(wasm_linker) ]]
}

compiler() {
  if has_rustup_target; then
    echo rustup
  elif has_debian; then
    echo debian
  else
    cat >&2 <<'END'
wasm.sh: no compiler for wasm32-unknown-unknown. Install one of:
  rustup target add wasm32-unknown-unknown
  apt-get install --no-install-recommends rustc-web rust-web-src lld-22 rust-web-clippy    (Debian 12)
END
    return 1
  fi
}

# Debian ships std for wasm as source only. Makes it once for each compiler version and prints the sysroot.
debian_sysroot() {
  local sysroot lib work
  sysroot=$target_dir/wasm-std/$("$debian_rustc" -vV | sed -n 's/^commit-hash: //p')
  lib=$sysroot/lib/rustlib/$target/lib
  if [[ ! -d $lib ]]; then
    echo "wasm.sh: making the standard library for $target, once (about a minute)" >&2
    work=$target_dir/wasm-std/build
    rm -rf "$work" && mkdir -p "$work/src" "$(dirname "$lib")"
    printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n' >"$work/Cargo.toml"
    echo '#![no_std]' >"$work/src/lib.rs"
    # Bitcode lets a release build with link-time optimisation reach into std.
    (cd "$work" && env -u RUSTFLAGS RUSTC="$debian_rustc" RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$work/target" \
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS=-Cembed-bitcode=yes \
      cargo build --quiet --release -Z build-std=std,panic_abort,test --target "$target") >&2
    mkdir "$work/lib" && cp "$work/target/$target/release/deps/"*.rlib "$work/lib/"
    mv "$work/lib" "$lib" # Whole or not at all: an interrupted run leaves nothing that looks finished.
    rm -rf "$work"
  fi
  echo "$sysroot"
}

# How many arguments stand before `--`: what follows it is for clippy alone.
arguments_before_dashes() {
  local count=0
  while (($# > 0)) && [[ $1 != -- ]]; do
    count=$((count + 1))
    shift
  done
  echo "$count"
}

run_with_debian() {
  local command=$1 sysroot
  shift
  sysroot=$(debian_sysroot)
  export RUSTC=$debian_rustc
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$(wasm_linker)
  # RUSTFLAGS would replace the target's own flags, so what the caller set there goes in with them.
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="--sysroot $sysroot ${RUSTFLAGS:-}"
  unset RUSTFLAGS
  if [[ $command != clippy ]]; then
    exec cargo "$command" --target "$target" "$@"
  elif [[ -x $debian_clippy ]]; then
    # Clippy is a compiler and reads only what its own version wrote: rustup's would refuse Debian's std.
    CARGO=$(command -v cargo) exec "$debian_clippy" clippy --target "$target" "$@"
  else
    echo "wasm.sh: no clippy for Debian's compiler (rust-web-clippy): checking with warnings as errors instead" >&2
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS+=" -Dwarnings"
    exec cargo check --target "$target" "${@:1:$(arguments_before_dashes "$@")}"
  fi
}

main() {
  if (($# == 0)); then
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
  fi
  local which
  which=$(compiler)
  if [[ $1 == --compiler ]]; then
    echo "$which"
    return
  fi
  cd "$root"
  case $which in
    rustup) exec cargo "$1" --target "$target" "${@:2}" ;;
    debian) run_with_debian "$@" ;;
  esac
}

main "$@"
